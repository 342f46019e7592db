//! What the command line says: help, templates, mistakes.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use nix::pty::openpty;

use crate::service::{end_of, output_of, root, scratch, xtask};

fn run(arguments: &[&str]) -> Output {
    xtask().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Compares with a file under `tests/it/help`; `UPDATE_EXPECT=1` rewrites it.
fn expect(name: &str, said: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/help/{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, said).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == said, "{} differs; UPDATE_EXPECT=1 rewrites it:\n{said}", file.display());
}

#[test]
fn help_says_what_each_command_does() {
    expect("xtask", &text(&run(&["--help"]).stdout));
    let all = text(&run(&["--help"]).stdout);
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help") {
        let help = text(&run(&[command, "--help"]).stdout);
        assert!(help.contains("Examples:"), "{command} shows no examples");
        expect(command, &help);
    }
}

#[test]
fn synth_prints_the_same_template_as_yaml_and_as_json_and_into_a_file() {
    let yaml = run(&["synth", "--env", "prod"]);
    assert!(yaml.status.success() && yaml.stderr.is_empty());
    let reviewed = fs::read_to_string(root().join("infra/tests/snapshots/prod.yaml")).unwrap();
    assert!(text(&yaml.stdout) == reviewed);
    let json = run(&["synth", "--env", "prod", "--format", "json"]);
    let template = cfn::read::template(&text(&json.stdout)).unwrap();
    assert!(template == cfn::read::template(&reviewed).unwrap());
    let file = scratch("synth").join("prod.yaml");
    let out = run(&["synth", "--env", "prod", "--out", file.to_str().unwrap()]);
    assert!(out.status.success() && out.stdout.is_empty());
    assert_eq!(fs::read_to_string(file).unwrap(), reviewed);
}

#[test]
fn a_wrong_call_says_what_is_wrong_and_what_to_do() {
    for (arguments, code, wanted) in [
        (&["synth"][..], 2, "--env <NAME>"),
        (&["synth", "--env", "nowhere"], 1, "help: environments: dev, local, prod"),
        (&["synth", "--env", "../prod"], 1, "\"../prod\" is no environment's name"),
        (&["local", "--template", "x.yaml"], 2, "--binaries <DIR>"),
        (&["test", "--only", "nothing of the kind"], 1, "no step has such a name"),
        (&["deply"], 2, "deply"),
        (&["deploy", "--env", "prod", "--hotswap"], 1, "environments/prod.yaml forbids new code past CloudFormation"),
        (&["deploy", "--env", "dev", "--hotswap", "--plan", "p.json"], 2, "--hotswap"),
    ] {
        let output = run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(wanted), "{arguments:?}: {said}");
    }
}

