//! What somebody at a terminal is asked, and what Ctrl-C does.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::Stdio,
};

use nix::{
    pty::openpty,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::Child,
    sync::{mpsc, oneshot},
};

use crate::{
    endpoint::{Endpoint, Gate},
    program::{command, within},
    scenarios::{Scenario, Zips},
};

/// The program at a terminal.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: mpsc::UnboundedReceiver<String>,
    shown: String,
}

impl Terminal {
    fn open(endpoint: &Endpoint, arguments: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        let slave = |end: &OwnedFd| Stdio::from(end.try_clone().unwrap());
        let mut command = command(endpoint, arguments);
        command.env("TERM", "xterm").stdin(slave(&pty.slave)).stderr(slave(&pty.slave)).stdout(slave(&pty.slave));
        let child = command.spawn().unwrap();
        drop((command, pty.slave));
        let (keyboard, mut master) = (File::from(pty.master.try_clone().unwrap()), File::from(pty.master));
        let (show, screen) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end: nobody holds the other side any more.
            while let Ok(read @ 1..) = master.read(&mut bytes) {
                let _shown = show.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
            }
        });
        Self { child, keyboard, screen, shown: String::new() }
    }

    /// Waits until this was shown after what was waited for before.
    async fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let more = within(&format!("{text:?} after {:?}", self.shown), self.screen.recv()).await;
            let Some(more) = more else { panic!("{text:?} was never shown: {}", self.shown) };
            self.shown += &more;
        }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    fn ctrl_c(&self) {
        interrupt(&self.child);
    }

    async fn ends(mut self) -> (Option<i32>, String) {
        let code = within("the end of the command", self.child.wait()).await.unwrap().code();
        while let Some(more) = within("the end of the screen", self.screen.recv()).await {
            self.shown += &more;
        }
        (code, self.shown)
    }
}

fn interrupt(child: &Child) {
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGINT).unwrap();
}

const UPDATE: &str = "about: x\nbefore: { stack: CREATE_COMPLETE, deployed: base }\nwanted: queue-changed\n";

async fn prepare(test: &str, yaml: &str) -> (Endpoint, Vec<String>) {
    let (scenario, zips) = (Scenario::read(yaml), Zips::new(test));
    (scenario.endpoint(&zips).await, scenario.arguments(&zips))
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Holds whoever calls at this call; told when it is there.
fn hold(endpoint: &Endpoint, call: usize) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
    let ((reached, here), (release, released)) = (oneshot::channel(), oneshot::channel());
    endpoint.stop_at(Gate { call, heard: true, reached, release: released });
    (here, release)
}

/// The number of an action's call among all calls, after `skip` others of it, in a run that nobody stops.
async fn call_of(test: &str, yaml: &str, action: &str, skip: usize) -> usize {
    let (endpoint, arguments) = prepare(test, yaml).await;
    let mut arguments = words(&arguments);
    arguments.push("--yes");
    assert!(command(&endpoint, &arguments).output().await.unwrap().status.success());
    let actions = endpoint.actions();
    let found = actions.iter().enumerate().filter(|(_, one)| *one == action).nth(skip);
    found.unwrap_or_else(|| panic!("{action} is not among {actions:?}")).0
}

#[tokio::test]
async fn yes_deploys_and_the_tree_is_drawn() {
    let (endpoint, arguments) = prepare("terminal-yes", &format!("{UPDATE}run: [deploy]\n")).await;
    let mut terminal = Terminal::open(&endpoint, &words(&arguments));
    terminal.until("deploy this? [y/N] ").await;
    terminal.types("y");
    terminal.until("under way").await;
    terminal.until("\x1b[J").await;
    terminal.until("done 1").await;
    let (code, rest) = terminal.ends().await;
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("deployed: 1 resources in 4.0 s"), "{rest}");
}

#[tokio::test]
async fn no_deploys_nothing_and_leaves_nothing() {
    let created = "about: x\nbefore: { bucket: true }\nrun: [deploy]\n".to_owned();
    for (test, yaml) in [("terminal-no", created), ("terminal-no-update", format!("{UPDATE}run: [deploy]\n"))] {
        let (endpoint, arguments) = prepare(test, &yaml).await;
        let mut terminal = Terminal::open(&endpoint, &words(&arguments));
        terminal.until("deploy this? [y/N] ").await;
        terminal.types("");
        let (code, rest) = terminal.ends().await;
        assert_eq!(code, Some(1), "{rest}");
        assert!(rest.contains("nothing was deployed"), "{rest}");
        assert!(!endpoint.actions().contains(&"ExecuteChangeSet".to_owned()));
        endpoint.look(|cloud| assert!(cloud.stack().is_none_or(|stack| stack.change_sets.is_empty())));
        endpoint.look(|cloud| assert!(cloud.stack().is_none_or(|stack| stack.status == "CREATE_COMPLETE")));
    }
}

