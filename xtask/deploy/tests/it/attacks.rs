//! Code and change sets that nobody reviewed: refused with what differs, and never run.

use std::fs;

use crate::{
    cloud::{ChangeSet, Cloud},
    endpoint::{Endpoint, Gate},
    plans::{CREATE, Planned, UPDATE, refused},
    program::{Said, command, run, said, within},
    scenarios::{Scenario, Zips},
};

/// The SHA-256 of what an attacker wrote.
const PLANTED: &str = "cGxhbnRlZCBieXRlcw==";

/// Writes other bytes below the key that a function's zip has.
fn plant(endpoint: &Endpoint, zips: &Zips, parameter: &str, sha256: Option<&str>) {
    let object = format!("artifacts-bucket/{}", zips.keys()[parameter]);
    endpoint.change(|cloud| cloud.write(&object, sha256.map(str::to_owned)));
}

/// Asserts that nothing was executed, and that no function ever ran what was planted.
fn never_ran(endpoint: &Endpoint) {
    assert!(!endpoint.actions().contains(&"ExecuteChangeSet".to_owned()), "{:?}", endpoint.actions());
    endpoint.look(|cloud| {
        assert!(!cloud.ran.contains(PLANTED) && !cloud.ran.contains("unknown"), "{:?}", cloud.ran);
    });
}

async fn deploy(endpoint: &Endpoint, zips: &Zips, yaml: &str) -> Said {
    let arguments = Scenario::read(&format!("about: x\n{yaml}run: [deploy, --yes]\n")).arguments(zips);
    run(endpoint, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn not_the_zip(said: &Said, zips: &Zips, found: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let object = format!("s3://artifacts-bucket/{}", zips.keys()["PlansListCode"]);
    assert!(said.errors.contains(&format!("{object} does not hold the zip that is deployed: {found}")), "{said:?}");
    assert!(said.errors.contains("find who wrote it (CloudTrail: PutObject)"), "{said:?}");
}

#[tokio::test]
async fn object_planted_before_a_deployment_is_refused_and_never_runs() {
    for (test, scenario) in [("planted-create", CREATE), ("planted-update", UPDATE)] {
        let zips = Zips::new(test);
        let endpoint = Scenario::read(&format!("about: x\n{scenario}run: []\n")).endpoint(&zips).await;
        plant(&endpoint, &zips, "PlansListCode", Some(PLANTED));
        let said = deploy(&endpoint, &zips, scenario).await;
        not_the_zip(&said, &zips, &format!("the SHA-256 of its bytes is {PLANTED}, and must be "));
        never_ran(&endpoint);
        // What it prepared is gone.
        endpoint.look(|cloud| assert!(cloud.stack().is_none_or(|stack| stack.change_sets.is_empty())));
    }
}

#[tokio::test]
async fn object_planted_after_a_plan_is_refused_and_never_runs() {
    for (name, sha256, found) in [
        ("planted-after", Some(PLANTED), format!("the SHA-256 of its bytes is {PLANTED}, and must be ")),
        ("planted-unhashed", None, "S3 keeps no SHA-256 of its bytes, which must be ".to_owned()),
    ] {
        let planned = Planned::new(name, UPDATE).await;
        plant(&planned.endpoint, &planned.zips, "PlansListCode", sha256);
        not_the_zip(&planned.deploy().await, &planned.zips, &found);
        never_ran(&planned.endpoint);
    }
}

/// The object of a function that does not change is fetched again where the function is replaced.
#[tokio::test]
async fn object_of_an_unchanged_function_is_verified_too() {
    let planned = Planned::new("planted-unchanged", UPDATE).await;
    plant(&planned.endpoint, &planned.zips, "WebhookVerifyCode", Some(PLANTED));
    let said = planned.deploy().await;
    assert!(said.errors.contains("webhook-verify/") && said.errors.contains(PLANTED), "{said:?}");
    never_ran(&planned.endpoint);
}

#[tokio::test]
async fn bucket_without_versions_is_refused() {
    let planned = Planned::new("unversioned", UPDATE).await;
    planned.endpoint.change(|cloud| cloud.unversioned = true);
    let said = planned.deploy().await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains("the bucket artifacts-bucket keeps no versions of its objects"), "{said:?}");
    assert!(said.errors.contains("put-bucket-versioning"), "{said:?}");
    never_ran(&planned.endpoint);
}

/// An object is written anew, with the same bytes, between the upload and the execution: even that is told.
#[tokio::test]
async fn object_in_another_version_than_verified_is_refused() {
    let planned = Planned::new("planted-version", UPDATE).await;
    let said = interrupted(&planned, "GetStackPolicy", |endpoint| {
        let object = format!("artifacts-bucket/{}", planned.zips.keys()["PlansListCode"]);
        endpoint.change(|cloud| {
            let sha256 = cloud.objects[&object].sha256.clone();
            cloud.write(&object, sha256);
        });
    });
    let said = said.await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains(" changed before it was used: version "), "{said:?}");
    never_ran(&planned.endpoint);
}

