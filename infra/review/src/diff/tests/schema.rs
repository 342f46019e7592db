//! Replacement agrees with AWS's schema for every create-only property of every resource type.

use serde_json::json;

use super::{Consequence, between};
use cfn::{
    Template,
    schema::{self, Lifecycle},
};

/// A template with one resource, of which the value at a path is this.
fn with(kind: &str, path: &str, value: &str) -> Template {
    let properties = path.rsplit('.').fold(json!(value), |inner, step| match step {
        "*" => json!([inner]),
        name => json!({ name: inner }),
    });
    serde_json::from_value(json!({"Resources": {"ResourceView": {"Type": kind, "Properties": properties}}})).unwrap()
}

fn consequence(kind: &str, path: &str) -> Consequence {
    let diff = between(&with(kind, path, "one"), &with(kind, path, "other"));
    diff.changes.iter().map(|change| change.consequence).max().unwrap_or(Consequence::None)
}

#[test]
fn every_create_only_property_of_every_type_replaces() {
    let mut number = 0;
    for kind in schema::lifecycles() {
        for path in kind.create_only.iter() {
            assert_eq!(consequence(kind.kind, path), Consequence::Replacement, "{} {path}", kind.kind);
            number += 1;
        }
        for path in kind.conditional_create_only.iter().filter(|path| !kind.create_only.contains(path)) {
            let found = consequence(kind.kind, path);
            let replaces = around(&kind, path);
            assert!(replaces || found == Consequence::ReplacementInSomeCases, "{} {path}: {found:?}", kind.kind);
            number += 1;
        }
    }
    assert!(number > 3_500, "{number} properties");
}

/// Whether a create-only property is around or inside of another.
fn around(kind: &Lifecycle, path: &str) -> bool {
    let steps = |path: &str| path.split('.').filter(|step| *step != "*").map(str::to_owned).collect::<Vec<_>>();
    let inner = steps(path);
    kind.create_only.iter().map(steps).any(|outer| outer.iter().zip(&inner).all(|(one, other)| one == other))
}

#[test]
fn nothing_else_replaces() {
    for kind in schema::lifecycles().filter(|kind| !kind.without_update) {
        // A property that no type has stands for all that are not create-only.
        let found = consequence(kind.kind, "Zzz");
        let wanted = match kind.kind {
            "AWS::CloudFormation::CustomResource" => Consequence::ReplacementInSomeCases,
            "AWS::CloudFormation::Stack" => Consequence::Unknown,
            _ => Consequence::InPlace,
        };
        assert_eq!(found, wanted, "{}", kind.kind);
    }
}

#[test]
fn types_that_aws_does_not_have_are_not_known() {
    for kind in ["AWS::Serverless::Function", "Somebody::Else::ResourceView", "My::Module::MODULE"] {
        assert_eq!(consequence(kind, "Name"), Consequence::Unknown);
    }
    assert_eq!(consequence("Custom::ResourceView", "Name"), Consequence::ReplacementInSomeCases);
}