#[test]
fn nobody_reading_is_no_failure() {
    let mut child =
        xtask().args(["synth", "--env", "prod"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = output_of(child, "synth, whose output nobody reads");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

/// AWS is not there; the program that speaks to it is, and says so itself.
#[test]
fn outputs_are_asked_for_in_a_program_of_its_own() {
    let mut command = xtask();
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    // Nobody is at port 1.
    let output =
        command.args(["-q", "outputs", "--env", "prod", "--endpoint-url", "http://127.0.0.1:1"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let attempts = "GetCallerIdentity: the connection failed, attempt 1 of 3\n";
    assert!(said.starts_with(attempts), "{said}");
    assert!(said.contains("\nerror: cannot tell whose the AWS credentials are: "), "{said}");
    assert!(said.ends_with("help: check the network, the region and --endpoint-url\n"), "{said}");
}

/// What a command shows at a terminal, or in a pipe, with these variables.
fn seen(at_a_terminal: bool, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = xtask();
    // What whoever runs the tests wants is no matter here.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_HYPERLINK", "TERM_PROGRAM", "VTE_VERSION", "CI"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").envs(variables.iter().copied()).args(arguments);
    if !at_a_terminal {
        return text(&command.output().unwrap().stdout);
    }
    let pty = openpty(None, None).unwrap();
    let child = command.stdout(Stdio::from(pty.slave)).stderr(Stdio::null()).spawn().unwrap();
    // It holds the other side of the terminal, which ends when nobody does.
    drop(command);
    let (mut shown, mut bytes, mut screen) = (Vec::new(), [0; 4096], fs::File::from(pty.master));
    while let Ok(read @ 1..) = screen.read(&mut bytes) {
        shown.extend(&bytes[..read]);
    }
    end_of(child, "a command at a terminal");
    text(&shown)
}

#[test]
fn colours_and_links_are_where_somebody_sees_them_and_wants_them() {
    let folder = scratch("colours");
    let (before, after) = (folder.join("before.yaml"), folder.join("after.yaml"));
    fs::write(&before, "Resources: { Topic: { Type: AWS::SNS::Topic } }\n").unwrap();
    fs::write(&after, "Resources: { Queue: { Type: AWS::SQS::Queue } }\n").unwrap();
    let diff = ["diff", before.to_str().unwrap(), after.to_str().unwrap()];
    for (at_a_terminal, variables, coloured) in [
        (true, &[][..], true),
        (true, &[("NO_COLOR", "1")], false),
        (true, &[("CLICOLOR", "0")], false),
        (true, &[("TERM", "dumb")], false),
        (false, &[], false),
        (false, &[("CLICOLOR_FORCE", "1")], true),
        (false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let shown = seen(at_a_terminal, variables, &diff);
        assert!(shown.contains("Topic"), "{variables:?}: {shown}");
        assert_eq!(shown.contains("\x1b["), coloured, "{at_a_terminal} {variables:?}: {shown}");
    }
    let place = format!("{}:1:", after.display());
    let validate = ["validate", "--template", after.to_str().unwrap()];
    for (at_a_terminal, variables, linked) in [
        (true, &[("TERM_PROGRAM", "WezTerm")][..], true),
        (true, &[], false),
        (false, &[("TERM_PROGRAM", "WezTerm")], false),
        (false, &[("FORCE_HYPERLINK", "1")], true),
    ] {
        let shown = seen(at_a_terminal, variables, &validate);
        assert!(shown.contains(&place), "{variables:?}: {shown}");
        let link = format!("\x1b]8;;file://{}\x1b\\", after.display());
        assert_eq!(shown.contains(&link), linked, "{at_a_terminal} {variables:?}: {shown}");
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        let script = text(&output.stdout);
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {}", text(&output.stderr));
        assert!(script.contains("deploy") && script.contains("completions"), "{shell}");
    }
}

/// What is there depends on the machine; that everything is said, and how it ends, does not.
/// Where rustup has no default toolchain, and where an environment file is broken.
#[test]
fn doctor_goes_on_after_a_check_that_fails() {
    let project = scratch("doctor-goes-on");
    for folder in ["environments", "infra"] {
        fs::create_dir_all(project.join(folder)).unwrap();
    }
    fs::copy(root().join("environments/dev.yaml"), project.join("environments/dev.yaml")).unwrap();
    fs::write(project.join("environments/broken.yaml"), "account: [").unwrap();
    let rustc = project.join("rustc");
    let said = "error: rustup could not choose a version of rustc to run";
    fs::write(&rustc, format!("#!/bin/sh\necho '{said}' >&2\necho 'a stack trace' >&2\nexit 1\n")).unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let mut doctor = xtask();
    let output =
        doctor.current_dir(&project).env("RUSTC", &rustc).args(["doctor", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = findings["checks"].as_array().unwrap();
    let check = |name: &str| {
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not among {checks:?}"))
    };
    assert_eq!(check("rustc")["found"], format!("rustc -vV failed: {said}"));
    assert_eq!(check("functions for arm64")["found"], "not checked: it needs rustc");
    assert_eq!(check("environments/broken.yaml")["ok"], false);
    assert!(check("git")["found"].is_string() && check("disk")["found"].is_string());
}

#[test]
fn doctor_looks_at_the_machine_and_at_every_processor_that_an_environment_wants() {
    let output = run(&["doctor", "--format", "json"]);
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = findings["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for wanted in [
        "rustc",
        "cargo fmt",
        "cargo clippy",
        "C compiler",
        "functions for arm64",
        "functions for x86_64",
        "git",
        "Python with venv",
        "disk",
    ] {
        assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
    }
    // This very test was compiled here.
    assert!(
        checks
            .iter()
            .filter(|check| ["rustc", "git"].contains(&check["name"].as_str().unwrap()))
            .all(|check| check["ok"] == true)
    );
    let lacking: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    // Each a line for a shell.
    let is_clean = |mend: &str| mend.lines().all(|line| !line.is_empty() && line == line.trim());
    assert!(lacking.iter().all(|check| check["mend"].as_str().is_some_and(is_clean)), "{lacking:?}");
    assert_eq!(output.status.code(), Some(i32::from(!lacking.is_empty())), "{}", text(&output.stderr));
}