/// Deploys the plan, and does something when the deployment makes a call.
async fn interrupted(planned: &Planned, action: &str, meanwhile: impl FnOnce(&Endpoint)) -> Said {
    let scenario = Scenario::read(&format!("about: x\n{UPDATE}run: [deploy, --yes, --plan, {}]\n", planned.file));
    let arguments = scenario.arguments(&planned.zips);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let rehearsal = Planned::new(&format!("rehearsal-{action}"), UPDATE).await;
    let before = rehearsal.endpoint.actions().len();
    assert_eq!(rehearsal.deploy().await.code, Some(0));
    let call = rehearsal.endpoint.actions()[before..].iter().position(|one| one == action).unwrap();
    let ((reached, here), (release, released)) = (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel());
    planned.endpoint.stop_at(Gate { call, heard: false, reached, release: released });
    let mut child = command(&planned.endpoint, &arguments);
    let child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    within(action, here).await.unwrap();
    meanwhile(&planned.endpoint);
    release.send(()).unwrap();
    said(within("the end of the deployment", child.wait_with_output()).await.unwrap())
}

/// Whoever may write in the bucket writes in the last moment, after the proof.
#[tokio::test]
async fn code_that_runs_after_a_deployment_is_compared_with_the_zip() {
    let planned = Planned::new("planted-late", UPDATE).await;
    let plant = |endpoint: &Endpoint| plant(endpoint, &planned.zips, "PlansListCode", Some(PLANTED));
    let said = interrupted(&planned, "ExecuteChangeSet", plant).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = "these functions do not run the code that was deployed:\n  paypal-subscriptions-prod-PlansList: the \
                  SHA-256 of its code is cGxhbnRlZCBieXRlcw==, and must be ";
    assert!(said.errors.contains(wanted), "{said:?}");
}

#[tokio::test]
async fn zip_that_changed_on_disk_is_refused_before_anything_is_uploaded() {
    let planned = Planned::new("zip-changed", UPDATE).await;
    fs::write(planned.zips.folder.join("plans-list.zip"), "other bytes").unwrap();
    let said = planned.deploy().await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains("is not the zip of plans-list that the manifest names"), "{said:?}");
    assert!(!planned.endpoint.actions().iter().any(|call| call.starts_with("PUT ")));
    never_ran(&planned.endpoint);
}

/// Alters the change set that waits, as if `plan.json` named another one.
async fn altered(name: &str, alter: impl FnOnce(&mut ChangeSet), named: &str) {
    let planned = Planned::new(name, UPDATE).await;
    let mut id = String::new();
    planned.endpoint.change(|cloud: &mut Cloud| {
        let stack = cloud.environment();
        let mut other = stack.change_sets[0].clone();
        other.name = "theirs".to_owned();
        other.id = other.id.replace("changeSet/", "changeSet/theirs-");
        alter(&mut other);
        id.clone_from(&other.id);
        stack.change_sets.push(other);
    });
    let mut plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(&planned.file).unwrap()).unwrap();
    plan["change_set"] = id.into();
    fs::write(&planned.file, plan.to_string()).unwrap();
    refused(&planned.deploy().await, named);
    never_ran(&planned.endpoint);
}

#[tokio::test]
async fn change_set_that_nobody_reviewed_is_refused_with_what_differs() {
    let administrator = |set: &mut ChangeSet| {
        let mut template: serde_json::Value = serde_json::from_str(&set.template).unwrap();
        template["Resources"]["Admin"] = serde_json::json!({
            "Type": "AWS::IAM::Role",
            "Properties": { "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"] }
        });
        set.template = template.to_string();
    };
    altered("altered-role", administrator, "the change set's template also has Admin (AWS::IAM::Role)").await;
    let queue = |set: &mut ChangeSet| set.template = set.template.replace("\"QueueName\"", "\"QueueNam\"");
    altered("altered-queue", queue, "the change set's template defines ErrorsQueue (AWS::SQS::Queue) otherwise").await;
    let parameter = |set: &mut ChangeSet| {
        set.parameters.insert("PlansListCode".to_owned(), "plans-list/theirs.zip".to_owned());
    };
    altered("altered-parameter", parameter, "the change set's parameter PlansListCode: plans-list/").await;
    let bucket = |set: &mut ChangeSet| {
        set.parameters.insert("ArtifactBucket".to_owned(), "theirs".to_owned());
    };
    altered("altered-bucket", bucket, "ArtifactBucket: artifacts-bucket reviewed, theirs in CloudFormation").await;
    let tag = |set: &mut ChangeSet| {
        set.tags.insert("team".to_owned(), "theirs".to_owned());
    };
    altered("altered-tag", tag, "the change set's tag team: none reviewed, theirs in CloudFormation").await;
    let capability = |set: &mut ChangeSet| set.capabilities.push("CAPABILITY_AUTO_EXPAND".to_owned());
    altered("altered-capability", capability, "the change set has the capability CAPABILITY_AUTO_EXPAND").await;
    let minutes = |set: &mut ChangeSet| set.minutes = 7;
    altered("altered-rollback", minutes, "the change set's rollback alarms: ").await;
}

/// A change set's ARN says by itself which stack it is for.
#[tokio::test]
async fn change_set_of_another_stack_is_refused() {
    let planned = Planned::new("altered-stack", UPDATE).await;
    let mut id = String::new();
    planned.endpoint.change(|cloud| id = cloud.change_set_of_another_stack());
    let mut plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(&planned.file).unwrap()).unwrap();
    plan["change_set"] = id.into();
    fs::write(&planned.file, plan.to_string()).unwrap();
    refused(&planned.deploy().await, "the change set is for the stack ");
    never_ran(&planned.endpoint);
}
