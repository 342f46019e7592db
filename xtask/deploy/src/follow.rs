//! Following an operation to its end, whoever began it.

use std::time::Duration;

use crate::{
    Failure, Format,
    events::{Event, Reader},
    failure::failure,
    heartbeat,
    stack::Stack,
    states::{Operation, Step, next, under_way},
    target::Target,
    terminal::{Interrupt, confirm, is_attended},
    token,
    view::View,
};

/// Looks that a status may lag behind what was asked for, before it is believed.
const STALE_LOOKS: u32 = 20;

/// An operation that is over.
pub(crate) struct Outcome {
    pub(crate) stack: Stack,
    /// All that happened, oldest first.
    pub(crate) events: Vec<Event>,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// How many resources it touched.
    pub(crate) resources: usize,
}

/// An operation that is followed.
pub(crate) struct Following {
    pub(crate) stack_id: String,
    pub(crate) reader: Reader,
    /// What was read already.
    pub(crate) events: Vec<Event>,
}

impl Following {
    /// Follows to the end; nothing when whoever followed left with Ctrl-C.
    ///
    /// # Errors
    /// When AWS does not say how it goes; CloudFormation goes on all the same.
    pub(crate) async fn follow(
        mut self,
        target: &Target,
        format: Format,
        interrupt: &mut Interrupt,
    ) -> Result<Option<Outcome>, Failure> {
        let mut view = View::new(&target.stack, format);
        view.take(&self.events)?;
        let mut asked_before = false;
        loop {
            let over = tokio::select! {
                over = self.look(target, &mut view) => Some(over),
                () = interrupt.asked() => None,
            };
            match over {
                Some(over) => {
                    let stack = over.map_err(|failure| still_going(failure, target))?;
                    let (seconds, resources) = view.summary();
                    return Ok(Some(Outcome { stack, events: self.events, seconds, resources }));
                }
                None if asked_before => {}
                None => {
                    if leave(target, &self.stack_id, interrupt).await? {
                        return Ok(None);
                    }
                    asked_before = true;
                }
            }
        }
    }

    /// Looks until the operation is over. Nothing that was read is lost when it is dropped in between.
    async fn look(&mut self, target: &Target, view: &mut View) -> Result<Stack, Failure> {
        let pace = target.aws.pace;
        let (mut wait, mut stale) = (pace.first, 0);
        let waiting = heartbeat::waiting_for(view.under_way());
        loop {
            // The events first: when the last of them is there, the state is what it tells.
            let events = self.reader.read(target).await?;
            view.take(&events)?;
            waiting.rename(view.under_way());
            let news = !events.is_empty();
            self.events.extend(events);
            let stack = Stack::find(target, &self.stack_id).await?;
            let stack = stack.ok_or_else(|| {
                Failure::new(
                    "the stack is gone",
                    format!("look for it: aws cloudformation describe-stacks --stack-name {}", self.stack_id),
                )
            })?;
            if !under_way(&stack.status) && (self.is_told(&stack) || stale >= STALE_LOOKS) {
                return Ok(stack);
            }
            stale += u32::from(!under_way(&stack.status));
            wait = if news { pace.first } else { (wait * 3 / 2).min(pace.longest_look()) };
            pause(wait, view).await;
        }
    }

    /// Whether the events tell of the state that the stack is said to be in: it may be one from before, which CloudFormation
    /// says for a while after something was asked for.
    fn is_told(&self, stack: &Stack) -> bool {
        let last = self.events.iter().rev().find(|event| event.of_stack);
        last.is_some_and(|event| event.status == stack.status.as_str())
    }
}

/// Waits, with the durations on the terminal going on.
async fn pause(wait: Duration, view: &mut View) {
    let mut left = wait;
    while view.is_live() && left > Duration::from_secs(1) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        left -= Duration::from_secs(1);
        view.redraw();
    }
    tokio::time::sleep(left).await;
}

/// How to follow again what goes on by itself.
pub(crate) fn how_to_follow(target: &Target) -> String {
    format!("cargo xtask status --env {} --follow", target.env)
}

fn still_going(failure: Failure, target: &Target) -> Failure {
    let help =
        format!("{}; CloudFormation goes on by itself, follow it with `{}`", failure.help, how_to_follow(target));
    Failure { help, ..failure }
}

/// After Ctrl-C: says how to follow again; a second one asks whether to cancel. Answers whether to leave.
async fn leave(target: &Target, stack_id: &str, interrupt: &mut Interrupt) -> Result<bool, Failure> {
    note!("CloudFormation goes on by itself. To follow it again:\n  {}", how_to_follow(target));
    if !is_attended() {
        return Ok(true);
    }
    note!("Ctrl-C once more asks whether to cancel it.");
    tokio::select! {
        () = tokio::time::sleep(target.aws.pace.longest_look()) => return Ok(true),
        () = interrupt.asked() => {}
    }
    let status = Stack::find(target, stack_id).await?.map(|stack| stack.status);
    match next(status.as_ref()) {
        Step::Follow(Operation::Update) => {
            if confirm("\ncancel the update and roll it back?").await {
                cancel_update(target, stack_id).await?;
                return Ok(false);
            }
        }
        Step::Follow(Operation::Create) => note!(
            "\na creation cannot be cancelled; it can be deleted, now or later:\n  cargo xtask destroy --env {}",
            target.env
        ),
        Step::Follow(operation) => note!("\na stack that is being {} cannot be stopped", operation.done()),
        _ => note!("\nit is over"),
    }
    Ok(true)
}

async fn cancel_update(target: &Target, stack_id: &str) -> Result<(), Failure> {
    let cloudformation = target.aws.cloudformation();
    let asked = cloudformation.cancel_update_stack().stack_name(stack_id).client_request_token(token());
    asked.send().await.map_err(|error| failure(&error, "cannot cancel the update"))?;
    note!("the update is being cancelled");
    Ok(())
}
