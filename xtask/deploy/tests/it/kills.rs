//! A deployment that is killed leaves nothing that hinders the next one, wherever that happens.

use std::process::Stdio;

use tokio::sync::oneshot;

use crate::{
    endpoint::{Endpoint, Gate},
    program::{Said, command, run, said, within},
    scenarios::{Scenario, Zips},
};

/// More calls than any deployment here makes.
const MANY: usize = 200;

/// Runs a command until its call of this number, and leaves it waiting there.
async fn until(endpoint: &Endpoint, arguments: &[&str], call: usize, heard: bool) -> Stopped {
    let ((reached, here), (release, released)) = (oneshot::channel(), oneshot::channel());
    endpoint.stop_at(Gate { call, heard, reached, release: released });
    let mut command = command(endpoint, arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    within(&format!("call {call}"), here).await.unwrap();
    Stopped { child, release }
}

struct Stopped {
    child: tokio::process::Child,
    release: oneshot::Sender<()>,
}

impl Stopped {
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
        // Nobody listens any more.
        let _answered = self.release.send(());
    }

    async fn go_on(self) -> Said {
        self.release.send(()).unwrap();
        said(within("the end of what was held", self.child.wait_with_output()).await.unwrap())
    }
}

/// How many calls a command makes when nobody stops it.
async fn calls(scenario: &Scenario, zips: &Zips) -> usize {
    let endpoint = scenario.endpoint(zips).await;
    let arguments = scenario.arguments(zips);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let said = run(&endpoint, &arguments).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let calls = endpoint.actions().len();
    assert!(calls < MANY, "{calls} calls");
    calls
}

/// Whether the stack is as it should be, and nothing waits that nobody knows of.
fn whole(endpoint: &Endpoint, at: &str) {
    endpoint.look(|cloud| {
        let stack = cloud.stack().unwrap();
        assert!(["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&stack.status.as_str()), "{at}: {}", stack.status);
        assert!(stack.protected, "{at}: nobody protected it");
        assert!(stack.policy.as_ref().is_some_and(|policy| policy.contains("Deny")), "{at}: {:?}", stack.policy);
        assert!(stack.change_sets.is_empty(), "{at}: {:?}", stack.change_sets);
    });
}

const CREATE: &str = "about: x\nrun: [deploy, --yes, --termination-protection, --protect-stateful]\n";
const UPDATE: &str = "about: x\nbefore: { stack: CREATE_COMPLETE, deployed: base, old_zips: [PlansListCode], protected: true }\n\
                      wanted: queue-renamed\n\
                      run: [deploy, --yes, --termination-protection, --protect-stateful, --replace, ErrorsQueue]\n";

/// Kills after AWS heard each call, and before it heard the first. Before it heard another is after the one before.
async fn killed_everywhere(name: &str, yaml: &str) -> usize {
    let (scenario, zips) = (Scenario::read(yaml), Zips::new(name));
    let arguments = scenario.arguments(&zips);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let calls = calls(&scenario, &zips).await;
    for (call, heard) in std::iter::once((0, false)).chain((0..calls).map(|call| (call, true))) {
        let at = format!("{name}, call {call}, heard {heard}");
        let endpoint = scenario.endpoint(&zips).await;
        until(&endpoint, &arguments, call, heard).await.kill().await;
        let next = run(&endpoint, &arguments).await;
        assert_eq!(next.code, Some(0), "{at}: {next:?}");
        whole(&endpoint, &at);
    }
    calls + 1
}

#[tokio::test]
async fn a_first_deployment_killed_anywhere_is_completed_by_the_next() {
    assert!(killed_everywhere("killed-create", CREATE).await > 25);
}

#[tokio::test]
async fn an_update_killed_anywhere_is_completed_by_the_next() {
    assert!(killed_everywhere("killed-update", UPDATE).await > 25);
}

/// One waits at a call while another runs; then both have come to the same end.
async fn two_at_once(name: &str, yaml: &str) {
    let (scenario, zips) = (Scenario::read(yaml), Zips::new(name));
    let arguments = scenario.arguments(&zips);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for call in 0..calls(&scenario, &zips).await {
        let endpoint = scenario.endpoint(&zips).await;
        let first = until(&endpoint, &arguments, call, true).await;
        let second = run(&endpoint, &arguments).await;
        let first = first.go_on().await;
        for (which, said) in [("first", &first), ("second", &second)] {
            assert_eq!(said.code, Some(0), "{name}, call {call}, {which}: {said:?}");
            assert!(!said.errors.contains("AlreadyExists"), "{name}, call {call}, {which}: {said:?}");
        }
        whole(&endpoint, &format!("{name}, call {call}"));
    }
}

#[tokio::test]
async fn two_first_deployments_at_once_come_to_one_end() {
    two_at_once("two-creates", CREATE).await;
}

#[tokio::test]
async fn two_updates_at_once_come_to_one_end() {
    two_at_once("two-updates", UPDATE).await;
}
