//! What holds of every diff: nothing is lost, nothing is made up, no secret is told.

mod apply;
mod schema;
mod secrets;
mod templates;

use std::{collections::BTreeSet, fs, path::Path as File};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Action, Consequence, Context, Diff, answers, changes, diff};
use cfn::{LogicalId, Path, Template};

fn between(old: &Template, new: &Template) -> Diff {
    diff(old, new, &Context::default())
}

fn read(text: &str) -> Template {
    cfn::read::template(text).unwrap()
}

fn prod() -> Template {
    let file = File::new(env!("CARGO_MANIFEST_DIR")).join("../tests/snapshots/prod.yaml");
    read(&fs::read_to_string(file).unwrap())
}

/// Pairs of random templates that are compared: ten thousand with `PROPTEST_CASES=10000`.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_template_does_not_differ_from_itself(template in templates::any()) {
        prop_assert!(between(&template, &template).is_empty());
    }

    #[test]
    fn the_order_of_keys_means_nothing(template in templates::any()) {
        let turned = templates::turned(&template);
        let diff = between(&template, &turned);
        prop_assert!(diff.is_empty(), "{diff:?}");
    }

    #[test]
    fn the_changes_of_one_template_give_the_other((old, new) in templates::pair()) {
        let diff = between(&old, &new);
        let applied = apply::apply(&old, &diff);
        let left = between(&applied, &new);
        prop_assert!(left.changes.is_empty() && left.sections.is_empty(), "{left:#?}");
    }

    #[test]
    fn whatever_differs_is_told_or_touches_nothing((old, new) in templates::pair()) {
        let diff = between(&old, &new);
        let context = Context::default();
        let same = answers(&changes::compare(&old, &new, &context)).unchanged;
        let subjects = diff.facts.iter().flat_map(|fact| &fact.subjects).map(LogicalId::as_str);
        let explained = diff.facts.iter().flat_map(|fact| &fact.explains).chain(&same).filter_map(Path::resource_id);
        let told: BTreeSet<&str> = subjects.chain(explained).collect();
        for change in &diff.changes {
            let silent = change.consequence == Consequence::None;
            prop_assert!(silent || told.contains(change.id.as_str()), "{} of {:#?}", change.id, diff.facts);
        }
    }
}

#[test]
fn prod_does_not_differ_from_itself() {
    let diff = between(&prod(), &prod());
    assert!(diff.is_empty(), "{diff:#?}");
}

/// Every resource of prod under another name: whoever refers to it follows, and nobody else.
#[test]
fn behind_each_resource_of_prod_follows_whoever_refers_to_it() {
    let old = prod();
    for id in old.resources.keys() {
        let new = templates::renamed(&old, id.as_str(), &format!("{id}Again"));
        let diff = between(&old, &new);
        let renamed: LogicalId = LogicalId::parse(&format!("{id}Again")).unwrap();
        let change = diff.changes.iter().find(|change| change.id == renamed).unwrap();
        assert_eq!(change.action, Action::Renamed { from: id.clone() });
        let followers: BTreeSet<&str> =
            diff.changes.iter().filter(|change| !change.follows.is_empty()).map(|change| change.id.as_str()).collect();
        // Asked of the text of each resource: what refers to the renamed one, and to what is replaced behind it.
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut targets = vec![renamed.as_str()];
        while let Some(target) = targets.pop() {
            for (other, resource) in &new.resources {
                let text = Json::Object(resource.properties.clone()).to_string();
                let ways = [
                    format!("{{\"Ref\":\"{target}\"}}"),
                    format!("{{\"Fn::GetAtt\":[\"{target}\","),
                    format!("${{{target}}}"),
                    format!("${{{target}."),
                ];
                if other.as_str() != target
                    && ways.iter().any(|way| text.contains(way.as_str()))
                    && wanted.insert(other.as_str())
                {
                    let replaced = diff.changes.iter().find(|change| change.id == *other).unwrap();
                    if replaced.consequence.is_replacement() {
                        targets.push(other.as_str());
                    }
                }
            }
        }
        assert_eq!(followers, wanted, "behind {id}");
        let told: BTreeSet<&str> = diff
            .facts
            .iter()
            .filter(|fact| fact.id == "ripple")
            .flat_map(|fact| fact.subjects.iter().skip(1).map(LogicalId::as_str))
            .collect();
        assert_eq!(told, wanted, "told behind {id}");
    }
}

#[test]
fn what_aws_takes_for_the_same_is_no_difference() {
    let old = json!({"Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30, "Tags": [{"Key": "a", "Value": 1}, {"Key": "b", "Value": 2}]}},
        "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": {
            "Effect": "Allow", "Principal": "*", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
            "Resource": {"Fn::Sub": "arn:aws:sqs:${AWS::Region}:1:${Queue.QueueName}"}}}}},
    }});
    let new = json!({"Resources": {
        "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": [
            {"Sid": "One", "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "SQS:ReceiveMessage",
             "Resource": [{"Fn::Join": [":", ["arn:aws:sqs", {"Ref": "AWS::Region"}, "1", {"Fn::GetAtt": "Queue.QueueName"}]]}]},
            {"Sid": "Two", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sqs:SendMessage"],
             "Resource": {"Fn::Sub": "arn:aws:sqs:${AWS::Region}:1:${Queue.QueueName}"}}]}}},
        "Queue": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {"DelaySeconds": "0", "Tags": [{"Key": "b", "Value": "2"}, {"Value": "1", "Key": "a"}]}},
    }});
    let diff = between(&read(&old.to_string()), &read(&new.to_string()));
    assert!(diff.is_empty(), "{diff:#?}");
}
