//! The state machine beside a model of it: a plain list of messages, where everything is looked for from the front to the
//! end. Whatever is done to both, in whatever order and at whatever time, both say the same.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use proptest::prelude::*;

use super::{Counts, Incoming, MessageParts, Receipt, State};
use crate::{
    clock::Moment,
    sqs::{Attributes, Sent},
};

const VISIBILITY: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(600);
const MOST_RECEIVES: u32 = 2;

/// What may be done.
#[derive(Clone, Debug)]
enum Step {
    /// In this group, under this deduplication id, delayed by so many seconds.
    Send {
        group: u8,
        id: u8,
        delay: u64,
    },
    /// At most so many, perhaps as the attempt of this id.
    Receive {
        max: usize,
        attempt: Option<u8>,
    },
    /// What the receipt of this number stands for.
    Delete(usize),
    /// It is hidden for so many seconds from now.
    Hide(usize, u64),
    /// So many seconds pass.
    Wait(u64),
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u8, 0..12_u8, prop_oneof![3 => Just(0), 1 => 0..40_u64])
            .prop_map(|(group, id, delay)| Step::Send { group, id, delay }),
        6 => (1..=10_usize, proptest::option::weighted(0.3, 0..3_u8))
            .prop_map(|(max, attempt)| Step::Receive { max, attempt }),
        4 => (0..40_usize).prop_map(Step::Delete),
        3 => (0..40_usize, 0..60_u64).prop_map(|(at, seconds)| Step::Hide(at, seconds)),
        4 => prop_oneof![8 => 1..40_u64, 1 => 250..700_u64].prop_map(Step::Wait),
        1 => Just(Step::Purge),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waiting,
    Delayed(Moment),
    InFlight(Moment, u64),
}

/// A message of the model.
#[derive(Clone, Debug)]
struct Lying {
    key: u64,
    group: u8,
    sent_at: Moment,
    receives: u32,
    place: Place,
}

#[derive(Default)]
struct Model {
    fifo: bool,
    now: Moment,
    messages: Vec<Lying>,
    last: u64,
    known: BTreeMap<u8, Moment>,
    attempts: BTreeMap<u8, (Moment, Vec<(u64, u64)>)>,
}

impl Model {
    /// What time alone does.
    fn settle(&mut self) {
        let now = self.now;
        self.messages.retain(|message| now < message.sent_at + RETENTION);
        for message in &mut self.messages {
            if matches!(message.place, Place::Delayed(until) | Place::InFlight(until, _) if until <= now) {
                message.place = Place::Waiting;
            }
        }
        self.known.retain(|_, at| now < *at + Duration::from_secs(300));
        self.attempts.retain(|_, (at, _)| now < *at + Duration::from_secs(300));
    }

    /// The keys that a receive may give out, those of a group in their order: none where one of the group is in flight, and
    /// none behind one that is delayed.
    fn lines(&self) -> Vec<Vec<u64>> {
        if !self.fifo {
            let waiting = self.messages.iter().filter(|message| message.place == Place::Waiting);
            return waiting.map(|message| vec![message.key]).collect();
        }
        let line = |group: u8| -> Vec<u64> {
            let all = || self.messages.iter().filter(move |message| message.group == group);
            if all().any(|message| matches!(message.place, Place::InFlight(..))) {
                return Vec::new();
            }
            all().take_while(|message| message.place == Place::Waiting).map(|message| message.key).collect()
        };
        (0..3).map(line).collect()
    }

    fn get(&mut self, key: u64) -> Option<&mut Lying> {
        self.messages.iter_mut().find(|message| message.key == key)
    }

    fn counts(&self) -> Counts {
        let count = |wanted: fn(&Place) -> bool| self.messages.iter().filter(|message| wanted(&message.place)).count();
        Counts {
            visible: count(|place| *place == Place::Waiting),
            in_flight: count(|place| matches!(place, Place::InFlight(..))),
            delayed: count(|place| matches!(place, Place::Delayed(_))),
        }
    }
}

fn attributes(fifo: bool) -> Attributes {
    let mut given = BTreeMap::from([
        ("MessageRetentionPeriod".to_owned(), RETENTION.as_secs().to_string()),
        (
            "RedrivePolicy".to_owned(),
            format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dead","maxReceiveCount":{MOST_RECEIVES}}}"#),
        ),
    ]);
    if fifo {
        given.insert("FifoQueue".to_owned(), "true".to_owned());
    }
    let name = if fifo { "q.fifo" } else { "q" };
    Attributes::read(name, &given).unwrap()
}

