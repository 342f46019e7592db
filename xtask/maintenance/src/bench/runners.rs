//! What runs functions: this project's local cloud, and others beside it. Each gets the same function, and the same template
//! where it takes one.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::Value;

use super::client::{Connection, Place};
use xtask::{
    cargo,
    commands::{build::archive, test::python},
    context::{Context, write_whole},
    report::Failure,
};

use crate::{
    ports,
    processes::{self, Process},
    running::Running,
};

/// The function: it answers at once, or does what its event says.
const ECHO: &str = include_str!("../../../local-cloud/examples/echo.rs");
const MANIFEST: &str = "[package]\nname = \"echo\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
const TEMPLATE: &str = include_str!("echo.yaml");
/// Where ministack finds the function.
const BUCKET: &str = "functions";
/// Longer than anything here takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all of them need.
pub(super) struct Workshop {
    folder: PathBuf,
    /// What runners write. Not in the project's own folder: cargo-lambda watches that, and each line would be work for it.
    beside: PathBuf,
    template: PathBuf,
    binaries: PathBuf,
    cargo_lambda: Result<PathBuf, String>,
    ministack: Result<PathBuf, String>,
}

/// Something that runs the function.
pub(super) struct Runner {
    pub(super) name: &'static str,
    /// Where its HTTP API answers.
    pub(super) api: Place,
    /// What paths begin with.
    base: &'static str,
    /// Where it speaks AWS's protocols, if it does.
    pub(super) aws: Option<Place>,
    process: Kept,
}

/// It ends with this.
enum Kept {
    Ours(Box<Running>),
    Other(Group),
}

/// A process with all that it starts.
pub(super) struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            // It may have ended by itself.
            let _gone = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ended = self.0.wait();
    }
}

