//! What runs: the deployed stack's template, its parameters and the code of its functions, asked for by the program `deploy`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Output, Stdio},
};

use cfn::{Template, read};
use review::diff::{Code, Known, Predicted};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::signal::unix::{SignalKind, signal};

use super::Before;
use crate::{
    cli::Aws,
    commands::deployment,
    context::{Context, write_whole},
    report::Failure,
};

/// The exit code of what Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// What the program says; fields that are not needed here are left out.
#[derive(Deserialize)]
struct Deployed {
    /// AWS's word for the stack's status, such as `UPDATE_COMPLETE`.
    status: String,
    /// The template as it was given.
    template: String,
    parameters: BTreeMap<String, String>,
    /// The size of each zip in bytes, by the parameter that names it.
    code_bytes: BTreeMap<String, u64>,
}

/// What `cargo xtask build` packed last.
#[derive(Deserialize)]
struct Manifest {
    functions: BTreeMap<String, Packed>,
}

#[derive(Deserialize)]
struct Packed {
    size: u64,
    sha256: String,
}

/// The template that is deployed; an empty one where nothing is.
pub(super) fn before(context: &Context, aws: &Aws) -> Result<Before, Failure> {
    let output = answer(deployment::program(context, aws, vec!["deployed".into()])?)?;
    if !output.status.success() {
        return Err(Failure::new(format!("cannot tell what is deployed of {}", aws.env))
            .help("see above; --against git:REVISION and --against FILE need no AWS"));
    }
    let unreadable = "cannot read what the program says that is deployed";
    let Some(deployed) =
        serde_json::from_slice::<Option<Deployed>>(&output.stdout).map_err(Failure::from(unreadable))?
    else {
        context.progress(&format!("nothing is deployed of {}: everything is new", aws.env));
        return Ok(Before::default());
    };
    if !deployed.status.ends_with("_COMPLETE") {
        context.progress(&format!("{} is in {}: what runs may not be what is compared", aws.env, deployed.status));
    }
    let template = read::template(&deployed.template).map_err(Failure::from("cannot read the deployed template"))?;
    let code = deployed.parameters.iter().filter_map(|(name, key)| {
        let (sha256, size) = (digest(key)?.to_owned(), *deployed.code_bytes.get(name)?);
        Some((name.clone(), Code { sha256, size }))
    });
    let code = code.collect();
    Ok(Before { template, known: Known { parameters: deployed.parameters, code } })
}

/// What CloudFormation says that it would do.
#[derive(Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Foreseen {
    Joined {
        changes: Vec<Predicted>,
    },
    /// It refuses the change.
    Refused {
        why: String,
    },
    /// It could not be asked.
    Missing {
        why: String,
    },
}

/// Asks CloudFormation what it would do with a template in place of what runs, with these values of its parameters.
pub(crate) fn foreseen(context: &Context, aws: &Aws, new: &Template, known: &Known) -> Result<Foreseen, Failure> {
    let folder = context.root.join("target/diff");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let file = |kind: &str| folder.join(format!("{}.{kind}", aws.env));
    let (template, parameters) = (file("yaml"), file("parameters.json"));
    write_whole(&template, cfn::write::yaml(new))?;
    let values = serde_json::to_string(&known.parameters).map_err(Failure::from("cannot write the parameters"))?;
    write_whole(&parameters, values)?;
    context.progress(&format!("asking CloudFormation for a change set of {}, which is thrown away", aws.env));
    let words = ["foresee".into(), "--template".into(), template.into(), "--parameters".into(), parameters.into()];
    let output = answer(deployment::program(context, aws, words.into())?)?;
    if !output.status.success() {
        return Err(Failure::new(format!("cannot tell what CloudFormation would do to {}", aws.env))
            .help("see above; --no-change-set compares without asking it"));
    }
    serde_json::from_slice(&output.stdout).map_err(Failure::from("cannot read what CloudFormation would do"))
}

/// Has the program do something, and waits for what it says. Ctrl-C is for the program, which throws away what it has begun;
/// this one waits for that.
fn answer(mut program: Command) -> Result<Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::from("cannot start the runtime"))?;
    let output = runtime.block_on(async {
        let _held = signal(SignalKind::interrupt())?;
        program.stdin(Stdio::null()).stderr(Stdio::inherit());
        tokio::process::Command::from(program).output().await
    });
    let output = output.map_err(Failure::from("cannot start the program that speaks to AWS"))?;
    let by_signal = output.status.signal() == Some(SignalKind::interrupt().as_raw_value());
    if by_signal || output.status.code() == Some(INTERRUPTED) {
        std::process::exit(INTERRUPTED);
    }
    Ok(output)
}

/// What the stack would get: the values that it has, and the code that was packed last, if any was.
pub(super) fn after(context: &Context, before: &Known, new: &Template) -> Known {
    let mut known = Known { parameters: before.parameters.clone(), code: before.code.clone() };
    let manifest = fs::read(context.root.join("target/lambda/manifest.json")).ok();
    let Some(Manifest { functions }) = manifest.and_then(|text| serde_json::from_slice(&text).ok()) else {
        context.progress("the functions' code is not compared: cargo xtask build packs it");
        return known;
    };
    for resource in new.resources.values() {
        let binary = resource.metadata.get("Binary").and_then(Json::as_str);
        let parameter =
            resource.properties.get("Code").and_then(|code| code.pointer("/S3Key/Ref")).and_then(Json::as_str);
        let packed = binary.and_then(|binary| Some((binary, functions.get(binary)?)));
        let Some((parameter, (binary, packed))) = parameter.zip(packed) else { continue };
        known.parameters.insert(parameter.to_owned(), format!("{binary}/{}.zip", packed.sha256));
        known.code.insert(parameter.to_owned(), Code { sha256: packed.sha256.clone(), size: packed.size });
    }
    known
}

/// The digest in a zip's key, `<function>/<digest>.zip`.
fn digest(key: &str) -> Option<&str> {
    let digest = key.rsplit('/').next()?.strip_suffix(".zip")?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_zips_key_ends_in_its_digest() {
        let sha256 = "ab".repeat(32);
        assert_eq!(digest(&format!("orders/{sha256}.zip")), Some(sha256.as_str()));
        assert_eq!(digest("orders/latest.zip"), None);
    }
}
