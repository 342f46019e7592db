//! Permissions in sentences: what is alike is said once.

use std::collections::BTreeMap;

use super::{
    compare::{Delta, Grant},
    judge::{Judge, Marks},
    policies::{Side, Subject},
};

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
    side: Side,
    who: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<String>,
    change: Change,
    /// The things that the policies are about.
    pub(super) about: Vec<Subject>,
    pub(super) details: Vec<String>,
}

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
            if earlier.is_empty() {
                let part = before.iter().filter(|one| is_part(one, grant)).map(|one| action_words(&one.action.shown()));
                let part: Vec<String> = part.collect();
                if !part.is_empty() {
                    details.push(format!("before: {}", part.join(", ")));
                }
            }
            self.put(key(Way::Newly, marks, subject, grant, change(!earlier.is_empty(), lost)), grant, details);
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
            let said = Said::of(&key, actions, details);
            if said.marks.new_role && !said.marks.sensitive && said.way == Way::Newly {
                match by_role.iter_mut().find(|one| one.who == said.who) {
                    Some(one) => one.take_in(said),
                    None => by_role.push(Said { details: vec![said.line()], ..said }),
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

    /// Another sentence about the same new role.
    fn take_in(&mut self, other: Self) {
        self.details.push(other.line());
        self.marks.widens |= other.marks.widens;
        add_new(&mut self.actions, other.actions);
        add_new(&mut self.resources, other.resources);
        add_new(&mut self.about, other.about);
        self.conditions.clear();
    }

    /// Without the one who may.
    fn line(&self) -> String {
        let conditions = where_words(&self.conditions, usize::MAX);
        format!("{} on {}, {conditions}", self.actions.join(", "), self.resources.join(", "))
    }

    pub(super) fn sentence(&self) -> String {
        let who = listed(&self.who);
        let be = if self.who.len() == 1 { "is" } else { "are" };
        let (actions, resources) = (listed(&self.actions), listed(&self.resources));
        if self.marks.transport && matches!(self.way, Way::Unbarred | Way::Barred) {
            return match self.way {
                Way::Barred => format!("{resources}: {actions} is refused without TLS from now on"),
                _ => format!("{resources}: {actions} is allowed without TLS again"),
            };
        }
        if self.way == Way::Newly && self.marks.new_role && !self.marks.sensitive {
            return format!("{who}, a new role, {be} allowed {actions} on {resources}");
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
        format!("{who} {be} {verb} {actions} on {resources}{tail}")
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
    let mut shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    if !more.is_empty() {
        shown.push(&more);
    }
    match shown.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
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
