//! The template that a revision of this repository makes of an environment.
//!
//! What counts is that revision's code, not the snapshot that it was reviewed by. Where its code is this program's, this
//! program makes the template of its environment file; otherwise that revision is checked out under `target/diff`, built,
//! and asked. What it answered is kept there, by its commit.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output, Stdio},
};

use cfn::{Template, read};
use infra::Environment;

use crate::{
    cargo,
    context::{Context, write_whole},
    report::Failure,
};

/// What the making of a template depends on, beside the environment's file.
const CODE: [&str; 7] = [
    "infra",
    "handlers/contract",
    "Cargo.toml",
    "Cargo.lock",
    ":(exclude)infra/tests",
    ":(exclude)infra/cfn/tests",
    ":(exclude)*.md",
];

/// The template that a revision makes of an environment; an empty one where it did not have that environment yet.
pub(super) fn template(context: &Context, revision: &str, environment: &str) -> Result<Template, Failure> {
    let commit = commit(context, revision)?;
    let file = format!("environments/{environment}.yaml");
    let spoken = format!("{file} at {revision}");
    if !git(context, &["cat-file", "-e", &format!("{commit}:{file}")])?.status.success() {
        context.progress(&format!("{revision} has no {file}: everything is new"));
        return Ok(Template::default());
    }
    let same_code = git(context, &[&["diff", "--quiet", &commit, "--"], &CODE[..]].concat())?;
    if same_code.status.success() {
        let text = said(context, &["show", &format!("{commit}:{file}")])?;
        let environment = Environment::parse(environment, &spoken, &text).map_err(Failure::new)?;
        return infra::service(&environment).map_err(Failure::new);
    }
    let kept = context.root.join("target/diff").join(&commit).join(format!("{environment}.json"));
    let text = match fs::read_to_string(&kept) {
        Ok(text) => text,
        Err(_) => {
            let text = built(context, revision, &commit, environment)?;
            let folder = kept.parent().unwrap_or(&kept);
            fs::create_dir_all(folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
            write_whole(&kept, &text)?;
            text
        }
    };
    read::template(&text).map_err(|error| {
        Failure::new(format!("cannot read {}: {error}", kept.display())).help("remove the file, and try again")
    })
}

/// The files under these paths that are another here than at a revision, from the project's folder.
pub(crate) fn changed_files(context: &Context, revision: &str, paths: &[&str]) -> Result<Vec<String>, Failure> {
    let commit = commit(context, revision)?;
    let names = said(context, &[&["diff", "--name-only", "-z", &commit, "--"], paths].concat())?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The commit that a revision means.
fn commit(context: &Context, revision: &str) -> Result<String, Failure> {
    let name = format!("{revision}^{{commit}}");
    let output = git(context, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !commit.is_empty() {
        return Ok(commit);
    }
    Err(Failure::new(format!("{revision} is no revision of this repository"))
        .help("name a commit, a tag or a branch; a clone that is not whole must fetch it first: git fetch origin"))
}

/// Checks a revision out, and has its own program make the template.
fn built(context: &Context, revision: &str, commit: &str, environment: &str) -> Result<String, Failure> {
    let folder = context.root.join("target/diff");
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).map_err(Failure::from(format!("cannot make {}", tree.display())))?;
    // One revision at a time: they share a folder, so that the compiler finds what it knows of the last one.
    let lock = folder.join("lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = locked.map_err(Failure::from(format!("cannot lock {}", lock.display())))?;
    // An index of its own: the repository's worktrees and its index know nothing of this one.
    let mut checkout = command(context);
    checkout.arg("--work-tree").arg(&tree).args(["read-tree", "--reset", "-u", commit]);
    checkout.env("GIT_INDEX_FILE", folder.join("index"));
    succeeded(&output(&mut checkout)?, "git read-tree")?;
    let short = commit.get(..8).unwrap_or(commit);
    context
        .progress(&format!("building what {revision} ({short}) is, to ask it for its template: once for each commit"));
    synthesized(context, &tree, environment).map_err(|failure| {
        failure.help(format!(
            "{revision} itself must build and make its template; compare with a file instead if it cannot"
        ))
    })
}

fn synthesized(context: &Context, tree: &Path, environment: &str) -> Result<String, Failure> {
    let mut program = Command::new(cargo::program());
    program.arg("run").args(context.quiet.then_some("--quiet"));
    program.args(["--bin", "xtask", "--", "synth", "--env", environment, "--format", "json"]);
    // What was compiled for this revision serves that one too, and its program does not take this one's place.
    program.env("CARGO_BUILD_BUILD_DIR", context.root.join("target"));
    program.env("CARGO_TARGET_DIR", context.root.join("target/diff/built"));
    program.current_dir(tree).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = program.output().map_err(Failure::from("cannot start cargo"))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "cargo xtask synth --env {environment} of that revision ended with {}",
            output.status
        )));
    }
    String::from_utf8(output.stdout).map_err(Failure::from("the template of that revision is no text"))
}

fn command(context: &Context) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(&context.root).stdin(Stdio::null());
    git
}

fn output(command: &mut Command) -> Result<Output, Failure> {
    command.output().map_err(|error| Failure::new(format!("cannot start git: {error}")).help("install git"))
}

fn git(context: &Context, arguments: &[&str]) -> Result<Output, Failure> {
    output(command(context).args(arguments))
}

/// What git prints, where it succeeds.
fn said(context: &Context, arguments: &[&str]) -> Result<String, Failure> {
    let output = git(context, arguments)?;
    succeeded(&output, &format!("git {}", arguments.first().unwrap_or(&"")))?;
    String::from_utf8(output.stdout).map_err(Failure::from("git answers no text"))
}

fn succeeded(output: &Output, what: &str) -> Result<(), Failure> {
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
