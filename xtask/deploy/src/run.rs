//! One run of a command that changes something: how it asks, follows, and leaves nothing behind.

use std::{cell::RefCell, process::ExitCode};

use crate::{
    Failure, Format,
    change_set::{discard, waiting},
    events::first_cause,
    failure::failure,
    follow::{Following, Outcome},
    stack::Stack,
    target::Target,
    terminal::{Interrupt, confirm, is_attended},
    token,
};

/// The exit code when a guard of the environment's blocks a deployment, as of `cargo xtask diff`.
const BLOCKED: u8 = 3;
/// The exit code of what Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a run ends before its time.
pub(crate) enum Stop {
    Failed(Failure),
    /// A guard of the environment's says no.
    Blocked(Failure),
    /// Somebody said no.
    Declined,
    /// Ctrl-C before anything was changed.
    Interrupted,
    /// Ctrl-C while CloudFormation goes on.
    Left,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A change set that is of no use once the run ends without executing it.
#[derive(Clone, Debug)]
pub(crate) struct Leftover {
    pub(crate) change_set: String,
    /// Whether the stack is there only because of it.
    pub(crate) new_stack: bool,
}

/// One run of a command.
pub(crate) struct Run<'a> {
    pub(crate) target: &'a Target,
    pub(crate) format: Format,
    /// Whether questions are answered with yes beforehand.
    yes: bool,
    interrupt: Interrupt,
    pub(crate) leftover: RefCell<Option<Leftover>>,
}

impl<'a> Run<'a> {
    /// # Errors
    /// When the system does not let one listen for Ctrl-C.
    pub(crate) fn new(target: &'a Target, format: Format, yes: bool) -> Result<Self, Failure> {
        Ok(Self { target, format, yes, interrupt: Interrupt::listen()?, leftover: RefCell::default() })
    }

    /// Whether somebody decides, now or by the plan that comes of it.
    pub(crate) fn asks(&self) -> bool {
        !self.yes
    }

    /// Does something that Ctrl-C ends at once.
    ///
    /// # Errors
    /// As the work, and when it was ended.
    pub(crate) async fn guarded<T>(&mut self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Stop> {
        tokio::select! {
            done = work => done.map_err(Stop::Failed),
            () = self.interrupt.asked() => Err(Stop::Interrupted),
        }
    }

    /// Goes on only when somebody agrees.
    ///
    /// # Errors
    /// When somebody does not, or nobody is there to be asked.
    pub(crate) async fn agree(&mut self, question: &str) -> Result<(), Stop> {
        if self.yes {
            return Ok(());
        }
        if !is_attended() {
            let message = format!("nobody is here to answer: {question}");
            return Err(Failure::new(message, "answer beforehand with --yes, or review a plan and deploy that").into());
        }
        let agreed = self.guarded(async { Ok(confirm(question).await) }).await?;
        if agreed { Ok(()) } else { Err(Stop::Declined) }
    }

    /// Follows an operation to its end.
    ///
    /// # Errors
    /// When AWS does not say how it goes, or whoever followed left.
    pub(crate) async fn follow(&mut self, following: Following) -> Result<Outcome, Stop> {
        following.follow(self.target, self.format, &mut self.interrupt).await?.ok_or(Stop::Left)
    }

    /// What went wrong first in an operation, and where more is said.
    pub(crate) fn failed(&self, outcome: &Outcome, what: &str) -> Failure {
        let help = format!("cargo xtask status --env {} shows where it stands", self.target.env);
        let Some(cause) = first_cause(&outcome.events) else {
            return Failure::new(format!("{what}: {}", outcome.stack.status), help);
        };
        let (resource, kind) = (&cause.resource, &cause.kind);
        Failure::new(format!("{what}\n  first cause: {resource} ({kind}), {}: {}", cause.status, cause.reason), help)
    }

    /// Ends the run: throws away what is of no use, and says why it ended, where nobody said it yet.
    ///
    /// # Errors
    /// As the run.
    pub(crate) async fn end(mut self, done: Result<ExitCode, Stop>) -> Result<ExitCode, Failure> {
        if let Err(Stop::Interrupted) = done {
            note!("\ninterrupted, before anything was deployed");
        }
        let mut interrupt = std::mem::replace(&mut self.interrupt, Interrupt::listen()?);
        tokio::select! {
            () = self.clean_up() => {}
            () = interrupt.asked() => {}
        }
        match done {
            Ok(code) => Ok(code),
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Blocked(failure)) => {
                note!("{failure}");
                Ok(ExitCode::from(BLOCKED))
            }
            Err(Stop::Declined) => {
                note!("nothing was deployed");
                Ok(ExitCode::FAILURE)
            }
            Err(Stop::Interrupted | Stop::Left) => Ok(ExitCode::from(INTERRUPTED)),
        }
    }

    /// Throws away what would be of no use. The run failed or ended already: what cannot be thrown away is said, no more.
    pub(crate) async fn clean_up(&self) {
        let Some(leftover) = self.leftover.take() else { return };
        if let Err(failure) = clean(self.target, &leftover).await {
            note!("the change set {} stays: {}", leftover.change_set, failure.message);
        }
    }
}

async fn clean(target: &Target, leftover: &Leftover) -> Result<(), Failure> {
    discard(target, &leftover.change_set).await?;
    if !leftover.new_stack {
        return Ok(());
    }
    // Somebody else may have made a change set for the same new stack meanwhile, or executed one.
    let Some(stack) = Stack::find(target, &target.stack).await? else { return Ok(()) };
    if !stack.is_in_review() || !waiting(target).await?.is_empty() {
        return Ok(());
    }
    let deleted = target.aws.cloudformation().delete_stack().stack_name(&stack.id).client_request_token(token());
    deleted.send().await.map_err(|error| failure(&error, "cannot delete the empty stack"))?;
    Ok(())
}
