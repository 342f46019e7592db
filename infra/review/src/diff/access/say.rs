//! Permissions in sentences: what is alike is said once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compare::{Delta, Grant},
    judge::{Judge, Marks},
    policies::{Side, Subject},
};
use crate::diff::words;

/// How many names a sentence holds before it counts the rest.
const MOST_NAMES: usize = 3;
/// How many columns conditions may take in a sentence.
const WIDEST_CONDITION: usize = 60;

/// What happens to a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Way {
    /// It is there newly.
    Newly,
    /// A denial is gone.
    Unbarred,
    /// It is there no longer.
    Gone,
    /// It is denied newly.
    Barred,
}

/// One sentence about permissions.
pub(super) struct Said {
    pub(super) way: Way,
    pub(super) marks: Marks,
    pub(super) side: Side,
    who: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<String>,
    change: Change,
    /// What was allowed of the same services before a permission with a wildcard.
    before: Before,
    /// All that a new role may do, part by part.
    parts: Vec<Part>,
    /// The things that the policies are about.
    pub(super) about: Vec<Subject>,
    details: Vec<String>,
}

/// Some of what a new role may do.
#[derive(Clone)]
struct Part {
    sensitive: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<String>,
}

/// Actions that were allowed, by the resources on which they were.
type Before = BTreeMap<String, BTreeSet<String>>;

/// Whether there was, or is, the same permission under other conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Change {
    /// There was none.
    Whole,
    /// Under conditions that let in less, or more.
    Conditions,
    /// Under conditions that neither let in more nor less as a whole.
    OtherConditions,
}

/// What one permission is told by; what is alike but for the last three is said in one sentence.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    way: Way,
    marks: Marks,
    side: Side,
    change: Change,
    conditions: Vec<String>,
    subject: Subject,
    who: String,
    resource: String,
}

/// Everything that is to be said.
#[derive(Default)]
pub(super) struct Sayings {
    actions: BTreeMap<Key, Vec<String>>,
    details: BTreeMap<Key, Vec<String>>,
    before: BTreeMap<Key, Before>,
}

impl Sayings {
    /// What a difference says about a thing.
    pub(super) fn add(&mut self, judge: &Judge<'_, '_>, subject: &Subject, delta: Delta) {
        let Delta { newly, gone, barred, unbarred, before, after } = delta;
        for grant in &newly {
            let marks = judge.marks(subject, grant);
            if !judge.is_news(subject, grant, marks) {
                continue;
            }
            let earlier: Vec<&Grant> = before.iter().filter(|one| is_same(one, grant)).collect();
            let lost = gone.iter().any(|one| is_same(one, grant));
            let mut details: Vec<String> =
                earlier.iter().map(|one| format!("before: {}", where_words(&one.conditions, usize::MAX))).collect();
            let key = key(Way::Newly, marks, subject, grant, change(!earlier.is_empty(), lost));
            if earlier.is_empty() && subject.side == Side::Identity && is_wide(grant) {
                let known =
                    before.iter().filter(|one| one.who.shown() == grant.who.shown() && is_of_service(one, grant));
                let allowed = self.before.entry(key.clone()).or_default();
                for one in known {
                    let resource = resource_words(&one.resource.shown());
                    allowed.entry(resource).or_default().insert(action_words(&one.action.shown()));
                }
            } else if earlier.is_empty() {
                let part = before.iter().filter(|one| is_part(one, grant)).map(|one| action_words(&one.action.shown()));
                let part: Vec<String> = part.collect();
                if !part.is_empty() {
                    details.push(format!("before: {}", part.join(", ")));
                }
            }
            self.put(key, grant, details);
        }
        for grant in &gone {
            let later: Vec<&Grant> = after.iter().filter(|one| is_same(one, grant)).collect();
            // Said already, as the permission under other conditions.
            if newly.iter().any(|one| is_same(one, grant)) {
                continue;
            }
            let kept = after.iter().filter(|one| is_part(one, grant)).map(|one| action_words(&one.action.shown()));
            let kept: Vec<String> = kept.collect();
            let mut details: Vec<String> =
                later.iter().map(|one| format!("now: {}", where_words(&one.conditions, usize::MAX))).collect();
            if later.is_empty() && !kept.is_empty() {
                details.push(format!("still: {}", kept.join(", ")));
            }
            self.put(
                key(Way::Gone, Marks::default(), subject, grant, change(!later.is_empty(), false)),
                grant,
                details,
            );
        }
        for (way, grants) in [(Way::Barred, &barred), (Way::Unbarred, &unbarred)] {
            // A new thing's own denials are no news.
            for grant in grants.iter().filter(|_| way == Way::Unbarred || !judge.is_new(&subject.name)) {
                let transport = judge.marks(subject, grant).transport;
                let marks = Marks { transport, ..Marks::default() };
                self.put(key(way, marks, subject, grant, Change::Whole), grant, Vec::new());
            }
        }
    }