#[tokio::test]
async fn ctrl_c_at_the_question_leaves_nothing() {
    let (endpoint, arguments) =
        prepare("terminal-interrupt", "about: x\nbefore: { bucket: true }\nrun: [deploy]\n").await;
    let mut terminal = Terminal::open(&endpoint, &words(&arguments));
    terminal.until("deploy this? [y/N] ").await;
    terminal.ctrl_c();
    let (code, rest) = terminal.ends().await;
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("interrupted, before anything was deployed"), "{rest}");
    endpoint.look(|cloud| assert!(cloud.stack().is_none()));
}

#[tokio::test]
async fn the_second_ctrl_c_asks_whether_to_cancel_the_update() {
    let yaml = format!("{UPDATE}run: [deploy]\n");
    // The first look after the execution.
    let call = call_of("terminal-cancel", &yaml, "DescribeStackEvents", 2).await;
    for (typed, code, cancelled) in [("n", 130, false), ("y", 1, true)] {
        let (endpoint, arguments) = prepare("terminal-cancel", &yaml).await;
        let (here, _release) = hold(&endpoint, call);
        // So patient that the second Ctrl-C surely comes in time.
        let mut terminal = Terminal::open(&endpoint, &[&words(&arguments)[..], &["--pace", "300"]].concat());
        terminal.until("deploy this? [y/N] ").await;
        terminal.types("y");
        within("the call that is held", here).await.unwrap();
        terminal.ctrl_c();
        terminal
            .until("CloudFormation goes on by itself. To follow it again:\r\n  cargo xtask status --env prod --follow")
            .await;
        terminal.until("Ctrl-C once more asks whether to cancel it.").await;
        terminal.ctrl_c();
        terminal.until("cancel the update and roll it back? [y/N] ").await;
        terminal.types(typed);
        let (ended, rest) = terminal.ends().await;
        assert_eq!(ended, Some(code), "{rest}");
        assert_eq!(endpoint.actions().contains(&"CancelUpdateStack".to_owned()), cancelled);
        assert_eq!(rest.contains("error: the deployment failed, and was undone"), cancelled, "{rest}");
    }
}

#[tokio::test]
async fn ctrl_c_without_a_terminal_leaves_at_once() {
    let yaml = format!("{UPDATE}run: [deploy]\n");
    let call = call_of("interrupt-follow", &yaml, "DescribeStackEvents", 2).await;
    let (endpoint, arguments) = prepare("interrupt-follow", &yaml).await;
    let (here, _release) = hold(&endpoint, call);
    let arguments = [&words(&arguments)[..], &["--yes"]].concat();
    let child = command(&endpoint, &arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    within("the call that is held", here).await.unwrap();
    interrupt(&child);
    let output = within("the end of the command", child.wait_with_output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.ends_with("To follow it again:\n  cargo xtask status --env prod --follow\n"), "{said}");
    // Which is what that command then does.
    let followed = command(&endpoint, &["status", "--follow"]).output().await.unwrap();
    assert!(followed.status.success(), "{followed:?}");
    endpoint.look(|cloud| assert_eq!(cloud.stack().unwrap().status, "UPDATE_COMPLETE"));
}

/// Whether CloudFormation has just heard of the change set, or was asked what is in it.
#[tokio::test]
async fn ctrl_c_leaves_no_change_set_of_a_question() {
    for (call, action) in [(2, "CreateChangeSet"), (3, "DescribeChangeSet")] {
        let (endpoint, arguments) = prepare("interrupt-foresee", &format!("{UPDATE}run: [foresee]\n")).await;
        let (here, _release) = hold(&endpoint, call);
        let mut command = command(&endpoint, &words(&arguments));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        within("the call that is held", here).await.unwrap();
        interrupt(&child);
        let output = within("the end of the command", child.wait_with_output()).await.unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        assert_eq!(endpoint.actions()[call..], [action, "DeleteChangeSet"]);
        endpoint.look(|cloud| assert!(cloud.stack().unwrap().change_sets.is_empty()));
    }
}

#[tokio::test]
async fn destroy_asks_for_the_name() {
    for (typed, code) in [("paypal-subscriptions-prod", 0), ("prod", 1)] {
        let (endpoint, arguments) =
            prepare("terminal-destroy", "about: x\nbefore: { stack: CREATE_COMPLETE }\nrun: [destroy]\n").await;
        let mut terminal = Terminal::open(&endpoint, &words(&arguments));
        terminal.until("type the stack's name to delete it: ").await;
        terminal.types(typed);
        let (ended, rest) = terminal.ends().await;
        assert_eq!(ended, Some(code), "{rest}");
        endpoint.look(|cloud| assert_eq!(cloud.stack().is_none(), code == 0));
    }
}
