//! The beginning and the end of `local`, also when they go wrong.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, process::Stdio};

use crate::service::{Lines, Service, call, end_of, interrupt, scratch, xtask};

/// `local` on free ports, not started.
fn local() -> std::process::Command {
    let mut command = xtask();
    command.args(["local", "--port", "0", "--console-port", "0", "--aws-port", "0", "--paypal-port", "0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn it_says_where_everything_is_and_what_happens_and_ends_with_all_it_started() {
    let mut service = Service::start("end");
    let table = service.lines.all();
    for address in [&service.api, &service.console, &service.aws, &service.paypal] {
        assert!(table.contains(address.as_str()), "{address} in {table}");
    }
    assert!(table.contains(&format!("curl {}/plans/list", service.api)), "{table}");
    assert!(table.contains("not played here:") && table.contains("AWS::IAM::Role"), "{table}");
    assert_eq!(call("GET", &format!("{}/plans/list", service.api), &[], None).0, 200);
    let request = service.lines.wait_for("request   GET /plans/list -> 200");
    assert!(request.ends_with(" ms"), "{request}");
    service.lines.wait_for("log       plans-list: plans listed, count=2");
    service.lines.wait_for("function  plans-list");
    assert_eq!(
        call("GET", &format!("{}/nowhere", service.api), &[], None),
        (404, "{\"message\":\"Not Found\"}".to_owned())
    );
    let (status, page) = call("GET", &service.console, &[], None);
    assert!(status == 200 && page.contains("<h1>"), "{page}");
    // A page of somebody else's in the developer's browser gets nothing done.
    let kill = format!("{}/api/functions/plans-list/kill", service.console);
    assert_eq!(call("POST", &kill, &[("origin", "https://evil.example")], None).0, 403);
    assert_eq!(call("POST", &kill, &[("host", "evil.example")], None).0, 403);
    let children = children(service.pid);
    assert!(children.len() >= 5 || !cfg!(target_os = "linux"), "{children:?}");
    let since = std::time::Instant::now();
    assert!(service.stop());
    assert!(since.elapsed().as_secs() < 5, "a second is promised, and a busy machine may take some more");
    for address in [&service.api, &service.console, &service.aws, &service.paypal] {
        let port = address.strip_prefix("http://").unwrap();
        assert!(std::net::TcpStream::connect(port).is_err(), "{address} still answers");
    }
    for child in children {
        assert!(!std::path::Path::new(&format!("/proc/{child}")).exists(), "the function {child} still runs");
    }
}

/// The processes whose parent this one is. Linux tells; elsewhere there are none to be seen, and the ports have to do.
fn children(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    // pid (name) state parent ...
    let child = |stat: String| {
        let parent: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        (parent == pid).then(|| stat.split_whitespace().next()?.parse().ok()).flatten()
    };
    stats.filter_map(child).collect()
}

#[test]
fn a_busy_port_is_named_with_the_option_that_chooses_another() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let output = xtask().args(["local", "--port", &port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with(&format!("error: port {port} cannot be opened: ")), "{said}");
    assert!(said.contains("help: stop what uses it, or choose another with --port PORT"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn handlers_that_do_not_build_are_one_message() {
    let output = local().env("RUSTC_WRAPPER", "/nowhere/rustc").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.ends_with("error: handlers cannot be built\n  help: the compiler says above where and why\n"),
        "{said}"
    );
}

/// A template with one function behind one route, and a folder with what it runs.
fn one_function(name: &str, script: &str) -> std::process::Command {
    let folder = scratch(name);
    let binary = folder.join("hello");
    fs::write(&binary, script).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let template = folder.join("template.yaml");
    let text = "Resources:\n  Hello:\n    Type: AWS::Lambda::Function\n    Properties: {FunctionName: hello}\n  \
                Api:\n    Type: AWS::ApiGatewayV2::Api\n    Properties: {Name: api, ProtocolType: HTTP}\n  \
                Integration:\n    Type: AWS::ApiGatewayV2::Integration\n    Properties: {ApiId: !Ref Api, \
                IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Hello.Arn, PayloadFormatVersion: '2.0'}\n  \
                Route:\n    Type: AWS::ApiGatewayV2::Route\n    Properties: {ApiId: !Ref Api, RouteKey: GET /hello, \
                Target: !Sub 'integrations/${Integration}'}\n";
    fs::write(&template, text).unwrap();
    let mut command = local();
    command.arg("--template").arg(template).arg("--binaries").arg(folder);
    command
}

#[test]
fn a_handler_that_crashes_at_start_is_one_message_with_its_last_words_and_a_500() {
    let mut child = one_function("crash", "#!/bin/sh\necho 'no configuration' >&2\nexit 3\n").spawn().unwrap();
    let (out, errors) = (Lines::default(), Lines::default());
    out.read(child.stdout.take().unwrap());
    errors.read(child.stderr.take().unwrap());
    let said = errors.wait_for("error: ");
    assert_eq!(said, "error: hello does not start: Runtime.ExitError: Runtime exited with error: exit status 3");
    errors.wait_for("no configuration");
    let url = out.wait_for("curl http://").trim().trim_start_matches("curl ").to_owned();
    let answer = (500, "{\"message\":\"Internal Server Error\"}".to_owned());
    for _ in 0..3 {
        assert_eq!(call("GET", &url, &[], None), answer);
    }
    interrupt(child.id());
    assert!(end_of(child, "local, interrupted").success());
    let said = errors.all();
    assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
}

#[test]
fn a_template_that_cannot_run_here_is_refused_with_the_reason() {
    let folder = scratch("wrong-template");
    let template = folder.join("template.yaml");
    for (text, wanted) in [
        ("Resources: [", "template.yaml:2:1: "),
        ("Resources: {F: {Type: AWS::Lambda::Function}}", "F (AWS::Lambda::Function) cannot be made: "),
        (
            "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Gone}}}",
            "Resources.Q.Properties.QueueName: there is no Gone",
        ),
    ] {
        fs::write(&template, text).unwrap();
        let output = local().arg("--template").arg(&template).arg("--binaries").arg(&folder).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}: {said}");
        assert!(said.starts_with("error: ") && said.contains(wanted), "{text}: {said}");
    }
}
