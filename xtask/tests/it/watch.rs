//! `local --watch`, `--debug` and `--template`: the real program, with a cargo that does as a test says.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::service::{PATIENCE, Service, binaries, call, root, scratch, xtask};

/// Fails with what stands in the file `broken`, where there is one. Otherwise `build` tells of what lies in `built`, and `run`
/// runs the command line that is built already.
const CARGO: &str = r#"#!/bin/sh
[ -f broken ] && { cat broken >&2; exit 101; }
if [ "$1" = run ]; then
    while [ "$1" != -- ]; do shift; done
    shift
    exec "$XTASK" "$@"
fi
for file in built/*; do
    echo "{\"reason\":\"compiler-artifact\",\"executable\":\"$PWD/$file\"}"
done
"#;

/// `local` on free ports.
const PORTS: [&str; 9] = ["local", "--port", "0", "--console-port", "0", "--aws-port", "0", "--paypal-port", "0"];

fn executable(file: &Path, text: &str) {
    let beside = file.with_extension("part");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(beside, file).unwrap();
}

/// A project with the environments of this one, and its handlers as they are built.
fn project(name: &str) -> PathBuf {
    let project = scratch(name);
    for folder in ["environments", "infra", "handlers/contract", "handlers/src/bin", "built"] {
        fs::create_dir_all(project.join(folder)).unwrap();
    }
    fs::copy(root().join("environments/local.yaml"), project.join("environments/local.yaml")).unwrap();
    for handler in ["plans-list", "subscription-create", "webhook-receiver", "webhook-verify", "webhook-process"] {
        fs::hard_link(binaries().join(handler), project.join("built").join(handler)).unwrap();
        fs::write(project.join("handlers/src/bin").join(handler).with_extension("rs"), "").unwrap();
    }
    executable(&project.join("cargo"), CARGO);
    project
}

fn inside(project: &Path) -> Command {
    let mut command = xtask();
    command.current_dir(project).env("CARGO", project.join("cargo")).env("XTASK", env!("CARGO_BIN_EXE_xtask"));
    command
}

/// The line of the console's stream in which `wanted` stands, now or later.
fn console_shows(console: &str, wanted: &str) -> String {
    let mut stream = TcpStream::connect(console.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = console.strip_prefix("http://").unwrap();
    stream.write_all(format!("GET /api/stream HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).unwrap();
    BufReader::new(stream).lines().map(Result::unwrap).find(|line| line.contains(wanted)).unwrap()
}

#[test]
fn what_is_saved_runs_and_what_is_broken_leaves_what_runs() {
    let project = project("watch");
    let environment = project.join("environments/local.yaml");
    let mut service = Service::start_as("watch-service", inside(&project), &["--watch"]);
    let plans = || call("GET", &format!("{}/plans/list", service.api), &[], None).0;
    assert_eq!(plans(), 200);
    let lib = project.join("handlers/src/lib.rs");

    fs::write(project.join("broken"), "error[E0425]: cannot find value `oops`\n --> handlers/src/lib.rs:1:1\n")
        .unwrap();
    fs::write(&lib, "oops").unwrap();
    service.lines.wait_for("error: the handlers cannot be built");
    service.lines.wait_for("error[E0425]: cannot find value `oops`");
    service.lines.wait_for("what ran before goes on");
    console_shows(&service.console, "cannot find value `oops`");
    assert_eq!(plans(), 200);

    fs::remove_file(project.join("broken")).unwrap();
    let real = binaries().join("plans-list");
    executable(&project.join("built/plans-list"), &format!("#!/bin/sh\nexec {}\n", real.display()));
    fs::write(&lib, "").unwrap();
    let said = service.lines.wait_for("watch      plans-list: built in ");
    assert!(said.contains(" s, running after "), "{said}");
    console_shows(&service.console, "\"notice\":null");
    assert_eq!(plans(), 200);

    // A binary that does not start: of another function, which does not find its settings.
    fs::remove_file(project.join("built/plans-list")).unwrap();
    fs::hard_link(project.join("built/webhook-verify"), project.join("built/plans-list")).unwrap();
    fs::write(&lib, " ").unwrap();
    service.lines.wait_for("error: plans-list does not start: ");
    console_shows(&service.console, "plans-list does not start");
    assert_eq!(plans(), 200);
    fs::remove_file(project.join("built/plans-list")).unwrap();
    fs::hard_link(real, project.join("built/plans-list")).unwrap();
    fs::write(&lib, "").unwrap();
    console_shows(&service.console, "\"notice\":null");

    let text = fs::read_to_string(&environment).unwrap();
    fs::write(&environment, text.replace("burst: 4000", "burst: 4001")).unwrap();
    service.lines.wait_for("4001");
    service.lines.wait_for("watch      the stack changed in ");
    fs::write(&environment, text.replace("burst: 4000", "bust: 4000")).unwrap();
    service.lines.wait_for("environments/local.yaml:");
    fs::write(&environment, text.replace("region: eu-west-1", "region: eu-west-3")).unwrap();
    service.lines.wait_for("start `cargo xtask local` again to change them");
    assert_eq!(plans(), 200);

    // The program that makes the stack is another one: it is built and asked.
    fs::write(&environment, text.replace("burst: 4000", "burst: 4002")).unwrap();
    service.lines.wait_for("4002");
    fs::write(project.join("infra/lib.rs"), "").unwrap();
    fs::write(&environment, text.replace("burst: 4000", "burst: 4003")).unwrap();
    service.lines.wait_for("4003");
    service.lines.wait_for(" s, the stack changed in ");
    assert_eq!(plans(), 200);
    assert!(service.stop());
    assert!(!project.join(format!("target/local/watch/{}", service.pid)).exists());
}

/// A template with a queue and a function, and values that nobody knows beforehand.
const FOREIGN: &str = "Parameters:
  Seconds: {Type: Number}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {QueueName: jobs, VisibilityTimeout: !Ref Seconds}
  Work:
    Type: AWS::Lambda::Function
    Metadata: {Binary: work}
    Properties: {FunctionName: shop-work, Timeout: 1}
  Feeds:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Jobs.Arn, FunctionName: !Ref Work}
";

/// A function of a few lines of shell: it asks for an event and answers it, for as long as it lives.
const WORK: &str = r#"#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
    id=$(curl -s -D - -o /dev/null $api/next | tr -d '\r' | sed -n 's/^lambda-runtime-aws-request-id: //p')
    [ -n "$id" ] || exit 0
    sleep 1.2
    curl -s -X POST -d '{"version": "one"}' $api/$id/response > /dev/null
done
"#;

#[test]
fn a_template_of_others_runs_is_watched_and_no_time_runs_out_while_it_is_debugged() {
    let folder = scratch("foreign");
    let (template, bin) = (folder.join("template.yaml"), folder.join("bin"));
    fs::create_dir_all(&bin).unwrap();
    executable(&bin.join("work"), WORK);
    fs::write(&template, FOREIGN.replace("Type: Number", "Type: Number, Default: 99999")).unwrap();
    let options = ["--template", template.to_str().unwrap(), "--binaries", bin.to_str().unwrap()];
    let output = xtask().args(PORTS).args(options).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let wanted = format!("error: {}:4:3: Jobs (AWS::SQS::Queue) cannot be made: ", template.display());
    assert!(said.starts_with(&wanted), "{said}");
    fs::write(&template, FOREIGN).unwrap();
    let more = ["--parameter", "Seconds=45", "--watch", "--debug", "work"];
    let mut service = Service::start_as("foreign-service", xtask(), &[&options[..], &more].concat());
    let attach = service.lines.wait_for("debug      shop-work is process ");
    assert!(attach.ends_with("one environment, and no time runs out"), "{attach}");
    service.lines.wait_for("lldb -p ");
    // Its timeout is a second, and it takes more.
    let invoke = || {
        let url = format!("{}/2015-03-31/functions/shop-work/invocations", service.aws);
        call("POST", &url, &[], Some("{}")).1
    };
    assert_eq!(invoke(), r#"{"version": "one"}"#);
    executable(&bin.join("work"), &WORK.replace("\"one\"", "\"two\""));
    service.lines.wait_for("watch      shop-work: running after ");
    assert_eq!(invoke(), r#"{"version": "two"}"#);
    fs::write(&template, FOREIGN.replace("QueueName: jobs", "QueueName: tasks")).unwrap();
    service.lines.wait_for("watch      the stack changed in ");
    let request = serde_json::json!({ "QueueName": "tasks" });
    assert!(service.sqs("GetQueueUrl", &request)["QueueUrl"].as_str().unwrap().ends_with("/tasks"));
    fs::write(&template, FOREIGN.replace("Type: AWS::SQS::Queue", "Type: AWS::DynamoDB::Table")).unwrap();
    let unsupported = service.lines.wait_for("Jobs is of the type AWS::DynamoDB::Table");
    assert!(unsupported.trim_start().starts_with(&format!("{}:4:3: ", template.display())), "{unsupported}");
    assert!(service.stop());
}

#[test]
fn a_function_to_debug_that_is_not_there_is_an_error_with_those_that_are() {
    let output = xtask().args(PORTS).args(["--debug", "lists", "--binaries"]).arg(binaries()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: there is no one function that is called \"lists\" to debug; there are: "),
        "{said}"
    );
    assert!(said.contains("paypal-subscriptions-local-plans-list"), "{said}");
}