fn parts(group: Option<String>, deduplication: Option<String>, sent_at: Moment) -> MessageParts {
    MessageParts {
        sent: Sent {
            message_id: String::new(),
            md5_of_body: String::new(),
            md5_of_attributes: None,
            md5_of_system_attributes: None,
            sequence_number: None,
        },
        body: String::new(),
        attributes: BTreeMap::new(),
        group,
        deduplication,
        trace_header: None,
        sent_at,
        source: None,
    }
}

/// Does all steps to both, and compares after each.
fn agree(fifo: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut state = State::new(attributes(fifo), None);
    let mut model = Model { fifo, now: Duration::from_secs(1_000_000), ..Model::default() };
    let mut receipts: Vec<(u64, u64)> = Vec::new();
    for step in steps {
        let now = model.now;
        match step {
            Step::Send { group, id, delay } => {
                let name = fifo.then(|| format!("g{group}"));
                let known = fifo && state.repeat(&id.to_string(), name.as_deref(), now).is_some();
                prop_assert_eq!(known, fifo && model.known.contains_key(id), "whether {} is a repeat", id);
                if !known {
                    let delay = Duration::from_secs(*delay);
                    let message = parts(name, fifo.then(|| id.to_string()), now);
                    state.put(Incoming { message, delay }, now);
                    model.last += 1;
                    model.known.insert(*id, now);
                    let place = if delay.is_zero() { Place::Waiting } else { Place::Delayed(now + delay) };
                    let key = model.last;
                    model.messages.push(Lying { key, group: *group, sent_at: now, receives: 0, place });
                }
            }
            Step::Receive { max, attempt } => {
                let attempt = attempt.filter(|_| fifo);
                let again = attempt.map(|id| state.take_again(&id.to_string(), VISIBILITY, now)).unwrap_or_default();
                let given = attempt.and_then(|id| model.attempts.get(&id).cloned()).map(|(_, given)| given);
                let mut expected = given.unwrap_or_default();
                expected.retain(|(key, receipt)| {
                    let place = model.get(*key).map(|message| message.place);
                    matches!(place, Some(Place::InFlight(_, current)) if current == *receipt)
                });
                let got: Vec<_> = again.iter().map(|(_, key, receipt)| (*key, *receipt)).collect();
                prop_assert_eq!(&got, &expected, "what attempt {:?} gives again", attempt);
                let taken = if again.is_empty() { receive(&mut state, &mut model, *max)? } else { again };
                for (_, key, receipt) in &taken {
                    if let Some(message) = model.get(*key) {
                        message.place = Place::InFlight(now + VISIBILITY, *receipt);
                    }
                    receipts.push((*key, *receipt));
                }
                if let Some(id) = attempt.filter(|_| !taken.is_empty()) {
                    state.remember(&id.to_string(), &taken, now);
                    let given = taken.iter().map(|(_, key, receipt)| (*key, *receipt)).collect();
                    model.attempts.insert(id, (now, given));
                }
            }
            Step::Delete(at) => {
                let Some((key, receipt)) = receipts.get(*at).copied() else { continue };
                let standing = state.receipt(key, receipt, now);
                let place = model.get(key).map(|message| message.place);
                let expected = match place {
                    None => Receipt::Gone,
                    Some(Place::InFlight(_, current)) if current == receipt => Receipt::Current,
                    Some(_) => Receipt::Expired,
                };
                prop_assert_eq!(standing, expected, "what receipt {} of {} stands for", receipt, key);
                // A FIFO queue refuses a handle whose time is over; a standard one deletes what nobody has received since.
                let again = matches!(place, Some(Place::InFlight(_, current)) if current != receipt);
                if !(fifo && standing == Receipt::Expired) {
                    state.delete(key, receipt);
                    model.messages.retain(|message| message.key != key || again);
                }
            }
            Step::Hide(at, seconds) => {
                let Some((key, receipt)) = receipts.get(*at).copied() else { continue };
                if state.receipt(key, receipt, now) == Receipt::Current {
                    let until = now + Duration::from_secs(*seconds);
                    state.retime(key, until, now);
                    if let Some(message) = model.get(key) {
                        message.place = if until <= now { Place::Waiting } else { Place::InFlight(until, receipt) };
                    }
                }
            }
            Step::Wait(seconds) => {
                model.now += Duration::from_secs(*seconds);
                model.settle();
            }
            Step::Purge => {
                state.purge();
                model.messages.clear();
                model.attempts.clear();
            }
        }
        prop_assert_eq!(state.counts(model.now), model.counts(), "after {:?}", step);
        let lying = model.messages.iter().filter(|message| !matches!(message.place, Place::Delayed(_)));
        prop_assert_eq!(state.oldest(model.now), lying.map(|message| message.sent_at).min(), "the oldest");
    }
    Ok(())
}

