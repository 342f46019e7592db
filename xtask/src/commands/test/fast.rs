//! `test --fast`: formatting, clippy, and the unit tests of the packages that changed since the last commit.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{Chosen, environment, run_cargo, runner};
use crate::{context::Context, report::Failure};

/// The packages, by their folders. A deeper folder comes before the one that holds it.
const PACKAGES: &[&str] = &[
    "infra/cfn",
    "infra/review",
    "infra",
    "handlers/contract",
    "handlers/paypal",
    "handlers",
    "xtask/deploy",
    "xtask/journal",
    "xtask/local-cloud",
    "xtask/maintenance",
    "xtask/paypal-sandbox",
    "xtask",
];

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    run_cargo(context, &["fmt", "--all", "--check"])?;
    // Clippy looks while the tests are compiled.
    let packages = changed(&context.root)?;
    if packages.is_empty() {
        run_cargo(context, &["test", "--workspace", "--no-run"])?;
        println!("no package changed since the last commit: no unit tests were run");
        return Ok(());
    }
    context.progress(&format!("unit tests of {}", packages.join(", ")));
    runner::run(context, Chosen::UnitsOf(&packages), false, &environment(context))
}

/// The packages with a file that differs from the last commit, or that git does not know yet.
fn changed(root: &Path) -> Result<Vec<String>, Failure> {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--no-renames", "-z", "--untracked-files=all"]).current_dir(root);
    let output = git.stdin(Stdio::null()).output().map_err(Failure::from("cannot start git"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("cannot ask git what changed: {}", said.trim())));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(packages_of(text.split('\0').filter_map(|entry| entry.get(3..))))
}

fn packages_of<'a>(files: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut packages: Vec<String> = Vec::new();
    for file in files {
        let holds = |folder: &&&str| file.strip_prefix(**folder).is_some_and(|rest| rest.starts_with('/'));
        let package = PACKAGES.iter().find(holds).and_then(|folder| folder.rsplit('/').next());
        if let Some(package) = package
            && !packages.iter().any(|known| known == package)
        {
            packages.push(package.to_owned());
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_belongs_to_the_deepest_package_around_it() {
        let files =
            ["infra/cfn/src/lib.rs", "infra/src/service.rs", "README.md", "infra/cfn/src/value.rs", "xtask/src/a.rs"];
        assert_eq!(packages_of(files.into_iter()), ["cfn", "infra", "xtask"]);
    }

    #[test]
    fn packages_are_those_of_the_workspace() {
        let workspace = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).unwrap();
        let members = workspace.split("members = [").nth(1).unwrap().split(']').next().unwrap();
        let mut members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
        let mut listed = PACKAGES.to_vec();
        members.sort_unstable();
        listed.sort_unstable();
        assert_eq!(members, listed);
    }
}
