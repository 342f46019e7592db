//! Shows that a command is alive: what it waits for is printed within a second, and then at least every ten.
//!
//! Every printed line counts. While a question waits for its answer, nothing is.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time until the first line.
const FIRST: Duration = Duration::from_millis(700);
/// The longest time without a line after that.
const LATER: Duration = Duration::from_secs(9);
/// Interval of checks for a line that is due.
const TICK: Duration = Duration::from_millis(150);

/// The call that is waited for, and the time of the last printed line.
struct State {
    printed: Option<Instant>,
    waits: Vec<Wait>,
    next: u64,
}

struct Wait {
    id: u64,
    what: String,
    since: Instant,
}

static STATE: Mutex<State> = Mutex::new(State { printed: None, waits: Vec::new(), next: 0 });

/// Changes the state. A panic elsewhere leaves it whole: each change is a single step.
fn with<T>(change: impl FnOnce(&mut State) -> T) -> T {
    change(&mut STATE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Something that is waited for, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(u64);

/// Names what is waited for from now on, such as `CloudFormation to create the change set`.
pub(crate) fn waiting_for(what: impl Into<String>) -> Waiting {
    with(|state| {
        let id = state.next;
        state.next += 1;
        state.waits.push(Wait { id, what: what.into(), since: Instant::now() });
        Waiting(id)
    })
}

impl Waiting {
    /// Says more exactly what is waited for.
    pub(crate) fn rename(&self, what: String) {
        with(|state| {
            if let Some(wait) = state.waits.iter_mut().find(|wait| wait.id == self.0) {
                wait.what = what;
            }
        });
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        with(|state| state.waits.retain(|wait| wait.id != self.0));
    }
}

/// Notes that something was printed.
pub(crate) fn printed() {
    with(|state| state.printed = Some(Instant::now()));
}

/// Starts to print what is waited for; must be called once, inside the runtime.
pub(crate) fn start() {
    let started = Instant::now();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            if let Some(line) = with(|state| state.due(started, Instant::now())) {
                note!("{line}");
            }
        }
    });
}

impl State {
    /// The line that is due, if one is.
    fn due(&self, started: Instant, now: Instant) -> Option<String> {
        // The first is what the command itself waits for; calls that it makes meanwhile come after it.
        let wait = self.waits.first()?;
        let (last, silence) = self.printed.map_or((started, FIRST), |printed| (printed, LATER));
        let is_due = now.saturating_duration_since(last) >= silence;
        let seconds = now.saturating_duration_since(wait.since).as_secs();
        is_due.then(|| format!("waiting for {}, {seconds} s", wait.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_due_within_a_second_and_then_every_ten_while_something_is_waited_for() {
        let started = Instant::now();
        let at = |seconds: f64| started + Duration::from_secs_f64(seconds);
        let wait = |what: &str, since| Wait { id: 0, what: what.to_owned(), since };
        let mut state = State { printed: None, waits: Vec::new(), next: 0 };
        assert_eq!(state.due(started, at(600.0)), None, "a question waits for its answer");
        state.waits = vec![wait("the change set", started), wait("DescribeChangeSet", at(0.5))];
        assert_eq!(state.due(started, at(0.5)), None);
        assert_eq!(state.due(started, at(0.9)).as_deref(), Some("waiting for the change set, 0 s"));
        state.printed = Some(at(1.0));
        assert_eq!(state.due(started, at(9.8)), None);
        assert_eq!(state.due(started, at(10.1)).as_deref(), Some("waiting for the change set, 10 s"));
    }

    proptest::proptest! {
        /// For any times of printing, no silence is longer than ten seconds, and the first not longer than one.
        #[test]
        fn silence_is_never_longer_than_promised(other in proptest::collection::vec(0..120_000_u64, 0..20)) {
            let started = Instant::now();
            let mut state = State { printed: None, waits: Vec::new(), next: 0 };
            state.waits.push(Wait { id: 0, what: "AWS".to_owned(), since: started });
            let tick = u64::try_from(TICK.as_millis()).unwrap();
            for millis in (0..120_000).step_by(TICK.as_millis().try_into().unwrap()) {
                let now = started + Duration::from_millis(millis);
                let printed_else = other.iter().any(|at| (millis..millis + tick).contains(at));
                if printed_else || state.due(started, now).is_some() {
                    state.printed = Some(now);
                }
                let (last, most) = state.printed.map_or((started, 1), |printed| (printed, 10));
                proptest::prop_assert!(now - last < Duration::from_secs(most));
            }
        }
    }
}
