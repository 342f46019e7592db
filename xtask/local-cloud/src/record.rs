//! What went through the cloud: the newest hops with their payloads, and how they follow from each other.
//!
//! A hop is one step of an event: a request, a message published or sent, an invocation. A journey is what follows from one
//! hop that came from outside, and has that hop's number. What caused a hop is known without any help of the functions:
//! each execution environment has an access key of its own and works on one event at a time, so a call that is signed with
//! the key belongs to the invocation.
//!
//! Recording must cost the cloud next to nothing: a lock, a push, and a copy. The newest
//! [`KEPT`] hops are kept, and of their payloads at most [`KEPT_BYTES`].

mod cause;
mod hop;
mod trace;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tokio::sync::watch;

pub(crate) use cause::Cause;
pub use hop::{Headers, Hop, Kind, Payload, RequestHead};
pub(crate) use trace::XRAY;
pub use trace::{Span, Trace};

/// So many hops are kept.
const KEPT: usize = 5_000;
/// So many bytes of payloads are kept.
const KEPT_BYTES: usize = 16 << 20;
/// So many hops are looked at at a time, when a journey is looked for.
const LOOKED_AT: usize = 64;
/// An edge that nobody travelled is not counted; so many are, at most.
const MOST_EDGES: usize = 1_000;

/// Tells what a payload is about, in the words of whoever runs the cloud.
pub type Subject = dyn Fn(&[u8]) -> Option<About> + Send + Sync;

/// What a payload is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct About {
    /// What people call it.
    pub title: String,
    /// Words by which what belongs together is known, such as an event's id.
    pub keys: Vec<String>,
}

/// How often an edge was travelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// How often at all.
    pub all: u64,
    /// How often with an error.
    pub errors: u64,
}

/// What happened since a reader last looked.
pub(crate) struct News {
    pub(crate) hops: Vec<Arc<Hop>>,
    /// Where to go on.
    pub(crate) next: u64,
    /// So many hops came and went meanwhile.
    pub(crate) missed: u64,
}

/// The record. Clones share it.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    last: AtomicU64,
    kept: Mutex<Kept>,
    /// Says how many hops there were, to those who follow.
    told: watch::Sender<u64>,
    subject: OnceLock<Box<Subject>>,
    ids: trace::Ids,
}

#[derive(Default)]
struct Kept {
    hops: VecDeque<Arc<Hop>>,
    /// How many hops are gone from the front.
    gone: u64,
    bytes: usize,
    /// Where each hop lies, counted from the first there ever was.
    places: HashMap<u64, u64>,
    /// The hop that said what a message belongs to.
    messages: HashMap<String, Told>,
    /// What each access key's environment works on.
    working: HashMap<String, Arc<Cause>>,
    /// By where edges begin and where they end.
    totals: BTreeMap<String, BTreeMap<String, Total>>,
    /// How many edges are counted.
    edges: usize,
    /// What journeys are about, as far as somebody asked.
    about: HashMap<u64, Option<About>>,
}

/// What is known of a message.
struct Told {
    /// The hop that said so.
    by: u64,
    journeys: Vec<u64>,
    span: Span,
}

impl Default for Recorder {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self(Arc::new(Inner {
            last: AtomicU64::new(0),
            kept: Mutex::default(),
            told: watch::channel(0).0,
            subject: OnceLock::new(),
            ids: trace::Ids::new(uuid::Uuid::new_v4().as_u128(), since),
        }))
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Recorder({} hops)", self.kept().hops.len())
    }
}

impl Recorder {
    /// Says once how to know what payloads are about.
    pub fn know(&self, subject: Box<Subject>) {
        let _once = self.0.subject.set(subject);
    }

