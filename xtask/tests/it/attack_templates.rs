//! Templates that somebody wrote to do harm: each command that reads one ends soon, with an answer or an error that says
//! what is wrong, and what stands in them steers nothing.

use std::{
    fmt::Write,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::service::{interrupt, output_of, root, scratch, xtask};

/// What a terminal, a page or a runner of workflows would obey.
const OBEYED: [&str; 6] = ["\u{1b}", "\u{7}", "\u{9b}", "\u{202e}", "\u{200b}", "\r"];
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\n::set-output name=x::y";

fn read_by_all(file: &Path) -> Vec<Output> {
    let file = file.to_str().unwrap();
    let reviewed = root().join("infra/tests/snapshots/dev.yaml");
    let reviewed = reviewed.to_str().unwrap();
    let commands: [&[&str]; 4] = [
        &["validate", "--template", file],
        &["diff", reviewed, file, "--details"],
        &["diff", reviewed, file, "--format", "markdown"],
        &["diagram", "--template", file],
    ];
    let read = commands.into_iter().map(|command| xtask().args(command).output().unwrap());
    read.chain([run_here(file)]).collect()
}

/// Runs the template, or is told that it cannot be run; one that runs is stopped.
fn run_here(file: &str) -> Output {
    let mut command = xtask();
    command.args(["local", "--port", "0", "--console-port", "0", "--aws-port", "0", "--paypal-port", "0"]);
    command.args(["--template", file, "--binaries"]).arg(root()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("Ctrl-C stops everything") {
            interrupt(child.id());
        }
        said += &(line + "\n");
    }
    let output = output_of(child, "local with a hostile template");
    Output { stdout: said.into_bytes(), ..output }
}

/// Not a template at all: the command says where it goes wrong, and ends as a failure does.
fn is_refusal(name: &str, output: Output, wanted: &str) {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{name}: {said}");
    assert!(said.starts_with("error: ") && said.contains(wanted), "{name}: {said}");
    assert!(!OBEYED.iter().any(|obeyed| said.contains(obeyed)), "{name}: {said:?}");
}

fn written(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let file = scratch("attack-refused").join(name);
    fs::write(&file, text).unwrap();
    file
}

fn refused(name: &str, text: impl AsRef<[u8]>, wanted: &str) {
    let file = written(name, text);
    is_refusal(name, xtask().args(["validate", "--template"]).arg(file).output().unwrap(), wanted);
}

#[test]
fn what_is_no_template_is_refused_where_it_goes_wrong() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{inner}]").unwrap();
    }
    refused("laughs.yaml", laughs, "this unfolds to more than any template of 1 MB can hold");
    let copies = format!("a: &a {}\nb:\n{}", "x".repeat(10_000), "  - *a\n".repeat(2000));
    refused("copies.yaml", copies, "this unfolds to more than any template of 1 MB can hold");
    refused("inside.yaml", "Resources: &a\n  A: *a\n", "an alias inside its own anchor");
    refused("deep.yaml", format!("A: {}", "[".repeat(200)), "nested deeper than 128 levels");
    refused("deepest.yaml", format!("A: {}", "[".repeat(100_000)), "recursion limit exceeded");
    refused("deep.json", "{\"a\":".repeat(100_000), "recursion limit exceeded");
    refused("twice.yaml", "Resources:\n  A: {Type: x}\n  A: {Type: y}\n", ":3:3: the key A stands here twice");
    // All read with one reader; and what it says is said by all.
    let twice = written("twice.json", format!("{{{0}:1,{0}:2}}", json!(HOSTILE)));
    read_by_all(&twice).into_iter().for_each(|output| is_refusal("twice.json", output, "stands here twice"));
    refused("number.json", "{\"Resources\":{\"A\":{\"Type\":\"x\",\"Properties\":{\"a\":1e999}}}}", "number");
    refused("list.yaml", "Resources: [1, 2]\n", "not a CloudFormation template");
    refused("latin.yaml", b"A: \xff\xfe\n", "UTF-8");
    refused("empty.yaml", "", "the file is empty");
}

