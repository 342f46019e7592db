//! What CloudFormation says about the life of a resource, for every type that AWS has.

use std::sync::{LazyLock, OnceLock};

/// One type a line; see the table's head.
static TABLE: &str = include_str!("lifecycles.txt");

/// The lines of the table, sorted by type.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    lines.map(|(kind, rest)| Line { kind, rest, read: OnceLock::new() }).collect()
});

/// A type with what is known of it, which is read when somebody asks: most templates have few types, and many of each.
struct Line {
    kind: &'static str,
    rest: &'static str,
    read: OnceLock<Option<Lifecycle>>,
}

/// What becomes of a resource when it changes, and what can be read and written.
#[derive(Clone, Copy, Debug)]
pub struct Lifecycle {
    /// Such as `AWS::SQS::Queue`.
    pub kind: &'static str,
    /// Whether it holds data, or stands for something that others remember, which is gone when the resource is.
    pub stateful: bool,
    /// Whether a replacement deletes the old one first. CloudFormation makes the new one first otherwise, so that a
    /// custom name must change with it.
    pub deleted_before_replaced: bool,
    /// Whether it cannot be updated at all.
    pub without_update: bool,
    /// A change of these replaces the resource.
    pub create_only: Paths,
    /// A change of these replaces the resource in some cases.
    pub conditional_create_only: Paths,
    /// These can be read from the resource, and not be set.
    pub read_only: Paths,
    /// These can be set, and not be read back: drift does not see them.
    pub write_only: Paths,
    /// What tells one from another.
    pub primary_identifier: Paths,
    /// These hold secrets: never literally in a template.
    pub sensitive: Paths,
    /// Lists of which the order means nothing.
    pub unordered: Paths,
    /// JSON without a schema: an object, or a text of it.
    pub json: Paths,
}

/// Ways to properties, names with dots between them, and `*` for every item of a list or map: `Tags.*.Key`.
#[derive(Clone, Copy, Debug)]
pub struct Paths(&'static str);

/// What is known of a resource type, such as `AWS::SQS::Queue`; nothing for types that are not AWS's.
#[must_use]
pub fn lifecycle(kind: &str) -> Option<Lifecycle> {
    let found = LINES.binary_search_by(|line| line.kind.cmp(kind)).ok()?;
    LINES.get(found)?.lifecycle()
}

/// What is known of every resource type, in alphabetical order.
pub fn lifecycles() -> impl Iterator<Item = Lifecycle> {
    LINES.iter().filter_map(Line::lifecycle)
}

impl Line {
    fn lifecycle(&self) -> Option<Lifecycle> {
        *self.read.get_or_init(|| read(self.kind, self.rest))
    }
}

fn read(kind: &'static str, rest: &'static str) -> Option<Lifecycle> {
    let mut columns = rest.split('\t');
    let flags = columns.next()?;
    let mut paths = || columns.next().map(Paths);
    Some(Lifecycle {
        kind,
        stateful: flags.contains('s'),
        deleted_before_replaced: flags.contains('d'),
        without_update: flags.contains('n'),
        create_only: paths()?,
        conditional_create_only: paths()?,
        read_only: paths()?,
        write_only: paths()?,
        primary_identifier: paths()?,
        sensitive: paths()?,
        unordered: paths()?,
        json: paths()?,
    })
}

impl Paths {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ').filter(|path| !path.is_empty())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one, written the same way, is among them.
    #[must_use]
    pub fn contains(self, path: &str) -> bool {
        self.iter().any(|other| other == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_found_again() {
        let all: Vec<_> = lifecycles().collect();
        assert_eq!(all.len(), LINES.len());
        assert!(all.len() > 1_800, "{} types", all.len());
        for one in all {
            assert_eq!(lifecycle(one.kind).map(|found| found.kind), Some(one.kind));
        }
        assert!(lifecycle("AWS::SQS").is_none() && lifecycle("Custom::Thing").is_none() && lifecycle("").is_none());
    }

    #[test]
    fn a_database_is_described_as_well_as_a_queue() {
        let queue = lifecycle("AWS::SQS::Queue").unwrap();
        assert_eq!(queue.create_only.iter().collect::<Vec<_>>(), ["FifoQueue", "QueueName"]);
        assert!(queue.stateful && !queue.deleted_before_replaced && !queue.without_update);
        assert!(queue.unordered.contains("Tags") && queue.json.is_empty());
        let database = lifecycle("AWS::RDS::DBInstance").unwrap();
        assert!(database.stateful && database.create_only.contains("DBInstanceIdentifier"));
        assert!(database.sensitive.contains("MasterUserPassword"));
        let secret = lifecycle("AWS::SecretsManager::Secret").unwrap();
        assert!(secret.sensitive.contains("SecretString") && secret.write_only.contains("SecretString"));
    }
}
