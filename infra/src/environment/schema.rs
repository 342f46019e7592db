//! `environments/schema.json`: what editors know of environment files. It comes from the types, and this test holds it to them.

use std::{fs, path::Path};

use schemars::JsonSchema;

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

#[test]
fn the_editors_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(Environment);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../environments/schema.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == text, "environments/schema.json is old: UPDATE_EXPECT=1 cargo test -p infra writes it anew");
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