/// These have a template's shape, and something in them that must not be followed to its end.
fn templates() -> Vec<(&'static str, Value)> {
    let topic = |properties: Value| json!({ "Type": "AWS::SNS::Topic", "Properties": properties });
    let mut doubled = json!({ "C0": { "Fn::Equals": ["a", "b"] } });
    for number in 1..100 {
        let last = json!({ "Condition": format!("C{}", number - 1) });
        doubled[format!("C{number}")] = json!({ "Fn::And": [last, last] });
    }
    let (mut meshed, mut nested) = (json!({}), json!("x"));
    for number in 0..60 {
        let next: Vec<_> = (0..3).map(|of| format!("N{}x{of}", number + 1)).collect();
        for of in 0..3 {
            let mut one = topic(json!({}));
            if number < 59 {
                one["DependsOn"] = json!(next);
            }
            meshed[format!("N{number}x{of}")] = one;
        }
        nested = json!({ "Fn::If": ["C", nested, { "Ref": "AWS::NoValue" }] });
    }
    let wild = |start: &str, repeated: &str| json!(format!("{start}{}", repeated.repeat(500)));
    let statement = |effect: &str, repeated: &str| json!({ "Effect": effect, "Action": wild("sqs:", repeated), "Resource": wild("arn:", repeated) });
    let statements = json!({ "Statement": [statement("Allow", "*a"), statement("Deny", "a*")] });
    let trust = json!({ "Statement": [{ "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let role = json!({ "Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": trust, "Policies": [{ "PolicyName": "p", "PolicyDocument": statements }] } });
    vec![
        (
            "references in a circle",
            json!({ "Resources": {
            "A": { "Type": "AWS::SNS::Topic", "DependsOn": "B", "Properties": { "TopicName": { "Ref": "B" } } },
            "B": topic(json!({ "TopicName": { "Fn::GetAtt": ["A", "TopicName"] } })) } }),
        ),
        ("a reference to itself", json!({ "Resources": { "A": topic(json!({ "TopicName": { "Ref": "A" } })) } })),
        (
            "conditions in a circle",
            json!({
            "Conditions": { "X": { "Fn::Not": [{ "Condition": "Y" }] }, "Y": { "Fn::Not": [{ "Condition": "X" }] } },
            "Resources": { "A": { "Type": "AWS::SNS::Topic", "Condition": "X" } } }),
        ),
        (
            "conditions that double",
            json!({ "Conditions": doubled, "Resources": {
            "A": { "Type": "AWS::SNS::Topic", "Condition": "C99" } } }),
        ),
        ("a mesh of references", json!({ "Resources": meshed })),
        (
            "nested as deeply as may be",
            json!({ "Conditions": { "C": { "Fn::Equals": ["a", "b"] } }, "Resources": {
            "A": topic(json!({ "TopicName": nested })) } }),
        ),
        ("patterns that fit everything in every way", json!({ "Resources": { "A": role } })),
        (
            "huge numbers",
            json!({ "Resources": { "A": { "Type": "AWS::SQS::Queue", "Properties": {
            "VisibilityTimeout": u64::MAX, "DelaySeconds": 1e308, "MessageRetentionPeriod": i64::MIN,
            "RedrivePolicy": { "maxReceiveCount": -1.5, "deadLetterTargetArn": { "Fn::GetAtt": ["A", "Arn"] } } } } } }),
        ),
        (
            "functions of the wrong shape",
            json!({
            "Conditions": { "A": { "Fn::If": [] }, "B": { "Fn::Equals": 3 } },
            "Resources": { "A": { "Type": "AWS::Lambda::Function", "Condition": "None", "Properties": {
                "Code": 1, "Role": { "Fn::GetAtt": [] }, "Environment": 7, "Timeout": { "Fn::If": ["A"] },
                "Handler": { "Fn::Sub": ["${", 5] }, "Runtime": { "Fn::Join": [1] },
                "Layers": { "Fn::Select": [99, ["a"]] }, "Tags": { "Fn::Split": [",", 4] } } } } }),
        ),
        (
            "a text of openings",
            json!({ "Resources": { "A": topic(json!({ "TopicName": { "Fn::Sub": "${".repeat(20_000) } })) } }),
        ),
        (
            "a name that leads elsewhere",
            json!({ "Resources": { "A": { "Type": "AWS::Lambda::Function",
            "Metadata": { "Binary": "../../../../../../bin/sh" },
            "Properties": { "FunctionName": "../../bin/sh", "Code": {}, "Role": "arn:aws:iam::1:role/r" } } } }),
        ),
        (
            "texts that a terminal obeys",
            json!({ "Description": HOSTILE, "Resources": { "A": topic(json!({
            "TopicName": HOSTILE, HOSTILE: 1, "DisplayName": [HOSTILE],
            "Tags": [{ "Key": HOSTILE, "Value": HOSTILE }] })), "B": { "Type": HOSTILE } } }),
        ),
    ]
}

#[test]
fn what_has_a_templates_shape_is_read_to_its_end_and_steers_nothing() {
    let folder = scratch("attack-read");
    for (name, template) in templates() {
        let file = folder.join("template.json");
        fs::write(&file, template.to_string()).unwrap();
        for (number, output) in read_by_all(&file).into_iter().enumerate() {
            let code = output.status.code().unwrap_or_else(|| panic!("{name}: {output:?}"));
            let (out, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            assert!((0..=3).contains(&code), "{name}, {number}: {code} {errors}");
            assert!(code == 0 || errors.starts_with("error: "), "{name}, {number}: {errors}");
            for said in [&out, &errors] {
                // What has no width is how Markdown keeps a mention from being one.
                let mut obeyed = OBEYED.iter().filter(|obeyed| number != 2 || **obeyed != "\u{200b}");
                assert!(!obeyed.any(|obeyed| said.contains(obeyed)), "{name}, {number}: {said:?}");
                let command = said.lines().find(|line| line.trim_start().starts_with("::"));
                assert_eq!(command, None, "{name}, {number}");
            }
        }
    }
}
