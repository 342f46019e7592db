//! Somebody else's AWS for one test: ministack on a port of its own, a project whose environments a test may edit, and the
//! real command in it. What happened is asked of the account's services by boto3, never of CloudFormation.
//!
//! What ministack cannot do, so that nothing here proves it, stands in `xtask/deploy/README.md`.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use contract::functions::ALL;
use serde_json::Value;

use crate::service::{Lines, root, scratch, strip, xtask};

/// A port that nobody listens on, below those that systems hand out by themselves, so that it stays free until it is
/// opened, whatever other tests do meanwhile.
fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    loop {
        let tried = std::process::id() + u32::from(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(20_000 + tried % 10_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running emulator.
pub(crate) struct Emulator {
    child: Child,
    /// Where it answers.
    pub(crate) url: String,
}

impl Emulator {
    pub(crate) fn start(name: &str) -> Self {
        let program = std::env::var_os("XTASK_EMULATOR");
        let program = program.expect("XTASK_EMULATOR names no emulator: run the tests by `cargo xtask test`");
        let folder = scratch(&format!("emulator-{name}"));
        // It takes a port's number, and cannot choose one.
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TMPDIR", &folder).current_dir(&folder);
        command
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_REGION", "eu-west-1");
        command.env("MINISTACK_ACCOUNT_ID", "000000000000").env("LAMBDA_EXECUTOR", "local");
        // What the functions get that it runs.
        command.env("AWS_ENDPOINT_URL", &url).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        // A group of its own, so that the functions end with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the emulator starts; `cargo xtask test` sets it up");
        let lines = Lines::default();
        lines.read(child.stdout.take().unwrap());
        lines.read(child.stderr.take().unwrap());
        lines.wait_for("Running on http");
        Self { child, url }
    }

    /// Has a client do something in an account, or list all that it holds.
    pub(crate) fn ask(&self, account: &str, what: &[&str]) -> Value {
        let python = std::env::var_os("XTASK_PYTHON");
        let python = python.expect("XTASK_PYTHON names no interpreter with boto3: run the tests by `cargo xtask test`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/inventory.py");
        let output = Command::new(python).arg(script).args([&self.url, account]).args(what).output().unwrap();
        assert!(output.status.success(), "{what:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// All that an account holds.
    pub(crate) fn inventory(&self, account: &str) -> Value {
        self.ask(account, &[])
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ended = Command::new("sh").args(["-c", &format!("kill -KILL -{}", self.child.id())]).status();
        let _gone = self.child.wait();
    }
}

/// A copy of this project's environments, which a test may edit, with its own `target/`.
pub(crate) struct Project {
    folder: PathBuf,
    /// The environment that is deployed.
    pub(crate) env: String,
    /// The account that the environment names.
    pub(crate) account: String,
    binaries: PathBuf,
    endpoint: String,
}

impl Project {
    pub(crate) fn new(name: &str, env: &str, endpoint: &str) -> Self {
        let folder = scratch(name);
        fs::create_dir_all(folder.join("environments")).unwrap();
        fs::create_dir_all(folder.join("infra")).unwrap();
        let file = format!("environments/{env}.yaml");
        fs::copy(root().join(&file), folder.join(&file)).unwrap();
        // What cargo is asked to build is built in the real project.
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let script = format!("#!/bin/sh\ncd '{}' && exec '{cargo}' \"$@\"\n", root().display());
        fs::write(folder.join("cargo"), script).unwrap();
        fs::set_permissions(folder.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        let yaml = fs::read_to_string(folder.join(&file)).unwrap();
        let account = yaml.split("account: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let binaries = folder.join("binaries");
        fs::create_dir_all(&binaries).unwrap();
        let project = Self { folder, env: env.to_owned(), account, binaries, endpoint: endpoint.to_owned() };
        for function in ALL {
            project.stand_in(function.name, "first");
        }
        project
    }

    /// Puts a program in a function's place that is one of the environment's processor and does nothing. Where no function is
    /// run, its size would only cost time.
    pub(crate) fn stand_in(&self, function: &str, version: &str) {
        let arm = fs::read_to_string(self.file()).unwrap().contains("architecture: arm64");
        let machine = if arm { 183_u16 } else { 62 };
        // An ELF header alone: 64 bits, little-endian, executable, no segments, no sections.
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(16, 0);
        program.extend([2, 0]);
        program.extend(machine.to_le_bytes());
        program.extend([1, 0, 0, 0]);
        program.resize(52, 0);
        program.extend([64, 0, 56, 0, 0, 0, 64, 0, 0, 0, 0, 0]);
        program.extend(format!("{function}, {version}").into_bytes());
        fs::write(self.binaries.join(function), program).unwrap();
    }

    /// Puts a real program in a function's place, without what only a debugger reads.
    pub(crate) fn real(&self, function: &str, binary: &Path) {
        strip(binary, &self.binaries.join(function));
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("environments/{}.yaml", self.env))
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// What every command for this environment gets, in a shell's words.
    pub(crate) fn endpoint(&self) -> String {
        format!("--endpoint-url {}", self.endpoint)
    }

    /// What a command that ships gets beside it, in a shell's words.
    pub(crate) fn shipped(&self) -> String {
        format!("--binaries '{}'", self.binaries.display())
    }

    /// The environment's file as it is, for [`Project::restore`].
    pub(crate) fn keep(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Makes the environment's file again what it was.
    pub(crate) fn restore(&self, kept: &str) {
        fs::write(self.file(), kept).unwrap();
    }

    /// Replaces something in the environment's file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let before = fs::read_to_string(self.file()).unwrap();
        assert!(before.contains(from), "{from:?} is not in\n{before}");
        fs::write(self.file(), before.replace(from, to)).unwrap();
    }

    /// Takes the guards out of the environment's file: what they stop is not what is looked at.
    pub(crate) fn unguarded(&self) {
        let text = fs::read_to_string(self.file()).unwrap();
        let kept = text.split("\nguards:\n").next().unwrap();
        fs::write(self.file(), format!("{kept}\n")).unwrap();
    }

    /// Gives the API a domain, or another one.
    pub(crate) fn domain(&self, name: &str, zone_id: &str) {
        let text = fs::read_to_string(self.file()).unwrap();
        let (before, after) = match text.split_once("\ndomain:\n") {
            Some((before, after)) => (before, after.split_once("\n\n").unwrap().1),
            None => text.split_once("\n\n").unwrap(),
        };
        let zone = name.split_once('.').unwrap().1;
        let domain = format!("domain:\n  name: {name}\n  hosted_zone: {zone}\n  hosted_zone_id: {zone_id}\n");
        fs::write(self.file(), format!("{before}\n{domain}\n{after}")).unwrap();
    }

    /// The stack's name, which all physical names begin with.
    pub(crate) fn stack(&self) -> String {
        format!("paypal-subscriptions-{}", self.env)
    }

    /// A command for this environment, at the emulator, in its account.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut program = xtask();
        program.current_dir(&self.folder).env("CARGO", self.folder.join("cargo"));
        // An account's number as the key: so it is told which account is meant.
        program.env("AWS_ACCESS_KEY_ID", &self.account).env("AWS_SECRET_ACCESS_KEY", "any");
        program.args([command, "--env", &self.env, "--endpoint-url", &self.endpoint]).args(arguments);
        program
    }

    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Said {
        Said::of(self.command(command, arguments).output().unwrap())
    }

    /// Deploys, and says how that ended.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Said {
        let mut command = self.command("deploy", &["--yes", "--format", "json", "--binaries"]);
        Said::of(command.arg(&self.binaries).args(arguments).output().unwrap())
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self { code: output.status.code(), out: text(&output.stdout), errors: text(&output.stderr) }
    }

    /// The last line of a command's JSON: how it ended.
    pub(crate) fn result(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_else(|| panic!("nothing was printed: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it ended well, and how.
    pub(crate) fn outcome(&self, outcome: &str) -> Value {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.errors);
        let result = self.result();
        assert_eq!(result["outcome"], outcome, "{result}");
        result
    }

    /// Asserts that it failed, saying this.
    pub(crate) fn failed(&self, wanted: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(self.errors.contains(wanted), "{wanted:?} is not in\n{}", self.errors);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
