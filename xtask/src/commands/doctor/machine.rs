//! What of the toolchain and of other programs is on this machine.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use cfn::constructs::Architecture;
use nix::sys::statvfs::statvfs;

use super::Check;
use crate::{
    cargo,
    commands::build::{
        toolchain::{INSTALL_CC, Toolchain, has_c_compiler},
        word,
    },
    context::Context,
    report::Failure,
};

/// The oldest compiler that builds this workspace.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Installs a compiler, or chooses one of those that are installed.
const INSTALL_RUST: &str = "rustup default stable    # install rustup from https://rustup.rs";

/// What `cargo xtask test` leaves in `target/`, with room for the build that follows it.
const DISK_GB: u64 = 20;

/// Looks at everything, whatever lacks.
pub(super) fn checks(context: &Context, environments: &[String]) -> Vec<Check> {
    let toolchain = Toolchain::find();
    let mut checks = vec![match &toolchain {
        Ok(toolchain) => rustc(toolchain),
        Err(failure) => Check { mend: Some(INSTALL_RUST.to_owned()), ..Check::failed("rustc", failure, "everything") },
    }];
    for component in ["fmt", "clippy"] {
        let found = first_line(Command::new(cargo::program()).args([component, "--version"]));
        checks.push(check(
            &format!("cargo {component}"),
            found,
            "cargo xtask test",
            "rustup component add clippy rustfmt",
        ));
    }
    let compiler = has_c_compiler().then(|| first_line(Command::new("cc").arg("--version"))).flatten();
    checks.push(check("C compiler", compiler, "every build", INSTALL_CC));
    checks.extend(targets(context, toolchain.as_ref(), environments));
    let git = first_line(Command::new("git").arg("--version"));
    checks.push(check("git", git, "cargo xtask test", "apt-get install git"));
    let curl = first_line(Command::new("curl").arg("--version"));
    checks.push(check("curl", curl, "cargo xtask test", "apt-get install curl"));
    checks.push(python());
    checks.push(disk(context).unwrap_or_else(|failure| Check::failed("disk", &failure, "cargo xtask test")));
    checks
}

/// What mends a failure, without the margin that it has beside `help:`.
fn lines(mend: &str) -> String {
    mend.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn check(name: &str, found: Option<String>, needed_for: &str, mend: &str) -> Check {
    let (ok, mend) = (found.is_some(), found.is_none().then(|| mend.to_owned()));
    let found = found.unwrap_or_else(|| "none".to_owned());
    Check { name: name.to_owned(), ok, found, needed_for: needed_for.to_owned(), mend }
}

fn rustc(toolchain: &Toolchain) -> Check {
    let ok = numbers(&toolchain.release) >= numbers(OLDEST_RUST);
    let found = format!("{} for {}", toolchain.release, toolchain.host);
    let mend = (!ok).then(|| format!("rustup update    # at least {OLDEST_RUST}"));
    Check { name: "rustc".to_owned(), ok, found, needed_for: "everything".to_owned(), mend }
}

/// Reads `1.95.0-nightly` so that versions compare as numbers.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
}

/// Whether the functions can be built for the processors of these environments.
fn targets(context: &Context, toolchain: Result<&Toolchain, &Failure>, environments: &[String]) -> Vec<Check> {
    let mut wanted: BTreeMap<&str, (Architecture, Vec<&str>)> = BTreeMap::new();
    let mut checks = Vec::new();
    for name in environments {
        let architecture = match context.environment(name) {
            Ok(environment) => environment.architecture,
            Err(failure) => {
                let file = format!("environments/{name}.yaml");
                checks.push(Check::failed(&file, &failure, &format!("every command with --env {name}")));
                continue;
            }
        };
        wanted.entry(word(architecture)).or_insert((architecture, Vec::new())).1.push(name);
    }
    let look = |(word, (architecture, environments)): (&str, (Architecture, Vec<&str>))| {
        let environments: Vec<_> = environments.iter().map(|name| format!("--env {name}")).collect();
        let (ok, found, mend) = match toolchain.map(|toolchain| toolchain.route(architecture)) {
            Ok(Ok(route)) => (true, route.to_string(), None),
            Ok(Err(failure)) => (false, failure.message().to_owned(), failure.mend().map(lines)),
            Err(_) => (false, "not checked: it needs rustc".to_owned(), Some(INSTALL_RUST.to_owned())),
        };
        let needed_for = format!("cargo xtask build {}", environments.join(", "));
        Check { name: format!("functions for {word}"), ok, found, needed_for, mend }
    };
    checks.extend(wanted.into_iter().map(look));
    checks
}

/// Python with what it takes to install something into a folder of its own: the tests have clients and linters from there.
fn python() -> Check {
    let found = first_line(Command::new("python3").args(["-c", "import ensurepip, venv, sys; print(sys.version)"]));
    check("Python with venv", found, "cargo xtask test", "apt-get install python3 python3-venv")
}

#[allow(clippy::useless_conversion, reason = "on some systems these numbers have 32 bits")]
fn disk(context: &Context) -> Result<Check, Failure> {
    let shown = context.root.display();
    let disk =
        statvfs(&context.root).map_err(Failure::from(format!("cannot tell how much room there is at {shown}")))?;
    let free = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()) / 1_000_000_000;
    let mend = (free < DISK_GB).then(|| "cargo clean    # removes what can be built again".to_owned());
    Ok(Check {
        name: "disk".to_owned(),
        ok: free >= DISK_GB,
        found: format!("{free} GB free, {DISK_GB} wanted"),
        needed_for: "cargo xtask test".to_owned(),
        mend,
    })
}

/// The first line that a program prints, if it ends well.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("1.100.0") > numbers("1.95"));
        assert!(numbers("1.95.0-nightly") >= numbers("1.95"));
        assert!(numbers("1.94.1") < numbers("1.95"));
        assert!(!numbers(OLDEST_RUST).is_empty());
    }

    #[test]
    fn a_program_that_is_not_there_or_fails_is_none() {
        assert_eq!(first_line(&mut Command::new("no-such-program")), None);
        assert_eq!(first_line(&mut Command::new("false")), None);
        assert_eq!(first_line(Command::new("echo").arg("one\ntwo")), Some("one".to_owned()));
    }
}