    fn put(&mut self, key: Key, grant: &Grant, details: Vec<String>) {
        let known = self.details.entry(key.clone()).or_default();
        known.extend(details.into_iter().filter(|detail| !known.contains(detail)).collect::<Vec<_>>());
        let actions = self.actions.entry(key).or_default();
        let action = action_words(&grant.action.shown());
        if !actions.contains(&action) {
            actions.push(action);
        }
    }

    /// The sentences. First things with the same actions are joined, then those who have the same on the same things; all
    /// that a new role may do is one sentence.
    pub(super) fn said(self) -> Vec<Said> {
        let mut by_role: Vec<Said> = Vec::new();
        let mut joined: Vec<Said> = Vec::new();
        for (key, actions) in self.actions {
            let details = self.details.get(&key).cloned().unwrap_or_default();
            let before = self.before.get(&key).cloned().unwrap_or_default();
            let said = Said { before, ..Said::of(&key, actions, details) };
            if said.marks.new_role && said.way == Way::Newly {
                match by_role.iter_mut().find(|one| one.who == said.who) {
                    Some(one) => one.take_in(said),
                    None => by_role.push(Said { parts: vec![said.part()], ..said }),
                }
                continue;
            }
            match joined.iter_mut().find(|one| one.differs_in_resources(&said)) {
                Some(one) => one.join_resources(said),
                None => joined.push(said),
            }
        }
        let mut all: Vec<Said> = Vec::new();
        for said in joined {
            match all.iter_mut().find(|one| one.differs_in_who(&said)) {
                Some(one) => one.join_who(said),
                None => all.push(said),
            }
        }
        all.extend(by_role);
        all
    }
}

fn change(is_there: bool, both: bool) -> Change {
    match (is_there, both) {
        (true, true) => Change::OtherConditions,
        (true, false) => Change::Conditions,
        (false, _) => Change::Whole,
    }
}

fn key(way: Way, marks: Marks, subject: &Subject, grant: &Grant, change: Change) -> Key {
    Key {
        way,
        marks,
        side: subject.side,
        change,
        conditions: grant.conditions.clone(),
        subject: subject.clone(),
        who: grant.who.shown(),
        resource: grant.resource.shown(),
    }
}

/// Whether it is the same permission but for its conditions.
fn is_same(one: &Grant, other: &Grant) -> bool {
    one.area.who == other.area.who
        && one.area.actions == other.area.actions
        && one.area.resources == other.area.resources
}

/// Whether an action or the resource is open at its end.
fn is_wide(grant: &Grant) -> bool {
    grant.action.shown().contains('*') || grant.resource.shown() == "*"
}

/// Whether it is about a service that the other is about.
fn is_of_service(one: &Grant, other: &Grant) -> bool {
    let (one, other) = (one.action.shown(), other.action.shown());
    let service = |action: &str| action.split_once(':').map(|(service, _)| service.to_ascii_lowercase());
    other == "*" || service(&one).is_some_and(|of| service(&other) == Some(of))
}

/// Whether it is a part of the other by its action alone.
fn is_part(one: &Grant, of: &Grant) -> bool {
    one.area.who == of.area.who
        && one.area.resources == of.area.resources
        && one.area.when == of.area.when
        && !one.area.reaches_beyond(&[&of.area])
}