impl Group {
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Workshop {
    /// Builds the function, and installs what it is compared with as far as that can be.
    pub(super) fn set_up(context: &Context) -> Result<Self, Failure> {
        let folder = context.root.join("target/bench/echo");
        made(&folder.join("src"))?;
        write_whole(&folder.join("Cargo.toml"), MANIFEST)?;
        write_whole(&folder.join("src/main.rs"), ECHO)?;
        let template = folder.join("template.yaml");
        write_whole(&template, TEMPLATE)?;
        let mut build = Command::new(cargo::program());
        build.args(["build", "--quiet", "--release"]).current_dir(&folder).env_remove("CARGO_TARGET_DIR");
        let built = build.status().map_err(Failure::from("cannot start cargo"))?;
        if !built.success() {
            return Err(Failure::new("the function that is measured with cannot be built"));
        }
        let found = |program: Result<PathBuf, Failure>| program.map_err(|failure| failure.message().to_owned());
        Ok(Self {
            binaries: folder.join("target/release"),
            template,
            beside: made(&context.root.join("target/bench/echo-runs"))?,
            folder,
            cargo_lambda: found(python::cargo_lambda(context)),
            ministack: found(python::set_up_emulators(context).map(|()| python::emulator(context))),
        })
    }

    /// The function that is run.
    pub(super) fn function(&self) -> PathBuf {
        self.binaries.join("echo")
    }

    /// What cannot be compared with, and why.
    pub(super) fn missing(&self) -> Vec<(&'static str, &str)> {
        let peers = [("cargo-lambda", &self.cargo_lambda), ("ministack", &self.ministack)];
        peers.into_iter().filter_map(|(name, found)| Some((name, found.as_ref().err()?.as_str()))).collect()
    }

    /// This project's, which prints what happens into a file.
    pub(super) fn ours(&self, context: &Context) -> Result<Runner, Failure> {
        self.start_ours(context, Some(&self.beside.join("local.log")))
    }

    /// This project's, which does not print what happens.
    pub(super) fn ours_quiet(&self, context: &Context) -> Result<Runner, Failure> {
        self.start_ours(context, None)
    }

    fn start_ours(&self, context: &Context, log: Option<&Path>) -> Result<Runner, Failure> {
        let options = Self::options_of_ours(&self.template, 0);
        let running = Running::start_with(context, &self.binaries, 1, log, &options)?;
        let (api, aws) = (Place::of(running.address("api")), Place::of(running.address("aws")));
        Ok(Runner { name: "local", api, base: "", aws: Some(aws), process: Kept::Ours(Box::new(running)) })
    }

    fn options_of_ours(template: &Path, port: u16) -> Vec<String> {
        let ports = ["--console-port", "0", "--aws-port", "0", "--paypal-port", "0"].map(str::to_owned);
        let own = ["--port".to_owned(), port.to_string(), "--template".to_owned(), template.display().to_string()];
        own.into_iter().chain(ports).collect()
    }

    /// This project's, without waiting until it answers.
    pub(super) fn begin_ours(&self, context: &Context) -> Result<(Group, Place), Failure> {
        let program = crate::xtask_program()?;
        let [port] = ports::free()?;
        let mut command = Command::new(program);
        command.args(["-q", "local"]).args(Self::options_of_ours(&self.template, port));
        command.arg("--binaries").arg(&self.binaries).current_dir(&context.root);
        Ok((start(command, &self.beside.join("local-start.log"))?, Place::of(&format!("127.0.0.1:{port}"))))
    }

    /// cargo-lambda, which starts so many processes of a function at most; nothing where it is not there.
    pub(super) fn cargo_lambda(&self, name: &'static str, concurrency: usize) -> Result<Option<Runner>, Failure> {
        let Some((group, api)) = self.begin_cargo_lambda(concurrency)? else { return Ok(None) };
        let runner = Runner { name, api, base: "/lambda-url/echo", aws: None, process: Kept::Other(group) };
        runner.wait()?;
        Ok(Some(runner))
    }

    /// The same without waiting.
    pub(super) fn begin_cargo_lambda(&self, concurrency: usize) -> Result<Option<(Group, Place)>, Failure> {
        let Ok(program) = &self.cargo_lambda else { return Ok(None) };
        let [port] = ports::free()?;
        let mut command = Command::new(program);
        command.args(["lambda", "watch", "--release", "--ignore-changes", "--invoke-address", "127.0.0.1"]);
        command.arg("--invoke-port").arg(port.to_string()).arg("--concurrency").arg(concurrency.to_string());
        command.current_dir(&self.folder).env_remove("CARGO_TARGET_DIR");
        let group = start(command, &self.beside.join("cargo-lambda.log"))?;
        Ok(Some((group, Place::of(&format!("127.0.0.1:{port}")))))
    }

    /// ministack, with the template deployed into it; nothing where it is not there.
    pub(super) fn ministack(&self) -> Result<Option<Runner>, Failure> {
        let Ok(program) = &self.ministack else { return Ok(None) };
        let [port] = ports::free()?;
        let url = format!("http://127.0.0.1:{port}");
        let folder = made(&self.beside.join("ministack"))?;
        let mut command = Command::new(program);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).current_dir(&folder);
        command.env("TMPDIR", &folder).env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
        command.env("MINISTACK_REGION", REGION).env("MINISTACK_ACCOUNT_ID", ACCOUNT).env("LAMBDA_EXECUTOR", "local");
        // What the functions get that it runs.
        command.env("AWS_ENDPOINT_URL", &url).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let group = start(command, &folder.join("log"))?;
        let aws = Place::of(&url);
        until_answered(&aws, &aws.request("GET", "/_ministack/health", &[], b""))?;
        let api = deploy(&aws, &self.binaries.join("echo"))?;
        let host = format!("{api}.execute-api.localhost:{port}");
        let api = Place { address: aws.address.clone(), host };
        let runner = Runner { name: "ministack", api, base: "", aws: Some(aws), process: Kept::Other(group) };
        runner.wait()?;
        Ok(Some(runner))
    }
}

impl Runner {
    /// A request to its HTTP API.
    pub(super) fn get(&self, target: &str) -> Vec<u8> {
        self.request("GET", target, &[], b"")
    }