    /// The number of the next hop.
    pub(crate) fn next(&self) -> u64 {
        self.0.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The span of the hop of this number, in a trace that begins with it.
    pub(crate) fn span(&self, number: u64) -> Span {
        Span { trace: self.0.ids.trace(number), id: self.0.ids.span(number), sampled: false }
    }

    /// Keeps a hop. Where it follows from several journeys at once, as what a function makes of a batch does, it stays with
    /// those that are about the same.
    pub fn keep(&self, mut hop: Hop) {
        if hop.journeys.len() > 1 && hop.kind != Kind::Invoked {
            hop.journeys = self.narrowed(&hop);
        }
        if hop.trace.span.trace == 0 {
            hop.trace.span = self.span(hop.number);
        }
        let mut kept = self.kept();
        kept.push(hop);
        let count = kept.gone + kept.hops.len() as u64;
        drop(kept);
        // Nobody is woken when nobody looks.
        self.0.told.send_replace(count);
    }

    /// Notes something outside of the cloud, in the newest journey that is about `key`; answers whether there is one.
    pub fn note(&self, key: &str, from: &str, to: &str, label: String) -> bool {
        let Some(journey) = self.journey_about(key) else { return false };
        let number = self.next();
        let begun = self.hop(journey).map(|hop| hop.trace.span);
        let cause = Cause { parent: begun, ..Cause::default() };
        let trace = cause.trace(self, number);
        self.keep(Hop { journeys: vec![journey], trace, ..Hop::new(number, Kind::Noted, from, to, label) });
        true
    }

    /// Counts something that is no hop.
    pub fn count(&self, from: &str, to: &str, failed: bool) {
        self.kept().count(from, to, failed);
    }

    /// What follows from messages that come from this node: it belongs to the journeys of all of them.
    pub(crate) fn cause_of<'a>(&self, from: String, message_ids: impl Iterator<Item = &'a str>) -> Cause {
        let kept = self.kept();
        let mut cause = Cause::new(from, Vec::new());
        for told in message_ids.filter_map(|id| kept.messages.get(id)) {
            cause.journeys.extend(&told.journeys);
            match cause.parent {
                None => cause.parent = Some(told.span),
                Some(_) => cause.links.push(told.span),
            }
        }
        cause.journeys.sort_unstable();
        cause.journeys.dedup();
        cause
    }

    /// Says what the environment with this access key works on.
    pub(crate) fn working(&self, access_key: &str, cause: Arc<Cause>) {
        let mut kept = self.kept();
        match kept.working.get_mut(access_key) {
            Some(known) => *known = cause,
            None => {
                kept.working.insert(access_key.to_owned(), cause);
            }
        }
    }

    /// Forgets an environment.
    pub(crate) fn ended(&self, access_key: &str) {
        self.kept().working.remove(access_key);
    }

    /// What a call with this access key follows from.
    pub(crate) fn caller(&self, access_key: &str) -> Arc<Cause> {
        self.kept().working.get(access_key).cloned().unwrap_or_default()
    }

    /// A hop that is still kept.
    #[must_use]
    pub fn hop(&self, number: u64) -> Option<Arc<Hop>> {
        self.kept().get(number)
    }

    /// Hops from a place on, at most so many of the newest.
    pub(crate) fn since(&self, place: u64, most: usize) -> News {
        let kept = self.kept();
        let end = kept.gone + kept.hops.len() as u64;
        let most = most as u64;
        let begin = place.max(kept.gone).max(end.saturating_sub(most));
        let skipped = usize::try_from(begin - kept.gone).unwrap_or(usize::MAX);
        let hops = kept.hops.iter().skip(skipped).cloned().collect();
        News { hops, next: end, missed: begin.saturating_sub(place) }
    }

    /// Hops from a place on, at most so many of the oldest, and none that is not kept any more.
    pub(crate) fn from(&self, place: u64, most: usize) -> News {
        let kept = self.kept();
        let begin = place.max(kept.gone);
        let skipped = usize::try_from(begin - kept.gone).unwrap_or(usize::MAX);
        let hops: Vec<_> = kept.hops.iter().skip(skipped).take(most).cloned().collect();
        News { next: begin + hops.len() as u64, missed: begin - place, hops }
    }

