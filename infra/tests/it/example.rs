//! An example commit: a function with a route, a queue and a secret. It touches three files and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value as Json;

/// In `file`, `text` goes before `before`; a new file is all text.
struct Edit {
    file: &'static str,
    before: &'static str,
    text: &'static str,
}

const COMMIT: &[Edit] = &[
    Edit {
        file: "handlers/contract/src/functions.rs",
        before: "    /// Takes PayPal's webhooks",
        text: r#"    /// Takes what a buyer wants back, for people to look into.
    RefundRequest: "refund-request" starts on Http { "POST" "/refund/request" } {
        /// Where it waits for them.
        refunds: SendTo,
        /// The client id and secret of the app that may refund, as JSON.
        refunds_secret: ReadSecret,
        /// PayPal's REST API.
        paypal_url: Text,
    }

"#,
    },
    Edit {
        file: "infra/src/service.rs",
        before: "    // What PayPal calls",
        text: r#"    // What buyers want back; people look into the queue.
    let refunds = &service.terminal_queue("refunds");
    let refunds_secret = &service.secret("refunds", "the client id and secret of the app that may refund");
    let refund_request = service.function(contract::functions::RefundRequest {
        refunds: refunds.into(),
        refunds_secret: refunds_secret.into(),
        paypal_url: (&paypal.url).into(),
    });
    service.route(api, &refund_request);

"#,
    },
    Edit { file: "handlers/src/bin/refund-request.rs", before: "", text: include_str!("../example/refund-request.rs") },
];

/// Prints a template of the changed project, which is no part of the commit.
const SHOW: &str = r#"fn main() {
    let text = std::fs::read_to_string("changed/environments/dev.yaml").unwrap();
    let environment = infra::Environment::parse("dev", "dev.yaml", &text).unwrap();
    println!("{}", cfn::write::json(&infra::service(&environment).unwrap()));
}
"#;

/// The project with the commit, in a folder of its own.
///
/// It lies one folder deeper below its workspace than this one: cargo tells packages apart by that path, so both can share
/// one folder of artifacts, with the dependencies compiled once.
fn changed_project() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let changed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
    copy(&root.join("Cargo.lock"), &changed.join("Cargo.lock"));
    for part in ["environments", "handlers", "infra", "xtask"] {
        copy(&root.join(part), &changed.join("changed").join(part));
    }
    let mut workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for part in ["handlers", "infra", "xtask"] {
        workspace = workspace.replace(&format!("\"{part}"), &format!("\"changed/{part}"));
    }
    write(&changed.join("Cargo.toml"), workspace.as_bytes());
    for edit in COMMIT {
        let old = fs::read_to_string(root.join(edit.file)).unwrap_or_default();
        assert_eq!(old.is_empty(), edit.before.is_empty(), "{}", edit.file);
        let place = old.find(edit.before).unwrap_or_else(|| panic!("{} has no {:?}", edit.file, edit.before));
        let new = [&old[..place], edit.text, &old[place..]].concat();
        write(&changed.join("changed").join(edit.file), new.as_bytes());
    }
    write(&changed.join("changed/infra/src/bin/show.rs"), SHOW.as_bytes());
    changed
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            if name != "target" {
                copy(&from.join(&name), &to.join(&name));
            }
        }
    } else if !COMMIT.iter().any(|edit| to.ends_with(edit.file)) {
        write(to, &fs::read(from).unwrap());
    }
}

/// What is there already keeps its time, so that cargo does not build it again.
fn write(file: &Path, bytes: &[u8]) {
    if fs::read(file).is_ok_and(|there| there == bytes) {
        return;
    }
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    // Without `--package`: what all packages ask of dependencies together is what is built already.
    cargo.args(arguments).args(["--quiet", "--offline"]).current_dir(folder).env("CARGO_TARGET_DIR", target);
    // The program that prints the template is not what clippy is for.
    cargo.env_remove("RUSTC_WORKSPACE_WRAPPER");
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_function_with_a_route_a_queue_and_a_secret_touches_three_files() {
    const { assert!(COMMIT.len() <= 3) };
    let changed = changed_project();
    let printed = cargo(&changed, &["run", "--bin", "show"]);
    let template: Json = serde_json::from_str(&printed).unwrap();
    let property = |id: &str, pointer: &str| template["Resources"][id]["Properties"].pointer(pointer).cloned();
    assert_eq!(property("RefundRequestRoute", "/RouteKey"), Some("POST /refund/request".into()));
    let variable = property("RefundRequest", "/Environment/Variables/REFUNDS").unwrap();
    assert_eq!(variable, serde_json::json!({"Ref": "RefundsQueue"}));
    let statements = property("RefundRequestRole", "/Policies/0/PolicyDocument/Statement").unwrap();
    let actions: Vec<_> =
        statements.as_array().unwrap().iter().map(|each| each["Action"][0].as_str().unwrap()).collect();
    assert_eq!(actions, ["logs:CreateLogStream", "sqs:SendMessage", "secretsmanager:GetSecretValue"]);
    // It is monitored without a line about it.
    for (alarm, metric, runbook) in [
        ("RefundRequestErrorsAlarm", "Errors", "#function-errors"),
        ("RefundRequestThrottlesAlarm", "Throttles", "#function-throttles"),
        ("RefundsNotEmptyAlarm", "ApproximateNumberOfMessagesVisible", "#queue-not-empty"),
    ] {
        assert_eq!(property(alarm, "/MetricName"), Some(metric.into()), "{alarm}");
        let description = property(alarm, "/AlarmDescription").unwrap();
        assert!(description.as_str().unwrap().ends_with(runbook), "{description}");
    }
    let dashboard = property("Dashboard", "/DashboardBody").unwrap().to_string();
    assert!(dashboard.contains("${RefundRequest}") && dashboard.contains("${RefundsQueue.QueueName}"), "{dashboard}");
    cargo(&changed, &["build", "--bin", "refund-request"]);
}
