//! Every command that a document shows is run: a wrong word or option in one of them fails here.
//!
//! The commands are the lines of the blocks marked `sh` in every Markdown file. They run in a shell, as they stand there, in a
//! copy of the project's folder in which a service runs; those about a deployed stack run against one on an emulator,
//! see `emulator_life.rs`. Only addresses and names are put in that a reader puts in too.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    emulator::Project,
    service::{PATIENCE, PLAN, Service, binaries, root, scratch, xtask},
};

/// Commands that are not run, and why. That their words exist is tested where the words are defined.
const NOT_RUN: [(&str, &str); 6] = [
    ("cargo xtask local", "it is what all others here run against"),
    ("cargo xtask test", "it is what runs this test"),
    ("cargo xtask doctor --env prod", "what it finds depends on the machine; doctor's own tests run it"),
    ("cargo xtask deploy --env dev", "the life of a stack begins with it, in emulator_life.rs"),
    ("cargo xtask deploy --env prod", "as the one of dev"),
    ("cargo xtask drift --env prod", "no emulator finds drift; scripts stand in, in xtask/deploy/tests/it/operate.rs"),
];

/// Commands that ask CloudFormation for what only a deployed stack has.
const DEPLOYED: [&str; 5] = ["plan", "deploy", "diagnose", "timeline", "diff"];

/// A command of a document.
#[derive(Debug)]
struct Shown {
    document: String,
    line: String,
}

impl Shown {
    fn is_run(&self) -> bool {
        !NOT_RUN.iter().any(|(line, _)| *line == self.line)
    }

    /// Whether it is about a deployed stack.
    fn is_deployed(&self) -> bool {
        let command =
            self.line.strip_prefix("cargo xtask ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        DEPLOYED.contains(&command) && self.line.contains(" --env ") && !self.line.contains("--against")
    }
}

/// The Markdown files that people read. Those of tests, such as snapshots, are not among them, except each README.
fn documents() -> Vec<String> {
    let output = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    files.lines().filter(|file| !file.contains("/tests/") || file.ends_with("README.md")).map(str::to_owned).collect()
}

/// All commands of all documents, in their order.
fn shown() -> Vec<Shown> {
    let mut shown = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("```") {
                inside = line == "```sh";
            } else if inside && !line.is_empty() {
                let line = line.split(" #").next().unwrap().trim_end().to_owned();
                shown.push(Shown { document: document.clone(), line });
            }
        }
    }
    shown
}

