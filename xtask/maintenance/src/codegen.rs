//! `codegen`: AWS's resource schemas become `infra/cfn/src/resources`.
//!
//! - `catalogue`: which resource types, and what Rust needs to know about them beyond their schemas.
//! - `patches`: what the schemas leave out.
//! - `schema`: a schema, read.
//! - `emit`, `tables`: what is written; `naming`: how it is called.
//! - `lifecycle`: what a change does to the resources of every type that AWS has, as a table of text.
//!
//! The schemas come with cfn-lint, pinned and hashed, which carries those that AWS publishes and fills many gaps.

mod catalogue;
mod emit;
mod lifecycle;
mod naming;
mod patches;
mod schema;
mod tables;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use xtask::{
    commands::test::python,
    context::{Context, write_whole},
    report::Failure,
};

/// The region whose schemas are taken: the one where new things come first.
const REGION: &str = "us-east-1";
const RESOURCES: &str = "infra/cfn/src/resources";
const LIFECYCLES: &str = "infra/cfn/src/schema/lifecycles.txt";

pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    python::set_up(context)?;
    for (file, text) in generate(&context.root)? {
        let file = context.root.join(file);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
        }
        if fs::read_to_string(&file).is_ok_and(|written| written == text) {
            continue;
        }
        write_whole(&file, &text)?;
        context.progress(&format!("wrote {}", file.display()));
    }
    Ok(())
}

/// Every generated file, by its path below the project's folder.
fn generate(root: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let schemas = python::schemas(root)?;
    let provider = read_json(&schemas.join(format!("providers/{REGION}.json")))?;
    let of_type = |kind: &str| -> Result<Json, Failure> {
        let hash = provider.get(kind).and_then(Json::as_str);
        let hash = hash.ok_or_else(|| Failure::new(format!("{REGION} has no schema of {kind}")))?;
        let mut schema = read_json(&schemas.join(format!("resources/{hash}.json")))?;
        if catalogue::has(kind) {
            patches::apply(&mut schema).map_err(Failure::new)?;
        }
        Ok(schema)
    };
    let mut services = Vec::new();
    for service in catalogue::SERVICES {
        let resources = service.resources.iter().map(|name| {
            let kind = format!("AWS::{}::{name}", service.name);
            let mut resource = schema::read(&of_type(&kind)?);
            for (_, name, format) in catalogue::ATTRIBUTES.iter().filter(|(of, ..)| *of == kind) {
                let text = schema::Text { formats: vec![(*format).to_owned()], ..schema::Text::default() };
                resource.attributes.push(((*name).to_owned(), schema::Shape::Text(text)));
            }
            Ok(resource)
        });
        services.push((service.name, resources.collect::<Result<Vec<_>, Failure>>()?));
    }
    let kinds: BTreeSet<&String> = provider.as_object().into_iter().flat_map(|types| types.keys()).collect();
    let mut lines = String::new();
    for kind in kinds {
        lifecycle::line(&mut lines, kind, &of_type(kind)?);
    }
    let mut files = Vec::new();
    for (name, resources) in &services {
        let module = naming::service(name);
        files.push((format!("{RESOURCES}/{module}.rs"), emit::module(name, resources)));
        files.push((format!("{RESOURCES}/{module}/schema.rs"), tables::module(name, resources)));
    }
    files.push((format!("{RESOURCES}.rs"), emit::list(&services)));
    let formatted = files.into_iter().map(|(file, text)| Ok((PathBuf::from(file), formatted(root, &text)?)));
    formatted.chain([Ok((PathBuf::from(LIFECYCLES), lifecycle::table(&lines)))]).collect()
}

fn read_json(file: &Path) -> Result<Json, Failure> {
    let text = fs::read_to_string(file).map_err(Failure::from(format!("cannot read {}", file.display())))?;
    serde_json::from_str(&text).map_err(Failure::from(file.display()))
}

/// The code as rustfmt writes it, so that `cargo fmt` finds nothing to do.
fn formatted(root: &Path, code: &str) -> Result<String, Failure> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]).arg(root);
    let mut child =
        rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| {
            Failure::new(format!("cannot start rustfmt: {error}")).help("rustup component add rustfmt")
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(code.as_bytes()).map_err(Failure::from("cannot write to rustfmt"))?;
    }
    let output = child.wait_with_output().map_err(Failure::from("cannot read from rustfmt"))?;
    match String::from_utf8(output.stdout) {
        Ok(text) if output.status.success() => Ok(text),
        _ => Err(Failure::new("rustfmt refuses the generated code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo xtask test` installs the schemas before it comes here.
    #[test]
    fn generated_files_are_what_the_schemas_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if let Err(missing) = python::schemas(&root) {
            panic!("{}: run the tests by `cargo xtask test`, which installs them", missing.message());
        }
        for (file, text) in generate(&root).unwrap() {
            let written = fs::read_to_string(root.join(&file)).unwrap_or_default();
            assert!(written == text, "{} differs; cargo xtask codegen writes it", file.display());
        }
    }

    #[test]
    fn what_ref_gives_where_the_identifier_does_not_tell() {
        use catalogue::Reference;
        let of = |kind: &str, identifier: &[&str]| {
            catalogue::reference(kind, &identifier.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(of("AWS::SQS::Queue", &["QueueUrl"]), Some(Reference::Url));
        assert_eq!(of("AWS::SNS::Topic", &["TopicArn"]), Some(Reference::Arn));
        assert_eq!(of("AWS::Lambda::Function", &["FunctionName"]), Some(Reference::Name));
        assert_eq!(of("AWS::ApiGatewayV2::Stage", &["ApiId", "StageName"]), Some(Reference::Name));
        assert_eq!(of("AWS::ApiGatewayV2::Route", &["ApiId", "RouteId"]), Some(Reference::Id));
        assert_eq!(of("AWS::SecretsManager::Secret", &["Id"]), Some(Reference::Arn));
        assert_eq!(of("AWS::Lambda::Url", &["FunctionArn"]), Some(Reference::Foreign));
        assert_eq!(of("AWS::Unknown::Thing", &["A", "B"]), None);
    }
}
