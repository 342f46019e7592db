//! The life of each environment's stack, through the real command: created, changed, replaced, undone, destroyed.

use std::{fs, path::Path};

use contract::functions::ALL;
use serde_json::{Value, json};

use crate::{
    documents,
    emulator::{Emulator, Project},
    review::{check_json, schema},
};

/// A domain name that somebody else has already.
const TAKEN: &str = "taken.example.com";

#[test]
fn local_is_created_changed_replaced_undone_and_destroyed() {
    life("local");
}

#[test]
fn dev_is_created_changed_replaced_undone_and_destroyed() {
    life("dev");
}

#[test]
fn prod_is_created_changed_replaced_undone_and_destroyed() {
    life("prod");
}

fn life(env: &str) {
    let emulator = Emulator::start(&format!("life-{env}"));
    let project = Project::new(&format!("life-{env}-project"), env, &emulator.url);
    project.unguarded();
    let zone = emulator.ask(&project.account, &["zone", "example.com"]);
    let zone = zone.as_str().unwrap();
    if env == "prod" {
        a_first_deployment_that_fails_leaves_nothing_but_what_is_retained(&emulator, &project);
        project.domain("subscriptions.example.com", zone);
    }
    created(&emulator, &project);
    if env == "dev" {
        project.edit("oldest_message_seconds: 1800", "oldest_message_seconds: 1860");
        documents::of_a_deployed_stack(&project);
    }
    changed(&emulator, &project);
    undone(&emulator, &project, zone);
    replaced(&emulator, &project, zone);
    destroyed(&emulator, &project);
}

/// The hosted zone that the file names is nobody's here.
fn a_first_deployment_that_fails_leaves_nothing_but_what_is_retained(emulator: &Emulator, project: &Project) {
    let said = project.deploy(&[]);
    said.failed("first cause: DomainIpv");
    assert_eq!(said.result()["outcome"], "failed");
    assert!(said.result()["cause"]["reason"].as_str().unwrap().contains("No hosted zone"), "{said:?}");
    let left = emulator.inventory(&project.account);
    for kind in ["queues", "functions", "logs", "apis"] {
        assert_eq!(left[kind], json!({}), "{kind}");
    }
    for kind in ["topics", "alarms", "secrets", "roles", "domains", "records", "keys"] {
        assert_eq!(left[kind], json!([]), "{kind}");
    }
}