/// A folder as a clone of the project has it, as far as the commands look, with `cargo xtask` as it was built.
fn project(name: &str) -> PathBuf {
    let folder = scratch(name);
    for path in ["environments", "infra/src", "handlers/src"] {
        copy(&root().join(path), &folder.join(path));
    }
    programs(&folder, "");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").arg("-C").arg(&folder);
        let output = git.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "environments", "infra", "handlers"]);
    git(&["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    folder
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Puts the programs that readers call into `bin`: cargo, which has built the command line already and adds what `more` says;
/// and curl, which fails where the answer is a refusal.
fn programs(folder: &Path, more: &str) {
    let xtask = xtask();
    let xtask = xtask.get_program().display();
    let cargo = format!("#!/bin/sh\n[ \"$1\" = xtask ] || exit 64\nshift\nexec '{xtask}' \"$@\" {more}\n");
    let curl = "#!/bin/sh\nPATH=${PATH#*:}\nexec curl --silent --show-error --fail \"$@\"\n";
    fs::create_dir_all(folder.join("bin")).unwrap();
    for (name, text) in [("cargo", cargo.as_str()), ("curl", curl)] {
        fs::write(folder.join("bin").join(name), text).unwrap();
        fs::set_permissions(folder.join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs a line in a shell, in the folder; what it printed on standard output. It must succeed.
fn run(folder: &Path, shown: &Shown, line: &str, input: &str) -> String {
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let (answer, told) = (folder.join("answer"), folder.join("told"));
    fs::write(folder.join("input"), input).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
    shell.stdin(fs::File::open(folder.join("input")).unwrap());
    shell.stdout(fs::File::create(&answer).unwrap()).stderr(fs::File::create(&told).unwrap());
    let status = shell.status().unwrap();
    let (answer, told) = (fs::read_to_string(answer).unwrap(), fs::read_to_string(told).unwrap());
    assert!(status.success(), "{}: {}\nran as: {line}\n{status}\n{answer}{told}", shown.document, shown.line);
    answer
}

#[test]
fn what_is_not_run_stands_in_a_document() {
    let shown = shown();
    for (line, why) in NOT_RUN {
        assert!(shown.iter().any(|shown| shown.line == line), "no document has {line:?}, which is not run: {why}");
    }
    assert!(shown.iter().filter(|shown| shown.is_run()).count() > 40, "{shown:#?}");
}

#[test]
fn commands_of_documents_work() {
    let folder = project("documents");
    let binaries = binaries();
    let service = Service::start_in(&folder, "documents-service", &["--binaries", binaries.to_str().unwrap()]);
    let event = failed_events(&folder, &service);
    // What a reader has: two templates, and what a function is given.
    for name in ["before", "after"] {
        fs::copy(root().join("infra/tests/snapshots/prod.yaml"), folder.join(format!("{name}.yaml"))).unwrap();
    }
    let secret = r#"{"client_id":"local-client","client_secret":"local-secret"}"#;
    // What several documents show is run once.
    let mut seen = BTreeSet::new();
    let shown = shown();
    // What sends failed events back or discards them comes last, because others show them.
    let (last, first): (Vec<&Shown>, Vec<&Shown>) = shown
        .iter()
        .filter(|shown| shown.is_run() && !shown.is_deployed())
        .partition(|shown| shown.line.contains(" redrive ") || shown.line.contains(" drop "));
    for shown in first.into_iter().chain(last).filter(|shown| seen.insert(shown.line.clone())) {
        let mut line = shown
            .line
            .replace("http://127.0.0.1:3000", &service.api)
            .replace("https://subscriptions.example.com", &service.api)
            .replace("http://127.0.0.1:3001", &service.console)
            .replace("http://127.0.0.1:3002", &service.paypal)
            .replace("5fea7756-0ea4-451a-a703-a558b933e274", &event);
        if !["diff", "diagram", "validate", "synth"].iter().any(|command| line.contains(&format!("xtask {command} "))) {
            line = line.replace("--env prod", "--env local");
        }
        // What a reader would be asked.
        if line.contains("errors drop") {
            line.push_str(" --yes");
        }
        run(&folder, shown, &line, secret);
    }
}

/// Has one event forged and one refused by PayPal; the message's id of the latter, once both are in their queues.
fn failed_events(folder: &Path, service: &Service) -> String {
    let refusal = json!({ "match": "POST /v2/invoicing/invoices", "kind": "status", "status": 422, "times": 1 });
    service.tell_sandbox("faults", &refusal);
    for tampered in [true, false] {
        let ids = service.tell_sandbox("subscriptions", &json!({ "plan_id": PLAN }));
        let wanted = json!({ "event_type": "PAYMENT.SALE.COMPLETED", "subscription": ids[0], "tampered": tampered });
        service.tell_sandbox("events", &wanted);
    }
    let until = Instant::now() + PATIENCE;
    let list = Shown { document: "the test itself".to_owned(), line: "cargo xtask errors list --env local".to_owned() };
    loop {
        let found = run(folder, &list, "cargo xtask -q errors list --env local --format json", "");
        let found: Value = serde_json::from_str(&found).unwrap();
        let errors = found["errors"].as_array().unwrap();
        let refused = errors.iter().find(|error| error["reason"] == "invoice_failed");
        if let (Some(refused), true) = (refused, service.depth(&service.queue("forged")) == 1) {
            return refused["id"].as_str().unwrap().to_owned();
        }
        assert!(
            Instant::now() < until,
            "one event fails and one is forged; there are: {found:#}\n{}",
            service.lines.all()
        );
    }
}

/// What documents say of a deployed stack, said of this one.
pub(crate) fn of_a_deployed_stack(project: &Project) {
    let folder = project.path("");
    programs(&folder, &project.endpoint());
    let shown = shown();
    let deployed: Vec<_> = shown.iter().filter(|shown| shown.is_run() && shown.is_deployed()).collect();
    assert!(deployed.len() >= 5, "{shown:#?}");
    for shown in deployed {
        let mut line = shown.line.replace("--env prod", &format!("--env {}", project.env));
        // What a reader would wait for, and be asked.
        // A plan's zips are those that it was made of.
        if line.contains("xtask plan ") || (line.contains("xtask deploy ") && !line.contains(" --plan ")) {
            line = format!("{line} {}", project.shipped());
        }
        if line.contains("xtask deploy ") {
            line.push_str(" --yes");
        }
        // An account's number as the key: so the emulator is told which account is meant.
        let credentials = format!("export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any", project.account);
        run(&folder, shown, &format!("{credentials}; {line}"), "");
    }
}

#[test]
fn json_of_documents_is_json() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        for block in text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            count += 1;
            serde_json::from_str::<Value>(block).unwrap_or_else(|error| panic!("{document}: {error} in {block}"));
        }
    }
    assert!(count > 0);
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        let file = root().join(&document);
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("https://") || link.contains(['*', ' ']) {
                continue;
            }
            count += 1;
            let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
            let linked = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(linked.exists(), "{document} links to {link}, which does not exist");
            let Some(heading) = heading else { continue };
            let text = fs::read_to_string(linked).unwrap();
            let mut headings = text.lines().filter_map(|line| line.strip_prefix('#')).map(anchor);
            assert!(headings.any(|anchor| anchor == heading), "{document} links to {link}, which has no such heading");
        }
    }
    assert!(count > 50, "{count} links");
}

/// A heading as links have it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}