    /// Is told whenever there are more hops.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.0.told.subscribe()
    }

    /// How often each edge was travelled.
    pub(crate) fn totals(&self) -> Vec<(String, String, Total)> {
        let kept = self.kept();
        let edges = kept.totals.iter().flat_map(|(from, ends)| ends.iter().map(move |(to, total)| (from, to, total)));
        edges.map(|(from, to, total)| (from.clone(), to.clone(), *total)).collect()
    }

    /// What a journey is about, by the first of its payloads.
    pub(crate) fn about(&self, journey: u64) -> Option<About> {
        let subject = self.0.subject.get()?;
        let hop = {
            let kept = self.kept();
            if let Some(known) = kept.about.get(&journey) {
                return known.clone();
            }
            kept.get(journey)?
        };
        let about = subject(&hop.payload.bytes);
        let mut kept = self.kept();
        // It may have gone meanwhile, and nobody would forget what it was about.
        if kept.places.contains_key(&journey) {
            kept.about.insert(journey, about.clone());
        }
        about
    }

    /// The newest journey that is about `key`, which as a rule has just begun: a few hops are looked at at a time, from the
    /// newest on.
    fn journey_about(&self, key: &str) -> Option<u64> {
        let mut end = u64::MAX;
        loop {
            let roots: Vec<u64> = {
                let kept = self.kept();
                let left = usize::try_from(end.checked_sub(kept.gone)?).unwrap_or(usize::MAX).min(kept.hops.len());
                if left == 0 {
                    return None;
                }
                let begin = left.saturating_sub(LOOKED_AT);
                end = kept.gone + begin as u64;
                let looked_at = kept.hops.range(begin..left).rev();
                looked_at.filter(|hop| hop.begins()).map(|hop| hop.number).collect()
            };
            let about_it =
                |root: &u64| self.about(*root).is_some_and(|about| about.keys.iter().any(|each| each == key));
            if let Some(found) = roots.into_iter().find(about_it) {
                return Some(found);
            }
        }
    }

    fn narrowed(&self, hop: &Hop) -> Vec<u64> {
        let keys = self.0.subject.get().and_then(|subject| subject(&hop.payload.bytes)).unwrap_or_default().keys;
        let same =
            |journey: &&u64| self.about(**journey).is_some_and(|about| about.keys.iter().any(|key| keys.contains(key)));
        let narrowed: Vec<_> = hop.journeys.iter().filter(same).copied().collect();
        if narrowed.is_empty() { hop.journeys.clone() } else { narrowed }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, hop: Hop) {
        self.count(&hop.from, &hop.to, hop.error.is_some());
        self.bytes += hop.size();
        self.places.insert(hop.number, self.gone + self.hops.len() as u64);
        if let Some(id) = &hop.message_id {
            let told = Told { by: hop.number, journeys: hop.journeys.clone(), span: hop.trace.span };
            self.messages.insert(id.clone(), told);
        }
        self.hops.push_back(Arc::new(hop));
        while self.hops.len() > KEPT || (self.bytes > KEPT_BYTES && self.hops.len() > 1) {
            let Some(oldest) = self.hops.pop_front() else { break };
            self.gone += 1;
            self.bytes -= oldest.size();
            self.places.remove(&oldest.number);
            self.about.remove(&oldest.number);
            // A later hop may have said anew where the message belongs.
            let id = oldest.message_id.as_deref();
            if id.and_then(|id| self.messages.get(id)).is_some_and(|told| told.by == oldest.number) {
                self.messages.remove(id.unwrap_or_default());
            }
        }
    }

    fn count(&mut self, from: &str, to: &str, failed: bool) {
        // Every hop comes by here, so that an edge that is known must cost no new text.
        if self.totals.get(from).and_then(|ends| ends.get(to)).is_none() {
            if self.edges >= MOST_EDGES {
                return;
            }
            self.edges += 1;
            self.totals.entry(from.to_owned()).or_default().insert(to.to_owned(), Total::default());
        }
        let Some(total) = self.totals.get_mut(from).and_then(|ends| ends.get_mut(to)) else { return };
        total.all += 1;
        total.errors += u64::from(failed);
    }

    fn get(&self, number: u64) -> Option<Arc<Hop>> {
        let place = self.places.get(&number)?.checked_sub(self.gone)?;
        self.hops.get(usize::try_from(place).ok()?).cloned()
    }
}

#[cfg(test)]
mod tests;
