//! The shipped pipeline: the commands of `.github/workflows/deploy.yml`, read out of the file, in its order and environment.
//!
//! Each job has a checkout of its own, and nothing of another job but the artifacts. Credentials exist in a job only after
//! its step for them. Compilers exist in the build job only, where stand-ins take the place of cargo, rustup and pip.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use contract::functions::ALL;
use serde::Deserialize;

use crate::{
    emulator::{Emulator, Project},
    emulator_life::hexadecimal,
    service::{root, scratch},
};

#[derive(Deserialize)]
struct Workflow {
    env: BTreeMap<String, String>,
    defaults: Defaults,
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Defaults {
    run: Shell,
}

#[derive(Deserialize)]
struct Shell {
    shell: String,
}

#[derive(Deserialize)]
struct Job {
    needs: Option<String>,
    environment: Option<String>,
    permissions: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    uses: Option<String>,
    run: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// Every variable that carries AWS credentials.
const CREDENTIALS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// GitHub's runners, for one run of the workflow.
struct Runner<'a> {
    workflow: &'a Workflow,
    folder: PathBuf,
    project: &'a Project,
    endpoint: &'a str,
}

fn workflow() -> Workflow {
    let text = fs::read_to_string(root().join(".github/workflows/deploy.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn program(file: &Path, script: &str) {
    fs::write(file, script).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Runner<'_> {
    /// Programs that a runner finds: the system's, and in the build job stand-ins of what compiles.
    fn tools(&self, job: &str) -> PathBuf {
        let tools = self.folder.join(format!("tools-{job}"));
        fs::create_dir_all(&tools).unwrap();
        let log = self.folder.join("compiled");
        let binaries = self.project.path("binaries");
        let deploy = std::env::var("XTASK_DEPLOY").expect("cargo xtask test names the program that talks to AWS");
        if job == "build" {
            // The compiler's work alone is replaced: what is packed, and how, is the command's own.
            let cargo = format!(
                "#!/bin/sh\nset -e\necho \"$@\" >>'{}'\n[ -z \"$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY\" ]\n\
                 case \"$1 $2\" in\n\
                 'xtask build') shift; exec '{}' \"$@\" --binaries '{}' ;;\n\
                 'build --bin') mkdir -p target/debug; cp '{}' target/debug/xtask; cp '{deploy}' target/debug/deploy ;;\n\
                 *) echo \"unexpected: cargo $*\" >&2; exit 1 ;;\nesac\n",
                log.display(),
                env!("CARGO_BIN_EXE_xtask"),
                binaries.display(),
                env!("CARGO_BIN_EXE_xtask"),
            );
            program(&tools.join("cargo"), &cargo);
            program(&tools.join("rustup"), "#!/bin/sh\n");
            program(&tools.join("python3"), "#!/bin/sh\n");
        } else {
            for name in ["cargo", "rustc", "rustup", "cc", "zig", "cargo-zigbuild", "python3"] {
                let script = format!("#!/bin/sh\necho '{job} ran {name}' >>'{}'\nexit 127\n", log.display());
                program(&tools.join(name), &script);
            }
        }
        tools
    }

    /// A checkout of the project, with the environment's file as it is now.
    fn checkout(&self, job: &str) -> PathBuf {
        let checkout = self.folder.join(job);
        for folder in ["environments", "infra", "home"] {
            fs::create_dir_all(checkout.join(folder)).unwrap();
        }
        let file = format!("environments/{}.yaml", self.project.env);
        fs::copy(self.project.path(&file), checkout.join(&file)).unwrap();
        checkout
    }

    fn artifact(&self, step: &Step) -> PathBuf {
        self.folder.join("artifacts").join(step.with["name"].as_str().unwrap())
    }

    /// Runs a job; the output of the step that fails, if one does.
    fn run(&self, name: &str) -> Result<String, Output> {
        let job = &self.workflow.jobs[name];
        let (checkout, tools) = (self.checkout(name), self.tools(name));
        let mut credentials = false;
        let mut text = String::new();
        for step in &job.steps {
            let action = step.uses.as_deref().map(|uses| uses.split('@').next().unwrap());
            match action {
                None => {}
                Some("actions/checkout") => assert_eq!(step.with["persist-credentials"], false),
                Some("actions/upload-artifact") => {
                    let artifact = self.artifact(step);
                    fs::create_dir_all(&artifact).unwrap();
                    for path in step.with["path"].as_str().unwrap().lines() {
                        let (from, to) = (checkout.join(path), artifact.join(path));
                        fs::copy(&from, &to).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
                        // GitHub keeps no permissions.
                        fs::set_permissions(&to, fs::Permissions::from_mode(0o644)).unwrap();
                    }
                }
                Some("actions/download-artifact") => {
                    for entry in fs::read_dir(self.artifact(step)).unwrap().flatten() {
                        fs::copy(entry.path(), checkout.join(entry.file_name())).unwrap();
                    }
                }
                Some("aws-actions/configure-aws-credentials") => {
                    assert_eq!(job.permissions["id-token"], "write");
                    assert!(job.environment.is_some(), "{name} has a role without a protected environment");
                    credentials = true;
                }
                Some(other) => panic!("{other} is new: say here what it does"),
            }
            let Some(run) = &step.run else { continue };
            let mut command = Command::new("bash");
            // How GitHub runs `shell: bash`.
            command
                .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", run])
                .current_dir(&checkout)
                .env_clear();
            command.env("PATH", format!("{}:/usr/bin:/bin", tools.display())).env("HOME", checkout.join("home"));
            command.env("GITHUB_STEP_SUMMARY", checkout.join("summary.md"));
            let inputs = |value: &String| value.replace("${{ inputs.environment }}", &self.project.env);
            command.envs(self.workflow.env.iter().chain(&step.env).map(|(name, value)| (name, inputs(value))));
            // Where AWS answers, in place of the region's own addresses.
            command.env("AWS_ENDPOINT_URL", self.endpoint);
            if credentials {
                // An account's number as the key: so the emulator is told which account is meant.
                command.env(CREDENTIALS[0], &self.project.account).env(CREDENTIALS[1], "any");
            }
            let output = command.output().unwrap();
            text += &String::from_utf8_lossy(&output.stdout);
            text += &String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                return Err(output);
            }
        }
        Ok(text)
    }

    fn passes(&self, job: &str) -> String {
        self.run(job).unwrap_or_else(|output| {
            panic!("{job}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        })
    }

    fn refuses(&self, job: &str, wanted: &str) {
        let output = self.run(job).expect_err("the job fails");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
    }

    /// What was compiled, and in which job.
    fn compiled(&self) -> String {
        fs::read_to_string(self.folder.join("compiled")).unwrap_or_default()
    }
}

/// Each run holds more than a gigabyte of programs and archives.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}

/// A run of the workflow in folders of its own.
fn runner<'a>(workflow: &'a Workflow, project: &'a Project, endpoint: &'a str, name: &str) -> Runner<'a> {
    Runner { workflow, folder: scratch(&format!("workflow-{name}")), project, endpoint }
}

/// Asserts that each function runs the zip that the build job packed.
fn runs_what_was_built(emulator: &Emulator, project: &Project, run: &Runner<'_>) {
    let manifest = fs::read_to_string(run.folder.join("build/target/lambda/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let held = emulator.inventory(&project.account);
    for function in ALL {
        let runs = &held["functions"][format!("{}-{}", project.stack(), function.name)];
        let code = hexadecimal(runs["code"].as_str().unwrap());
        assert_eq!(code, manifest["functions"][function.name]["sha256"], "{}", function.name);
    }
}

/// The order in which the jobs need each other.
fn order(workflow: &Workflow) -> Vec<&str> {
    let mut order: Vec<&str> = Vec::new();
    while order.len() < workflow.jobs.len() {
        let ready = workflow.jobs.iter().find(|(name, job)| {
            !order.contains(&name.as_str()) && job.needs.as_deref().is_none_or(|needs| order.contains(&needs))
        });
        order.push(ready.expect("no job needs itself").0);
    }
    order
}

#[test]
fn deploy_workflow_ships_what_its_build_job_built_and_nothing_else() {
    let workflow = workflow();
    assert_eq!(workflow.defaults.run.shell, "bash");
    assert_eq!(order(&workflow), ["build", "plan", "deploy"]);
    // Nothing in the build job can get credentials.
    let build = &workflow.jobs["build"];
    assert!(build.environment.is_none() && !build.permissions.contains_key("id-token"));

    let emulator = Emulator::start("workflow");
    let project = Project::new("workflow-project", "dev", &emulator.url);
    project.unguarded();
    let first = runner(&workflow, &project, &emulator.url, "first");
    for job in order(&workflow) {
        first.passes(job);
    }
    runs_what_was_built(&emulator, &project, &first);
    assert_eq!(first.compiled(), "xtask build --env dev\nbuild --bin xtask --bin deploy\n");
    drop(first);

    // One function changes.
    project.stand_in("plans-list", "second");
    let second = runner(&workflow, &project, &emulator.url, "second");
    for job in order(&workflow) {
        second.passes(job);
    }
    runs_what_was_built(&emulator, &project, &second);

    // Nothing changes: the plan says so, and its deployment succeeds.
    let third = runner(&workflow, &project, &emulator.url, "third");
    for job in order(&workflow) {
        let said = third.passes(job);
        assert!(job == "build" || said.contains("is as it should be: nothing to deploy"), "{job}: {said}");
    }
    drop(third);

    // Somebody else plants a zip after the plan was approved.
    project.stand_in("plans-list", "third");
    let fourth = runner(&workflow, &project, &emulator.url, "fourth");
    fourth.passes("build");
    fourth.passes("plan");
    let manifest = fs::read_to_string(fourth.folder.join("build/target/lambda/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let key = format!("plans-list/{}.zip", manifest["functions"]["plans-list"]["sha256"].as_str().unwrap());
    let before = emulator.inventory(&project.account);
    let bucket = before["buckets"].as_object().unwrap().keys().next().unwrap().clone();
    emulator.ask(&project.account, &["plant", &bucket, &key]);
    fourth.refuses("deploy", &format!("s3://{bucket}/{key} does not hold the zip that is deployed"));
    assert_eq!(emulator.inventory(&project.account)["functions"], before["functions"]);
    runs_what_was_built(&emulator, &project, &second);

    // A zip that changed on its way between the jobs.
    let archive = fourth.folder.join("artifacts/shipment/shipment.tar");
    let mut bytes = fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&archive, bytes).unwrap();
    fourth.refuses("deploy", "WARNING: 1 computed checksum did NOT match");
}