impl Said {
    fn of(key: &Key, actions: Vec<String>, details: Vec<String>) -> Self {
        let about = vec![key.subject.clone()];
        Self {
            way: key.way,
            marks: key.marks,
            side: key.side,
            who: vec![key.who.clone()],
            actions,
            resources: vec![resource_words(&key.resource)],
            conditions: key.conditions.clone(),
            change: key.change,
            before: Before::default(),
            parts: Vec::new(),
            about,
            details,
        }
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.way == other.way
            && self.marks == other.marks
            && self.side == other.side
            && self.change == other.change
            && self.conditions == other.conditions
            && self.details == other.details
            && self.before == other.before
    }

    fn differs_in_resources(&self, other: &Self) -> bool {
        self.is_alike(other) && self.who == other.who && self.actions == other.actions
    }

    fn join_resources(&mut self, other: Self) {
        add_new(&mut self.resources, other.resources);
        add_new(&mut self.about, other.about);
    }

    fn differs_in_who(&self, other: &Self) -> bool {
        self.is_alike(other) && self.resources == other.resources && self.actions == other.actions
    }

    fn join_who(&mut self, other: Self) {
        add_new(&mut self.who, other.who);
        add_new(&mut self.about, other.about);
    }

    /// More that the same new role may do; what is sensitive stands first.
    fn take_in(&mut self, other: Self) {
        self.parts.push(other.part());
        self.parts.sort_by_key(|part| !part.sensitive);
        self.marks.widens |= other.marks.widens;
        self.marks.sensitive |= other.marks.sensitive;
        add_new(&mut self.actions, other.actions);
        add_new(&mut self.resources, other.resources);
        add_new(&mut self.about, other.about);
    }

    fn part(&self) -> Part {
        let Self { marks, actions, resources, conditions, .. } = self;
        let (actions, resources, conditions) = (actions.clone(), resources.clone(), conditions.clone());
        Part { sensitive: marks.sensitive, actions, resources, conditions }
    }

    /// What is not in the sentence. Conditions are told of all that a new role may do, or of nothing where there is none.
    pub(super) fn details(&self) -> Vec<String> {
        let are_there = self.parts.iter().any(|part| !part.conditions.is_empty());
        let parts = self.parts.iter().map(|part| {
            let conditions =
                if are_there { format!(", {}", where_words(&part.conditions, usize::MAX)) } else { String::new() };
            format!("{} on {}{conditions}", part.actions.join(", "), part.resources.join(", "))
        });
        self.details.iter().cloned().chain(self.lines_until_now()).chain(parts).collect()
    }

    /// What a new role may do: what is sensitive by name, and how much more.
    fn of_new_role(&self) -> String {
        let (sensitive, more): (Vec<&Part>, Vec<&Part>) = self.parts.iter().partition(|part| part.sensitive);
        if sensitive.is_empty() {
            return format!("{} on {}", listed(&self.actions), listed(&self.resources));
        }
        let words = |part: &&Part| format!("{} on {}", listed(&part.actions), listed(&part.resources));
        let mut said: Vec<String> = sensitive.iter().map(words).collect();
        let count: usize = more.iter().map(|part| part.actions.len()).sum();
        match more.as_slice() {
            [] => {}
            [one] if count == 1 => said.push(words(one)),
            _ => said.push(format!("{count} more {}", if count == 1 { "action" } else { "actions" })),
        }
        words::listed(&said)
    }

    /// Who it is about, with the functions that have the role.
    fn who(&self, users: &[String]) -> String {
        let who = listed(&self.who);
        match (self.marks.new_role && self.way == Way::Newly, users) {
            (true, []) => format!("{who}, a new role,"),
            (true, users) => format!("{who}, a new role of {},", listed(users)),
            (false, []) => who,
            (false, users) => format!("{who}, used by {},", listed(users)),
        }
    }

