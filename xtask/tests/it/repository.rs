//! The repository itself, as data: what lies where, and who depends on whom.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use crate::service::root;

fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git lists the files");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_top_level_holds_what_the_design_says_and_nothing_else() {
    let top: BTreeSet<_> = tracked().iter().map(|file| file.split('/').next().unwrap().to_owned()).collect();
    let named: Vec<_> = top.iter().filter(|name| !name.starts_with('.')).map(String::as_str).collect();
    assert_eq!(
        named,
        ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "environments", "handlers", "infra", "xtask"]
    );
    let dotted: Vec<_> = top.iter().filter(|name| name.starts_with('.')).map(String::as_str).collect();
    let allowed =
        [".cargo", ".ci", ".clippy.toml", ".config", ".gitattributes", ".github", ".gitignore", ".rustfmt.toml"];
    assert!(dotted.iter().all(|name| allowed.contains(name)), "{dotted:?}");
}

/// The packages of the workspace, as cargo sees them.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let ours: Vec<_> = packages.iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        // What only tests use does not count: tests may look into any room.
        let dependencies = package["dependencies"].as_array().unwrap().iter().filter(|each| each["kind"] != "dev");
        let mut found: Vec<_> = dependencies.map(|each| each["name"].as_str().unwrap().to_owned()).collect();
        found.retain(|dependency| ours.contains(dependency));
        found.sort();
        let allowed: &[&str] = match name {
            "cfn" | "contract" | "journal" | "paypal" => &[],
            "deploy" => &["cfn", "contract", "review"],
            "handlers" => &["contract", "paypal"],
            "infra" => &["cfn", "contract"],
            "local-cloud" => &["cfn", "journal"],
            "paypal-sandbox" => &["journal"],
            "review" => &["cfn"],
            "maintenance" => &["cfn", "contract", "infra", "paypal", "review", "xtask"],
            "xtask" => &["cfn", "contract", "infra", "local-cloud", "paypal", "paypal-sandbox", "review"],
            other => panic!("{other} is a new crate: say here what it may depend on"),
        };
        assert_eq!(found, allowed, "{name}");
    }
}

#[test]
fn every_crate_lies_in_a_folder_of_its_name_and_takes_versions_and_lints_from_the_workspace() {
    for package in packages() {
        let manifest = package["manifest_path"].as_str().unwrap();
        let folder = std::path::Path::new(manifest).parent().unwrap();
        assert_eq!(folder.file_name().unwrap().to_str(), package["name"].as_str());
        let text = fs::read_to_string(manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true\n"), "{manifest} has lints of its own");
        let mut section = "";
        for line in text.lines() {
            section = if line.starts_with('[') { line } else { section };
            let dependency = section.ends_with("dependencies]") && line.contains('=');
            assert!(!dependency || line.contains("workspace = true"), "{manifest} has a version of its own: {line}");
        }
    }
}

#[test]
fn the_command_line_does_not_wait_for_what_only_deployment_needs() {
    let lock = fs::read_to_string(root().join("xtask/Cargo.toml")).unwrap();
    assert!(!lock.contains("aws-sdk") && !lock.contains("aws-config"), "the SDKs belong to xtask/deploy");
}

/// The files of the workflows, with their names.
fn workflows() -> Vec<(String, String)> {
    let files = tracked().into_iter().filter(|file| file.starts_with(".github/workflows/"));
    files.map(|file| (file.clone(), fs::read_to_string(root().join(&file)).unwrap())).collect()
}

#[test]
fn actions_are_named_by_commits_that_nobody_can_move() {
    let workflows = workflows();
    assert!(workflows.len() >= 3, "{workflows:?}");
    for (file, text) in workflows {
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let (action, version) = line.split_once('@').unwrap_or_else(|| panic!("{file}: {line}"));
            let (commit, comment) = version.split_once(" # ").unwrap_or_else(|| panic!("{file}: {line}"));
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{file}: {action}");
            assert!(comment.starts_with('v'), "{file}: {line} does not say which version it is");
        }
    }
}

/// A table that names tests must not outlive them.
#[test]
fn each_attack_of_the_security_page_is_tried_by_a_test_of_that_name() {
    let page = fs::read_to_string(root().join(".github/SECURITY.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Attacks and")).unwrap();
    let sources = tracked().into_iter().filter(|file| file.ends_with(".rs"));
    let sources: String = sources.map(|file| fs::read_to_string(root().join(file)).unwrap()).collect();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut named = 0;
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in tests.split('`').skip(1).step_by(2).filter(|name| !name.contains('.')) {
            assert!(sources.contains(&format!("fn {test}(")), "SECURITY.md names {test}, which is not a test");
            named += 1;
        }
    }
    assert!(named > 15, "{section}");
}
