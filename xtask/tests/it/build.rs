//! What is packed for Lambda, from binaries that are there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::service::{root, scratch, xtask};

/// A project with this one's environments and nothing built, so that tests do not share a folder.
fn project(name: &str) -> PathBuf {
    let project = scratch(name);
    fs::create_dir_all(project.join("environments")).unwrap();
    fs::create_dir_all(project.join("infra")).unwrap();
    project
}

fn build(project: &Path, binaries: &Path, arguments: &[&str]) -> Output {
    let mut command = xtask();
    command.current_dir(project).args(["build", "--binaries"]).arg(binaries).args(arguments).output().unwrap()
}

/// A folder with a small program for each function. Real ones of a debug build are a hundred megabytes to pack.
fn programs(project: &Path) -> PathBuf {
    let folder = project.join("binaries");
    fs::create_dir_all(&folder).unwrap();
    let source = project.join("small.rs");
    fs::write(&source, "fn main() {}").unwrap();
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition", "2024", "-C", "strip=symbols", "-o"]).arg(project.join("small")).arg(&source);
    assert!(compiler.status().unwrap().success());
    for function in contract::functions::ALL {
        let mut program = fs::read(project.join("small")).unwrap();
        // What follows a program's end is not read.
        program.extend(function.name.as_bytes());
        fs::write(folder.join(function.name), program).unwrap();
        Command::new("chmod").arg("+x").arg(folder.join(function.name)).status().unwrap();
    }
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The processor of this machine, and the other one, in AWS's words.
fn processors() -> (&'static str, &'static str) {
    if cfg!(target_arch = "aarch64") { ("arm64", "x86_64") } else { ("x86_64", "arm64") }
}

#[test]
fn each_function_is_packed_once_and_the_manifest_says_what_it_is() {
    let project = project("build-once");
    let binaries = programs(&project);
    let lambda = project.join("target/lambda");
    fs::create_dir_all(&lambda).unwrap();
    fs::write(lambda.join("a-function-of-last-year.zip"), "").unwrap();
    let first = build(&project, &binaries, &["--format", "json"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(fs::read(lambda.join("manifest.json")).unwrap(), first.stdout);
    assert!(!lambda.join("a-function-of-last-year.zip").exists());
    let manifest: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(manifest["architecture"], processors().0);
    let functions = manifest["functions"].as_object().unwrap();
    assert_eq!(functions.len(), contract::functions::ALL.len());
    for function in contract::functions::ALL {
        let packed = &functions[function.name];
        let zip = lambda.join(packed["file"].as_str().unwrap());
        assert_eq!(packed["size"], fs::metadata(&zip).unwrap().len());
        assert_eq!(packed["binary_size"], fs::metadata(binaries.join(function.name)).unwrap().len());
        let listed = Command::new("sha256sum").arg(&zip).output().unwrap();
        assert_eq!(text(&listed.stdout).split(' ').next(), packed["sha256"].as_str());
    }
    // A second time there is nothing to do, and nothing is done.
    let made = |name: &str| fs::metadata(lambda.join(name)).unwrap().modified().unwrap();
    let before: Vec<_> =
        contract::functions::ALL.iter().map(|function| made(&format!("{}.zip", function.name))).collect();
    let second = build(&project, &binaries, &[]);
    assert_eq!(text(&second.stdout).matches("unchanged").count(), functions.len(), "{}", text(&second.stdout));
    let after: Vec<_> =
        contract::functions::ALL.iter().map(|function| made(&format!("{}.zip", function.name))).collect();
    assert_eq!(before, after);
    // One function changes; so does its zip alone. What follows a program's end is not read.
    let mut changed = fs::read(binaries.join("plans-list")).unwrap();
    changed.push(0);
    fs::write(binaries.join("plans-list"), changed).unwrap();
    let third = build(&project, &binaries, &[]);
    let lines: Vec<_> = text(&third.stdout).lines().filter(|line| line.contains("zipped")).collect();
    assert!(!lines[0].contains("unchanged") && lines[0].starts_with("plans-list "), "{lines:?}");
    assert!(lines[1..].iter().all(|line| line.contains("unchanged")), "{lines:?}");
    // A zip that somebody changed is made again.
    fs::write(lambda.join("webhook-verify.zip"), "anything").unwrap();
    let fourth = build(&project, &binaries, &["--format", "json"]);
    let again: Value = serde_json::from_slice(&fourth.stdout).unwrap();
    assert_eq!(again["functions"]["webhook-verify"], manifest["functions"]["webhook-verify"]);
    assert_ne!(fs::read(lambda.join("webhook-verify.zip")).unwrap(), b"anything");
}

#[test]
fn what_lambda_could_not_run_is_refused() {
    let project = project("build-refused");
    let binaries = programs(&project);
    let (this, other) = processors();
    for (arguments, wanted) in [
        (vec!["--arch", other], format!("Lambda cannot run plans-list on {other}: it is made for {this}\n")),
        (vec!["--env", "nowhere"], "cannot read environments/nowhere.yaml".to_owned()),
    ] {
        let refused = build(&project, &binaries, &arguments);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(&wanted) && said.contains("help: "), "{said}");
        assert!(!project.join("target/lambda/manifest.json").exists());
    }
    fs::remove_file(binaries.join("webhook-verify")).unwrap();
    let missing = build(&project, &binaries, &[]);
    assert!(text(&missing.stderr).contains("webhook-verify"), "{}", text(&missing.stderr));
    std::os::unix::fs::symlink(binaries.join("plans-list"), binaries.join("webhook-verify")).unwrap();
    let link = build(&project, &binaries, &[]);
    assert!(text(&link.stderr).contains("webhook-verify is no file"), "{}", text(&link.stderr));
}

#[test]
fn a_link_in_place_of_the_folder_of_the_zips_is_not_followed() {
    let project = project("build-link");
    let binaries = programs(&project);
    let elsewhere = scratch("build-link-elsewhere");
    fs::create_dir_all(project.join("target")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, project.join("target/lambda")).unwrap();
    let refused = build(&project, &binaries, &[]);
    assert!(text(&refused.stderr).contains("target/lambda is a link"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

/// Without what a processor needs, nothing is compiled, and the commands that install it are named.
#[test]
fn what_lacks_for_building_is_said_before_anything_is_built() {
    let project = project("build-lacks");
    let tools = project.join("tools");
    fs::create_dir_all(&tools).unwrap();
    let rustc = format!(
        "#!/bin/sh\ncase $1 in -vV) printf 'release: 1.95.0\\ncommit-hash: 0a\\nhost: x86_64-unknown-linux-gnu\\n';; *) echo {};; esac\n",
        project.display()
    );
    fs::write(tools.join("rustc"), rustc).unwrap();
    Command::new("chmod").arg("+x").arg(tools.join("rustc")).status().unwrap();
    let mut command = xtask();
    command.current_dir(&project).env("PATH", &tools).env("RUSTC", tools.join("rustc"));
    command.env("CARGO", root().join("no-cargo-is-asked"));
    let output = command.args(["build", "--arch", "arm64"]).output().unwrap();
    let wanted = "error: this machine cannot build the functions for arm64: it lacks Rust's standard library for \
                  aarch64-unknown-linux-gnu and a linker for it\n  \
                  help: rustup target add aarch64-unknown-linux-gnu\n        \
                  pip install cargo-zigbuild==0.24.0 ziglang==0.17.0\n";
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), wanted));
}