    /// The sentence. `users` are functions that have the role that it is about.
    pub(super) fn sentence(&self, users: &[String]) -> String {
        let who = self.who(users);
        let be = if self.who.len() == 1 { "is" } else { "are" };
        let (actions, resources) = (listed(&self.actions), listed(&self.resources));
        if self.marks.transport && matches!(self.way, Way::Unbarred | Way::Barred) {
            return match self.way {
                Way::Barred => format!("{resources}: {actions} is refused without TLS from now on"),
                _ => format!("{resources}: {actions} is allowed without TLS again"),
            };
        }
        if self.way == Way::Newly && self.marks.new_role {
            return format!("{who} {be} allowed {}", self.of_new_role());
        }
        let (verb, tail) = match (self.way, self.change) {
            (Way::Newly, Change::Whole) => ("newly allowed", self.tail()),
            (Way::Newly, Change::Conditions) if self.conditions.is_empty() => {
                ("allowed", ", now without a condition".to_owned())
            }
            (Way::Newly, Change::Conditions) => ("allowed", ", now under wider conditions".to_owned()),
            (Way::Newly | Way::Gone, Change::OtherConditions) => ("allowed", ", now under other conditions".to_owned()),
            (Way::Gone, Change::Whole) => ("no longer allowed", self.tail()),
            (Way::Gone, Change::Conditions) => ("allowed", ", now under narrower conditions".to_owned()),
            (Way::Unbarred, _) => ("no longer denied", self.tail()),
            (Way::Barred, _) => ("newly denied", self.tail()),
        };
        if self.side == Side::Trust && self.actions.iter().all(|action| action.starts_with("sts:")) {
            return format!("{who} {be} {verb} to become {resources}{tail}");
        }
        format!("{who} {be} {verb} {actions} on {resources}{tail}{}", self.until_now())
    }

    /// What was allowed before, in few words.
    fn until_now(&self) -> String {
        let actions: BTreeSet<&String> = self.before.values().flatten().collect();
        let resources = listed(&Vec::from_iter(self.before.keys().cloned()));
        match Vec::from_iter(actions).as_slice() {
            [] => String::new(),
            [one] => format!("; until now: {one} on {resources}"),
            several => format!("; until now: {} actions on {resources}", several.len()),
        }
    }

    /// What was allowed before, a line for each resource; nothing where the sentence has it all.
    fn lines_until_now(&self) -> Vec<String> {
        let actions: BTreeSet<&String> = self.before.values().flatten().collect();
        let lines = self.before.iter().map(|(resource, actions)| {
            format!("until now: {} on {resource}", Vec::from_iter(actions.iter().cloned()).join(", "))
        });
        if actions.len() > 1 { lines.collect() } else { Vec::new() }
    }

    fn tail(&self) -> String {
        if self.conditions.is_empty() {
            return String::new();
        }
        format!(", {}", where_words(&self.conditions, WIDEST_CONDITION))
    }
}

fn add_new<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    more.into_iter().for_each(|one| {
        if !list.contains(&one) {
            list.push(one);
        }
    });
}

/// Names with commas and an `and`; what is too much is counted.
fn listed(names: &[String]) -> String {
    let (shown, more) = if names.len() > MOST_NAMES + 1 {
        (names.get(..MOST_NAMES).unwrap_or(names), format!("{} more", names.len() - MOST_NAMES))
    } else {
        (names, String::new())
    };
    let mut shown: Vec<String> = shown.to_vec();
    if !more.is_empty() {
        shown.push(more);
    }
    words::listed(&shown)
}

/// Conditions in words, or how many there are where they take too much room.
fn where_words(conditions: &[String], widest: usize) -> String {
    if conditions.is_empty() {
        return "without a condition".to_owned();
    }
    let all = format!("where {}", conditions.join(" and "));
    match (all.chars().count() > widest, conditions.len()) {
        (false, _) => all,
        (true, 1) => "under a condition".to_owned(),
        (true, count) => format!("under {count} conditions"),
    }
}

fn action_words(action: &str) -> String {
    match action.split_once(':') {
        _ if action == "*" => "every action".to_owned(),
        // Patterns that are turned round are in words already.
        _ if action.contains(' ') => action.to_owned(),
        Some((service, "*")) => format!("every action of {service}"),
        _ => action.to_owned(),
    }
}

fn resource_words(resource: &str) -> String {
    if resource == "*" { "every resource".to_owned() } else { resource.to_owned() }
}