    pub(super) fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        self.api.request(method, &format!("{}{target}", self.base), headers, body)
    }

    fn wait(&self) -> Result<(), Failure> {
        until_answered(&self.api, &self.get("/"))
    }

    /// The runner's own process, and all that it started.
    pub(super) fn family(&self) -> Vec<Process> {
        processes::family(self.id())
    }

    /// Processor time of all of them, in milliseconds.
    pub(super) fn cpu_ms(&self) -> f64 {
        self.family().iter().map(|process| process.cpu_ms).sum()
    }

    /// The runner's own process.
    pub(super) fn id(&self) -> u32 {
        match &self.process {
            Kept::Ours(running) => running.id(),
            Kept::Other(group) => group.id(),
        }
    }

    /// Where its console answers; only this project's has one.
    pub(super) fn console(&self) -> Option<Place> {
        match &self.process {
            Kept::Ours(running) => Some(Place::of(running.address("console"))),
            Kept::Other(_) => None,
        }
    }
}

/// The account and the region of the template, in all runners.
pub(super) const ACCOUNT: &str = "000000000000";
pub(super) const REGION: &str = "eu-west-1";

/// What a signed call has; nobody here checks the signature.
pub(super) fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// Calls an action of SQS.
pub(super) fn sqs(place: &Place, action: &str, body: &Value) -> Vec<u8> {
    let (target, signature) = (format!("AmazonSQS.{action}"), signed("sqs"));
    let headers = [
        ("x-amz-target", target.as_str()),
        ("content-type", "application/x-amz-json-1.0"),
        ("authorization", &signature),
    ];
    place.request("POST", "/", &headers, body.to_string().as_bytes())
}

/// Calls an action of a service that takes forms.
pub(super) fn query(place: &Place, service: &str, version: &str, action: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", version).extend_pairs(fields);
    let signature = signed(service);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", signature.as_str())];
    place.request("POST", "/", &headers, form.finish().as_bytes())
}

/// Sends a request that must be answered with 2xx; the answer's text.
pub(super) fn ask(connection: &mut Connection, request: &[u8]) -> Result<String, Failure> {
    let answer = connection.exchange(request).map_err(Failure::from("no answer"))?;
    match answer.status {
        200..300 => Ok(answer.text()),
        status => Err(Failure::new(format!("answered with {status}: {}", answer.text()))),
    }
}

/// Makes the template's resources in ministack; the id of the HTTP API.
fn deploy(aws: &Place, binary: &Path) -> Result<String, Failure> {
    let mut connection = aws.connect();
    let cannot = || format!("cannot read {}", binary.display());
    let zip = archive::zip(&fs::read(binary).map_err(Failure::from(cannot()))?).map_err(Failure::new)?;
    let signature = signed("s3");
    let place = format!(
        "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
    );
    for (path, body) in [(format!("/{BUCKET}"), place.as_bytes()), (format!("/{BUCKET}/echo.zip"), &zip)] {
        ask(&mut connection, &aws.request("PUT", &path, &[("authorization", &signature)], body))?;
    }
    let stacks = |action: &str, fields: &[(&str, &str)]| query(aws, "cloudformation", "2010-05-15", action, fields);
    ask(&mut connection, &stacks("CreateStack", &[("StackName", "echo"), ("TemplateBody", TEMPLATE)]))?;
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let stack = ask(&mut connection, &stacks("DescribeStacks", &[("StackName", "echo")]))?;
        if stack.contains("CREATE_COMPLETE") {
            let id = stack.split_once("<OutputValue>").and_then(|(_, rest)| rest.split('<').next());
            return id.map(str::to_owned).ok_or_else(|| Failure::new("ministack does not tell the HTTP API's id"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(Failure::new("ministack does not create the stack"))
}

/// Starts a process in a group of its own.
fn start(mut command: Command, log: &Path) -> Result<Group, Failure> {
    let cannot = || format!("cannot write {}", log.display());
    let file = File::create(log).map_err(Failure::from(cannot()))?;
    let both = file.try_clone().map_err(Failure::from(cannot()))?;
    command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(both);
    let program = command.get_program().to_owned();
    command.spawn().map(Group).map_err(Failure::from(format!("cannot start {}", program.display())))
}

/// Asks until the answer is 200, each half millisecond.
pub(super) fn until_answered(place: &Place, request: &[u8]) -> Result<(), Failure> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let answered = place.connect().exchange(request).is_ok_and(|answer| answer.status == 200);
        if answered {
            return Ok(());
        }
        thread::sleep(Duration::from_micros(500));
    }
    Err(Failure::new(format!("{} does not answer with 200", place.address)))
}

/// A folder, made if it is not there.
fn made(folder: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    Ok(folder.to_owned())
}
