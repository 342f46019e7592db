//! A plan is deployed as it was reviewed, or not at all.

use std::fs;

use crate::{
    endpoint::Endpoint,
    program::{Said, run},
    scenarios::{Scenario, Zips},
};

pub(crate) const UPDATE: &str =
    "before: { stack: CREATE_COMPLETE, deployed: base, old_zips: [PlansListCode] }\nwanted: queue-changed\n";
pub(crate) const CREATE: &str = "before: { bucket: true }\n";

/// A plan in a file, and all that it was made against.
pub(crate) struct Planned {
    pub(crate) endpoint: Endpoint,
    pub(crate) zips: Zips,
    pub(crate) file: String,
    scenario: String,
}

impl Planned {
    pub(crate) async fn new(test: &str, scenario: &str) -> Self {
        let zips = Zips::new(test);
        let file = zips.folder.join("plan.json").to_str().unwrap().to_owned();
        let planned = Scenario::read(&format!("about: x\n{scenario}run: [plan, --out, {file}]\n"));
        let endpoint = planned.endpoint(&zips).await;
        let said = go(&endpoint, &planned, &zips).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.errors.contains(&format!("cargo xtask deploy --env prod --plan {file}")), "{said:?}");
        Self { endpoint, zips, file, scenario: scenario.to_owned() }
    }

    /// Deploys the plan, with the scenario as it is now.
    pub(crate) async fn deploy(&self) -> Said {
        let scenario =
            Scenario::read(&format!("about: x\n{}run: [deploy, --yes, --plan, {}]\n", self.scenario, self.file));
        go(&self.endpoint, &scenario, &self.zips).await
    }
}

async fn go(endpoint: &Endpoint, scenario: &Scenario, zips: &Zips) -> Said {
    let arguments = scenario.arguments(zips);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    run(endpoint, &arguments).await
}

#[tokio::test]
async fn what_was_planned_is_what_is_executed() {
    for (test, scenario) in [("plan-update", UPDATE), ("plan-create", CREATE)] {
        let planned = Planned::new(test, scenario).await;
        let before = planned.endpoint.actions().len();
        let said = planned.deploy().await;
        assert_eq!(said.code, Some(0), "{said:?}");
        let calls = planned.endpoint.actions();
        let calls = &calls[before..];
        let written = |call: &&String| call.starts_with("PUT ") && !call.ends_with("-old.zip");
        // The plan uploaded no code.
        assert!(!planned.endpoint.actions()[..before].iter().any(|call| call.starts_with("PUT ")));
        assert_eq!(calls.iter().filter(written).count(), if test == "plan-update" { 1 } else { 2 }, "{calls:?}");
        assert!(!calls.contains(&"CreateChangeSet".to_owned()), "{calls:?}");
        // Once it is deployed it is no plan any more.
        let again = planned.deploy().await;
        assert_eq!(again.code, Some(1));
        assert!(
            again.errors.contains("the stack's status: ") && again.errors.contains("the change set: "),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn plan_without_a_change_is_written_and_deployed_as_unchanged() {
    let planned = Planned::new("plan-unchanged", "before: { stack: CREATE_COMPLETE }\n").await;
    let text = fs::read_to_string(&planned.file).unwrap();
    assert!(text.contains("\"change_set\": null"), "{text}");
    let said = planned.deploy().await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.errors.contains("paypal-subscriptions-prod is as it should be: nothing to deploy"), "{said:?}");

    // A plan that would change something, with its change set taken away.
    let planned = Planned::new("plan-emptied", UPDATE).await;
    let mut plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(&planned.file).unwrap()).unwrap();
    plan["change_set"] = serde_json::Value::Null;
    fs::write(&planned.file, plan.to_string()).unwrap();
    refused(&planned.deploy().await, "the plan changes nothing, and the stack is not as it should be");
}

#[tokio::test]
async fn a_plan_for_a_new_stack_says_what_it_leaves_and_destroy_removes_it() {
    let planned = Planned::new("plan-review", CREATE).await;
    planned.endpoint.look(|cloud| assert_eq!(cloud.stack().unwrap().status, "REVIEW_IN_PROGRESS"));
    let said = run(&planned.endpoint, &["destroy", "--confirm", "paypal-subscriptions-prod"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    planned.endpoint.look(|cloud| assert!(cloud.stack().is_none()));
}

/// What is refused, and what of it is named.
pub(crate) fn refused(said: &Said, named: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains("error: the plan is no longer what would be deployed:\n"), "{said:?}");
    let lines: Vec<_> = said.errors.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(lines.iter().any(|line| line.contains(named)), "{named}: {said:?}");
    assert!(said.errors.ends_with("\n  help: review it anew: cargo xtask plan\n"), "{said:?}");
}

#[tokio::test]
async fn whatever_moved_is_named() {
    let mut planned = Planned::new("plan-moved", UPDATE).await;
    let template = planned.scenario.clone();
    planned.scenario = template.replace("wanted: queue-changed", "wanted: queue-renamed");
    refused(&planned.deploy().await, "the template's hash: ");
    planned.scenario = template;

    planned.zips.build("webhook-verify", "something else");
    refused(&planned.deploy().await, "the zip of webhook-verify: ");
    planned.zips.build("webhook-verify", "two");

    let text = fs::read_to_string(&planned.file).unwrap();
    for (field, from, to, named) in [
        ("tool", "\"0.0.0\"", "\"0.0.1\"", "the program's version: 0.0.1 when it was planned, 0.0.0 now"),
        ("account", "222222222222\",\n  \"region", "111111111111\",\n  \"region", "the account: 111111111111"),
        ("status", "\"CREATE_COMPLETE\"", "\"UPDATE_COMPLETE\"", "the stack's status: UPDATE_COMPLETE"),
        (
            "region",
            "\"region\": \"eu-west-1\"",
            "\"region\": \"eu-central-1\"",
            "the region: eu-central-1 when it was planned",
        ),
        ("stack", "\"paypal-subscriptions-prod\"", "\"other\"", "the stack's name: other"),
    ] {
        assert!(text.contains(from), "{field} is not in {text}");
        fs::write(&planned.file, text.replacen(from, to, 1)).unwrap();
        refused(&planned.deploy().await, named);
    }
    fs::write(&planned.file, &text).unwrap();

    // Somebody else deploys something.
    let other = Scenario::read("about: x\nwanted: queue-changed\nrun: [deploy, --yes]\n");
    assert_eq!(go(&planned.endpoint, &other, &planned.zips).await.code, Some(0));
    let said = planned.deploy().await;
    refused(&said, "the stack's last change: ");
    refused(&said, "the change set: it is gone");

    // Nothing of all this was executed.
    let executed = planned.endpoint.actions().iter().filter(|action| *action == "ExecuteChangeSet").count();
    assert_eq!(executed, 1);
}

#[tokio::test]
async fn what_is_no_plan_is_said_to_be_none() {
    let planned = Planned::new("plan-broken", UPDATE).await;
    for (text, wanted) in [
        ("", "is no plan: "),
        ("{\"version\":7}", "it is of version 7, and this program reads version 2"),
        ("[]", "is no plan: "),
    ] {
        fs::write(&planned.file, text).unwrap();
        let said = planned.deploy().await;
        assert_eq!(said.code, Some(1));
        assert!(said.errors.contains(wanted) && said.errors.contains("cargo xtask plan"), "{said:?}");
    }
}