fn created(emulator: &Emulator, project: &Project) {
    project.deploy(&[]).outcome("deployed");
    let stack = project.stack();
    let named = |name: &str| format!("{stack}-{name}");
    let held = emulator.inventory(&project.account);

    let queues = held["queues"].as_object().unwrap();
    let names: Vec<_> = queues.keys().map(String::as_str).collect();
    let wanted = ["errors", "errors.fifo", "forged", "unverified", "verified.fifo"].map(named);
    assert_eq!(names, wanted);
    let given_up = queues[&named("unverified")]["RedrivePolicy"].as_str().unwrap();
    assert!(given_up.contains(&format!("{stack}-errors\"")), "{given_up}");
    assert_eq!(queues[&named("verified.fifo")]["FifoQueue"], "true");
    assert_eq!(held["topics"], json!(["alarms", "finished", "received"].map(named)));
    assert_eq!(held["subscriptions"], json!([format!("{stack}-received -> {stack}-unverified")]));
    let sources = [("unverified", "webhook-verify"), ("verified.fifo", "webhook-process")];
    assert_eq!(
        held["sources"],
        json!(sources.map(|(queue, function)| format!("{stack}-{queue} -> {stack}-{function}")))
    );

    let functions = held["functions"].as_object().unwrap();
    assert_eq!(functions.len(), ALL.len());
    let manifest = manifest(project);
    for function in ALL {
        let runs = &functions[&named(function.name)];
        // Lambda's hash is of the zip as it has it, so what was built is what runs.
        assert_eq!(hexadecimal(runs["code"].as_str().unwrap()), manifest["functions"][function.name]["sha256"]);
        assert_eq!(runs["architectures"], json!([manifest["architecture"]]));
        assert_eq!(runs["runtime"], "provided.al2023");
        assert!(!runs["environment"].as_object().unwrap().is_empty(), "{runs}");
    }
    let receiver = &functions[&named("webhook-receiver")]["environment"];
    assert_eq!(receiver["RECEIVED"], format!("arn:aws:sns:eu-west-1:{}:{stack}-received", project.account));

    let routes = json!(["GET /plans/list", "POST /subscription/create", "POST /webhook/receiver"]);
    assert_eq!(held["apis"][named("api")]["routes"], routes);
    assert_eq!(held["apis"][named("api")]["stages"], json!(["$default"]));
    assert_eq!(held["logs"].as_object().unwrap().len(), ALL.len() + 1);
    assert_eq!(held["roles"].as_array().unwrap().len(), ALL.len());
    assert_eq!(held["secrets"], json!([named("paypal")]));
    assert!(held["alarms"].as_array().unwrap().len() > 15, "{}", held["alarms"]);
    let prod = project.env == "prod";
    assert_eq!(held["keys"].as_array().unwrap().len(), usize::from(prod));
    assert_eq!(held["domains"], if prod { json!(["subscriptions.example.com"]) } else { json!([]) });
    assert_eq!(held["records"].as_array().unwrap().len(), if prod { 2 } else { 0 });

    let buckets = held["buckets"].as_object().unwrap();
    assert_eq!(buckets.len(), 1, "{buckets:?}");
    let bucket = buckets.values().next().unwrap();
    let keys = bucket["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
    // The template is too large for a request, so it is there too.
    let (templates, zips): (Vec<_>, Vec<_>) = keys.partition(|key| key.contains("templates/"));
    assert!(!templates.is_empty() && zips.len() == ALL.len(), "{templates:?} {zips:?}");
    assert_eq!((&bucket["versioning"], &bucket["encrypted"]), (&json!("Enabled"), &json!(true)));
    assert!(bucket["public_access"].as_object().unwrap().values().all(|closed| closed == true), "{bucket}");
    assert!(bucket["policy"].to_string().contains("aws:SecureTransport"), "{bucket}");
    // Deployed again, it is as it should be.
    project.deploy(&[]).outcome("unchanged");
}

fn changed(emulator: &Emulator, project: &Project) {
    let before = emulator.inventory(&project.account);
    project.edit("default: { memory_mb: 256", "default: { memory_mb: 384");
    if project.env == "prod" {
        project.edit("plans-list: { memory_mb: 256", "plans-list: { memory_mb: 384");
    }
    project.edit("unverified: { visibility_seconds: ", "unverified: { visibility_seconds: 1");
    // As often as before would take longer than the queue keeps a message.
    project.edit("max_receives: 1000, batch_size: 10", "max_receives: 600, batch_size: 10");
    project.stand_in("plans-list", "second");
    if project.env == "dev" {
        reviewed(emulator, project);
    }
    let result = project.deploy(&[]).outcome("deployed");
    let packed = manifest(project)["functions"]["plans-list"]["size"].as_u64().unwrap();
    assert_eq!(result["uploaded_bytes"].as_u64().unwrap(), packed, "one zip and no more");
    let after = emulator.inventory(&project.account);
    let queue = format!("{}-unverified", project.stack());
    let visibility = |held: &Value| held["queues"][&queue]["VisibilityTimeout"].as_str().unwrap().to_owned();
    assert_eq!(visibility(&after), format!("1{}", visibility(&before)));
    let function = format!("{}-plans-list", project.stack());
    assert_ne!(after["functions"][&function]["code"], before["functions"][&function]["code"]);
    assert_eq!(
        (&before["functions"][&function]["memory"], &after["functions"][&function]["memory"]),
        (&json!(256), &json!(384))
    );
    // The same queue, not another of its name.
    let made = |held: &Value| held["queues"][&queue]["CreatedTimestamp"].clone();
    assert_eq!(made(&after), made(&before));
    for kind in ["topics", "roles", "apis", "alarms", "secrets", "keys", "domains", "records"] {
        assert_eq!(after[kind], before[kind], "{kind}");
    }
}

/// What is deployed is compared, joined with the change set that CloudFormation makes, and none of it stays.
fn reviewed(emulator: &Emulator, project: &Project) {
    let before = emulator.inventory(&project.account);
    let said = project.run("diff", &["--format", "json", "--exit-code"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.errors.contains("asking CloudFormation for a change set of dev"), "{}", said.errors);
    let document = check_json(&schema(), &said.out);
    let review = &document["reviews"][0];
    assert_eq!(review["change_set"], json!({ "is": "joined" }), "{said:?}");
    let change = |id: &str| {
        let changes = review["changes"].as_array().unwrap();
        changes.iter().find(|change| change["id"] == id).unwrap_or_else(|| panic!("{id} is not in {changes:?}")).clone()
    };
    for id in ["UnverifiedQueue", "PlansList", "WebhookVerify"] {
        let predicted = &change(id)["predicted"];
        assert_eq!((&predicted["action"], &predicted["replacement"]), (&json!("Modify"), &json!("False")), "{id}");
        assert_eq!(change(id)["consequence"], "in-place", "{id}");
    }
    // Whoever may only read is told what is missing.
    let alone = project.run("diff", &["--no-change-set"]);
    let wanted = "Without CloudFormation's change set (--no-change-set): what happens to resources is said by";
    assert!(alone.code == Some(0) && alone.out.contains(wanted), "{alone:?}");
    let left = emulator.ask(&project.account, &["change-sets", &project.stack()]);
    let of_a_question = |name: &&Value| name.as_str().unwrap().starts_with("diff-");
    assert!(!left.as_array().unwrap().iter().any(|name| of_a_question(&name)), "{left}");
    assert_eq!(without_templates(emulator.inventory(&project.account)), without_templates(before));
}

/// Without the templates in the bucket: one that is too large for a request stays there after a question, too.
fn without_templates(mut held: Value) -> Value {
    for bucket in held["buckets"].as_object_mut().unwrap().values_mut() {
        bucket["keys"].as_array_mut().unwrap().retain(|key| !key.as_str().unwrap().contains("templates/"));
    }
    held
}

/// A change that AWS refuses in the middle: what was done before it is undone.
fn undone(emulator: &Emulator, project: &Project, zone: &str) {
    emulator.ask(&project.account, &["domain", TAKEN]);
    let before = emulator.inventory(&project.account);
    let file = project.keep();
    project.edit("default: { memory_mb: 384", "default: { memory_mb: 512");
    project.domain(TAKEN, zone);
    let said = project.deploy(&["--replace", "Domain", "--replace", "DomainCertificate"]);
    said.failed("first cause: Domain (AWS::ApiGatewayV2::DomainName)");
    assert!(said.errors.contains("already exists"), "{}", said.errors);
    assert_eq!(said.result()["status"], "UPDATE_ROLLBACK_COMPLETE", "{said:?}");
    let after = emulator.inventory(&project.account);
    for kind in
        ["queues", "topics", "functions", "logs", "alarms", "secrets", "roles", "keys", "apis", "domains", "records"]
    {
        assert_eq!(after[kind], before[kind], "{kind}");
    }
    project.restore(&file);
    project.deploy(&[]).outcome("unchanged");
}

/// Another domain is another resource. What holds data, or is known to others, is replaced only when it is named.
fn replaced(emulator: &Emulator, project: &Project, zone: &str) {
    if project.env != "prod" {
        project.domain("first.example.com", zone);
        project.deploy(&[]).outcome("deployed");
    }
    let before = emulator.inventory(&project.account);
    project.domain("second.example.com", zone);
    if project.env == "dev" {
        let said = project.run("diff", &["--format", "json"]);
        let document: Value = serde_json::from_str(&said.out).unwrap();
        let changes = document["reviews"][0]["changes"].as_array().unwrap();
        let domain = changes.iter().find(|change| change["id"] == "Domain").unwrap();
        assert_eq!(domain["predicted"]["replacement"], "True", "{domain}");
        assert_eq!(domain["consequence"], "replacement-retained", "{domain}");
    }
    let refused = project.deploy(&[]);
    refused.failed("--replace");
    assert!(refused.errors.contains("DomainCertificate"), "{}", refused.errors);
    assert_eq!(emulator.inventory(&project.account)["domains"], before["domains"], "nothing was done");
    project.deploy(&["--replace", "Domain", "--replace", "DomainCertificate"]).outcome("deployed");
    let after = emulator.inventory(&project.account);
    // The one before stays until somebody removes it: others may still come to it.
    let before = before["domains"].as_array().unwrap().iter();
    let mut domains: Vec<_> = before.map(|name| name.as_str().unwrap()).chain(["second.example.com"]).collect();
    domains.sort_unstable();
    assert_eq!(after["domains"], json!(domains));
    assert_eq!(after["records"], json!(["second.example.com A", "second.example.com AAAA"]));
}

fn destroyed(emulator: &Emulator, project: &Project) {
    let stack = project.stack();
    let before = emulator.inventory(&project.account);
    project.run("destroy", &["--confirm", "another-stack"]).failed(&stack);
    assert_eq!(emulator.inventory(&project.account)["queues"], before["queues"], "nothing was done");
    if project.env == "prod" {
        project.run("destroy", &["--confirm", &stack]).failed("set deployment.termination_protection to false");
        project.edit("termination_protection: true", "termination_protection: false");
    }
    let said = project.run("destroy", &["--confirm", &stack, "--format", "json"]);
    let result = said.outcome("destroyed");
    let retained: Vec<_> =
        result["retained"].as_array().unwrap().iter().map(|one| one["resource"].as_str().unwrap()).collect();
    assert!(retained.contains(&"PaypalSecret") && retained.contains(&"ErrorsQueue"), "{result}");
    let after = emulator.inventory(&project.account);
    for kind in ["functions", "apis"] {
        assert_eq!(after[kind], json!({}), "{kind}");
    }
    for kind in ["subscriptions", "sources", "alarms", "roles", "records"] {
        assert_eq!(after[kind], json!([]), "{kind}");
    }
    // What holds data stays.
    for kind in ["topics", "secrets", "keys"] {
        assert_eq!(after[kind], before[kind], "{kind}");
    }
    // The queues' policies were the stack's and went with it.
    let names = |held: &Value| held["queues"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    let status = project.run("status", &["--format", "json"]);
    let status: Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["stack_id"], Value::Null, "{status}");
}

/// What was packed last.
fn manifest(project: &Project) -> Value {
    let file = project.path("target/lambda/manifest.json");
    serde_json::from_str(&fs::read_to_string(Path::new(&file)).unwrap()).unwrap()
}

/// Base64 as hexadecimal digits.
pub(crate) fn hexadecimal(base64: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(base64).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}
