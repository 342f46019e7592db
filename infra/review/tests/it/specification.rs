//! A second source for what replaces a resource: AWS's older resource specification, beside what is said here, which follows
//! AWS's schemas. Where the two differ, each difference stands in `tests/specification/differences.txt`, so that none comes or
//! goes unseen; `UPDATE_EXPECT=1` rewrites it.

use std::{collections::BTreeMap, fs, path::Path};

use cfn::{LogicalId, Template};
use review::diff::{Consequence, Context, diff};
use serde_json::{Map, Value, json};

/// Its word for what a change of a property does, by how it is marked.
fn specified(property: &str) -> (&str, &'static str) {
    match (property.strip_suffix('!'), property.strip_suffix('?')) {
        (Some(name), _) => (name, "replaced"),
        (_, Some(name)) => (name, "perhaps replaced"),
        _ => (property, "kept"),
    }
}

fn said(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::Replacement | Consequence::ReplacementRetained => "replaced",
        Consequence::ReplacementInSomeCases => "perhaps replaced",
        _ => "kept",
    }
}

/// A resource of each of these types, of which this property has this value.
fn with<'a>(properties: impl Iterator<Item = (usize, &'a str, &'a str)>, value: &str) -> Template {
    let resources: Map<String, Value> = properties
        .map(|(at, kind, property)| (format!("R{at}"), json!({ "Type": kind, "Properties": { property: value } })))
        .collect();
    serde_json::from_value(json!({ "Resources": resources })).unwrap()
}

#[test]
fn the_older_specification_says_the_same_but_for_what_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specification");
    let text = fs::read_to_string(folder.join("update-types.txt")).unwrap();
    let types: Vec<(&str, Vec<&str>)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap())
        .map(|(kind, properties)| (kind, properties.split(' ').collect()))
        .collect();
    let most = types.iter().map(|(_, properties)| properties.len()).max().unwrap();
    let (mut all, mut differing) = (0, BTreeMap::new());
    // One property of every type at a time.
    for number in 0..most {
        let properties = || {
            let types = types.iter().enumerate();
            types.filter_map(|(at, (kind, properties))| Some((at, *kind, specified(properties.get(number)?).0)))
        };
        let found = diff(&with(properties(), "one"), &with(properties(), "other"), &Context::default());
        let found: BTreeMap<&LogicalId, Consequence> =
            found.changes.iter().map(|change| (&change.id, change.consequence)).collect();
        for (at, kind, property) in properties() {
            let id = LogicalId::parse(&format!("R{at}")).unwrap();
            let (here, there) = (said(found[&id]), specified(types[at].1[number]).1);
            all += 1;
            if here != there {
                let heading = format!("# the specification: {there}; here: {here}");
                differing.entry(heading).or_insert_with(Vec::new).push(format!("{kind} {property}"));
            }
        }
    }
    let count: usize = differing.values().map(Vec::len).sum();
    let mut report = format!("# {} of {all} properties of {} types: the same in both.\n", all - count, types.len());
    for (heading, mut lines) in differing {
        lines.sort();
        report += &format!("\n{heading} ({})\n{}\n", lines.len(), lines.join("\n"));
    }
    let file = folder.join("differences.txt");
    assert!(all > 6_000, "{all}");
    expect_test::expect_file![file].assert_eq(&report);
}