/// Receives from both. Which group or which message of a standard queue comes first is the queue's own affair.
fn receive(state: &mut State, model: &mut Model, max: usize) -> Result<Vec<(super::Message, u64, u64)>, TestCaseError> {
    let lines = model.lines();
    let before = model.messages.clone();
    let (taken, given_up) = state.take(max, VISIBILITY, model.now);
    let receives = |key: u64| before.iter().find(|message| message.key == key).map_or(0, |message| message.receives);
    prop_assert!(taken.len() <= max);
    for (message, key, _) in &taken {
        prop_assert!(receives(*key) < MOST_RECEIVES, "{} was received too often", key);
        prop_assert_eq!(message.receives, receives(*key) + 1);
        if let Some(known) = model.get(*key) {
            known.receives += 1;
        }
    }
    // What is given up is gone from here; it is known by nothing but that it is missing.
    let there: HashSet<u64> = state.messages.keys().copied().collect();
    let gone: Vec<u64> = before.iter().map(|message| message.key).filter(|key| !there.contains(key)).collect();
    prop_assert_eq!(gone.len(), given_up.len());
    prop_assert!(gone.iter().all(|key| receives(*key) >= MOST_RECEIVES), "{:?} were given up too early", gone);
    model.messages.retain(|message| there.contains(&message.key));
    let left: HashSet<u64> = taken.iter().map(|(_, key, _)| *key).chain(gone.iter().copied()).collect();
    for line in &lines {
        let of_line = line.iter().take_while(|key| left.contains(key)).count();
        prop_assert_eq!(of_line, line.iter().filter(|key| left.contains(key)).count(), "{:?} left out of order", line);
        let order: Vec<u64> = taken.iter().map(|(_, key, _)| *key).filter(|key| line.contains(key)).collect();
        prop_assert!(order.is_sorted(), "{:?} came out of order", order);
    }
    let could: usize = lines.iter().map(Vec::len).sum();
    prop_assert!(
        left.iter().all(|key| lines.iter().any(|line| line.contains(key))),
        "what was not to be had was given"
    );
    prop_assert!(taken.len() == max || left.len() == could, "{} of {} were left waiting", could - left.len(), could);
    Ok(taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_standard_queue_does_as_the_model(steps in proptest::collection::vec(step(), 1..80)) {
        agree(false, &steps)?;
    }

    #[test]
    fn a_fifo_queue_does_as_the_model(steps in proptest::collection::vec(step(), 1..80)) {
        agree(true, &steps)?;
    }
}

/// A queue that delays everything would never give out the first message of a group that always gets another.
#[test]
fn a_message_that_is_delayed_holds_up_those_behind_it_and_not_those_before() {
    let mut state = State::new(attributes(true), None);
    let (now, second) = (Duration::from_secs(1_000_000), Duration::from_secs(1));
    for (at, id) in [(now, "1"), (now + second * 9, "2")] {
        let message = parts(Some("g".to_owned()), Some(id.to_owned()), at);
        state.put(Incoming { message, delay: second * 10 }, at);
    }
    let mut keys = |at: Moment| {
        let (taken, _) = state.take(10, VISIBILITY, at);
        let keys: Vec<u64> = taken.iter().map(|(_, key, _)| *key).collect();
        taken.iter().for_each(|(_, key, receipt)| state.delete(*key, *receipt));
        keys
    };
    assert!(keys(now + second * 9).is_empty());
    assert_eq!(keys(now + second * 10), [1]);
    assert_eq!(keys(now + second * 19), [2]);
}
