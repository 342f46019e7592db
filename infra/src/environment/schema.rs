//! `environments/schema.json`: what editors know of environment files. It comes from the types, and this test holds it to them.

use std::{borrow::Cow, fs, path::Path};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::Environment;

/// The words of `cfn`'s architecture, which knows nothing of schemas.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub(super) enum Architecture {
    /// Graviton.
    #[schemars(rename = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[schemars(rename = "x86_64")]
    X86_64,
}

/// What stops a change, as `cfn` reads it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is wanted")]
pub(super) struct Guards {
    /// What blocks a change.
    #[schemars(default)]
    deny: Vec<Guard>,
    /// What somebody allowed.
    #[schemars(default)]
    allow: Vec<Allowance>,
}

/// A guard that somebody lifted for one resource.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is wanted")]
struct Allowance {
    /// The guard.
    guard: Guard,
    /// The resource's logical id.
    resource: String,
    /// Why it is allowed.
    reason: String,
    /// The last day on which it counts, such as `2026-11-30`; for ever without one.
    until: Option<String>,
}

/// The names of `cfn`'s guards, each with what it stops.
struct Guard;

impl JsonSchema for Guard {
    fn schema_name() -> Cow<'static, str> {
        "Guard".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = cfn::guard::Guard::ALL.iter();
        let each: Vec<_> = names.map(|one| json!({"const": one.name(), "description": one.stops()})).collect();
        json_schema!({"description": "What a change may be stopped for.", "oneOf": each})
    }
}

#[test]
fn the_editors_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(Environment);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../environments/schema.json");
    expect_test::expect_file![file].assert_eq(&text);
}

#[test]
fn each_environment_names_its_schema() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../environments")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("# yaml-language-server: $schema=schema.json\n"), "{}", file.display());
        }
    }
}
