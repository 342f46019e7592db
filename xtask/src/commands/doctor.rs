//! `doctor`: what this machine, and an AWS account, lack for the commands here, and what mends it.

mod machine;

use std::{collections::BTreeSet, process::Stdio};

use serde::{Deserialize, Serialize};

use crate::{
    cli::{Aws, Doctor, OutputFormat},
    commands::deployment,
    context::Context,
    report::{Failure, print, print_text},
};

/// What `--format json` prints. Fields are added, never changed or removed.
#[derive(Serialize, Deserialize)]
struct Findings {
    checks: Vec<Check>,
}

/// Something that was looked for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Check {
    /// Such as `C compiler`.
    name: String,
    /// Whether it is as it must be.
    ok: bool,
    /// What is there, or why not.
    found: String,
    /// Who needs it, such as `cargo xtask test`.
    needed_for: String,
    /// What mends it, where it lacks: commands mostly, a line each.
    mend: Option<String>,
}

impl Check {
    /// Something that cannot be looked for: the first line says why, and the other rows go on.
    fn failed(name: &str, failure: &Failure, needed_for: &str) -> Self {
        let found = failure.message().lines().next().unwrap_or_default().to_owned();
        let mend = failure.mend().map(str::to_owned);
        Self { name: name.to_owned(), ok: false, found, needed_for: needed_for.to_owned(), mend }
    }
}

pub(crate) fn run(context: &Context, options: &Doctor) -> Result<(), Failure> {
    let environments = match &options.env {
        Some(name) => vec![name.clone()],
        None => context.environments(),
    };
    let mut checks = machine::checks(context, &environments);
    if let Some(env) = &options.env {
        let aws = ask_aws(context, options, env);
        checks.extend(aws.unwrap_or_else(|failure| vec![Check::failed("AWS", &failure, "cargo xtask deploy")]));
    }
    let lacking = checks.iter().filter(|check| !check.ok).count();
    match options.format {
        OutputFormat::Text => print_text(&text(&checks))?,
        OutputFormat::Json => print(json(&Findings { checks })?)?,
    }
    match lacking {
        0 => Ok(()),
        _ => {
            Err(Failure::new(format!("{lacking} of the above lack"))
                .help("run what stands beside each, then this again"))
        }
    }
}

/// AWS is asked by the program that speaks to it; it answers in the same shape.
fn ask_aws(context: &Context, options: &Doctor, env: &str) -> Result<Vec<Check>, Failure> {
    let aws = Aws {
        env: env.to_owned(),
        region: options.region.clone(),
        profile: options.profile.clone(),
        endpoint_url: options.endpoint_url.clone(),
    };
    let mut program = deployment::program(context, &aws, vec!["doctor".into()])?;
    let template = infra::service(&context.environment(env)?).map_err(Failure::new)?;
    let kinds: BTreeSet<_> = template.resources.values().map(|resource| resource.kind.as_str()).collect();
    program.args(kinds.iter().flat_map(|kind| ["--kind", kind]));
    context.progress("asking AWS");
    program.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = program.output().map_err(Failure::from("cannot start the program that speaks to AWS"))?;
    let findings: Findings = serde_json::from_slice(&output.stdout).map_err(|error| {
        Failure::new(format!("the program that speaks to AWS ended with {}: {error}", output.status))
    })?;
    Ok(findings.checks)
}

fn json(findings: &Findings) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(findings).map_err(Failure::from("cannot write the findings as JSON"))?;
    Ok(text + "\n")
}

fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let line = |check: &Check| {
        let Check { name, ok, found, needed_for, mend } = check;
        let mark = if *ok { "ok   " } else { "lacks" };
        let mend = mend.iter().flat_map(|mend| mend.lines()).map(|line| format!("       {:width$}  {line}\n", ""));
        let needed = if *ok { String::new() } else { format!(", needed for {needed_for}") };
        format!("{mark}  {name:<width$}  {found}{needed}\n{}", mend.collect::<String>())
    };
    checks.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Check> {
        let there = Check {
            name: "rustc".to_owned(),
            ok: true,
            found: "1.95.0".to_owned(),
            needed_for: "everything".to_owned(),
            mend: None,
        };
        let lacking = Check {
            name: "C compiler".to_owned(),
            ok: false,
            found: "none".to_owned(),
            needed_for: "every build".to_owned(),
            mend: Some("first\nthen".to_owned()),
        };
        vec![there, lacking]
    }

    #[test]
    fn what_lacks_stands_with_what_needs_it_and_what_mends_it() {
        let wanted = "ok     rustc       1.95.0\n\
                      lacks  C compiler  none, needed for every build\n                   first\n                   then\n";
        assert_eq!(text(&findings()), wanted);
    }

    #[test]
    fn programs_get_what_is_documented() {
        let said = json(&Findings { checks: findings() }).unwrap();
        let value: serde_json::Value = serde_json::from_str(&said).unwrap();
        let check = value.pointer("/checks/1").unwrap().as_object().unwrap();
        let keys: Vec<_> = check.keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "ok", "found", "needed_for", "mend"]);
        assert_eq!(check["ok"], false);
    }
}
