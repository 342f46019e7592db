//! `secrets`: PayPal's client id and secret, set and never shown.

use std::{
    io::{BufRead, IsTerminal, Read, stdin},
    process::ExitCode,
};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use clap::Subcommand;
use futures_util::future::try_join_all;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Failure, Format,
    failure::failure,
    resources::{Resource, Resources, SECRET},
    target::Target,
    text::{print, print_json, printable},
};

/// More than any client id and secret; what is longer is something else.
const LONGEST: u64 = 16 * 1024;

/// How it is given where there is no terminal.
const SHAPE: &str =
    "give {\"client_id\": \"...\", \"client_secret\": \"...\"} on standard input, or run it in a terminal";

#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Set PayPal's client id and secret, from a prompt or standard input
    Set {
        /// Which secret of the stack, when it has more than one
        #[arg(value_name = "SECRET")]
        secret: Option<String>,
    },
    /// Say which secrets are set, and since when
    Status,
}

/// What the functions read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    client_id: String,
    client_secret: SecretString,
}

pub(crate) async fn run(target: &Target, format: Format, command: &Secrets) -> Result<ExitCode, Failure> {
    let resources = Resources::read(target).await?;
    match command {
        Secrets::Set { secret } => {
            let secret = match secret {
                Some(name) => resources.find(SECRET, "secret", name)?,
                None => only(&resources, target)?,
            };
            set(target, format, &resources, secret).await
        }
        Secrets::Status => status(target, format, &resources).await,
    }
}

fn only<'a>(resources: &'a Resources, target: &Target) -> Result<&'a Resource, Failure> {
    let all: Vec<_> = resources.of(SECRET).collect();
    match all.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::new(format!("{} has no secret", target.stack), "there is nothing to set")),
        several => {
            let names: Vec<_> = several.iter().map(|secret| resources.short(&secret.physical)).collect();
            let help = format!("name one of them: {}", names.join(", "));
            Err(Failure::new(format!("{} has more than one secret", target.stack), help))
        }
    }
}

/// What `secrets set --format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Set<'a> {
    /// The secret, without the stack's name.
    secret: &'a str,
    /// Secrets Manager's id of the version that is current now; `null` if it returned none.
    version: Option<&'a str>,
}

async fn set(target: &Target, format: Format, resources: &Resources, secret: &Resource) -> Result<ExitCode, Failure> {
    let credentials = ask()?;
    check(&credentials)?;
    let Credentials { client_id, client_secret } = credentials;
    let value = json!({ "client_id": client_id, "client_secret": client_secret.expose_secret() });
    let request = target.aws.secretsmanager().put_secret_value().secret_id(&secret.physical);
    let answer = request.secret_string(value.to_string()).send().await;
    let name = resources.short(&secret.physical);
    let answer = answer.map_err(|error| failure(&error, &format!("cannot set the secret {name}")))?;
    let set = Set { secret: name, version: answer.version_id() };
    match format {
        Format::Json => print_json(&set)?,
        Format::Text => print(&format!(
            "{} is set; functions take it up with their next token of PayPal's, or when they start\n",
            printable(name)
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// From a prompt where there is a terminal, otherwise from standard input.
fn ask() -> Result<Credentials, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot read the secret: {error}"), SHAPE);
    if stdin().is_terminal() {
        eprint!("PayPal's client id: ");
        let mut client_id = String::new();
        stdin().lock().take(LONGEST).read_line(&mut client_id).map_err(failed)?;
        let client_secret = rpassword::prompt_password("PayPal's client secret (it is not shown): ").map_err(failed)?;
        return Ok(Credentials { client_id: client_id.trim().to_owned(), client_secret: client_secret.into() });
    }
    let mut text = String::new();
    stdin().lock().take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    // What serde says of a wrong shape could quote the secret.
    serde_json::from_str(&text).map_err(|_| Failure::new("standard input does not hold client id and secret", SHAPE))
}

/// Refuses what can be none of PayPal's: a space or a line end that slipped in is found here, and not by the first event.
fn check(credentials: &Credentials) -> Result<(), Failure> {
    let parts =
        [("client id", credentials.client_id.as_str()), ("client secret", credentials.client_secret.expose_secret())];
    for (name, text) in parts {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what =
                if text.is_empty() { "is empty" } else { "holds a space or something else that PayPal's never do" };
            let help = "copy both from https://developer.paypal.com/dashboard/applications";
            return Err(Failure::new(format!("the {name} {what}"), help));
        }
    }
    Ok(())
}

/// What `secrets status --format json` prints. Fields are added, never changed or removed.
#[derive(Serialize)]
struct Status<'a> {
    /// The stack's name.
    stack: &'a str,
    /// Its secrets.
    secrets: Vec<SecretStatus>,
}

/// How one secret stands.
#[derive(Serialize)]
struct SecretStatus {
    /// Without the stack's name.
    name: String,
    /// Whether it has a value.
    set: bool,
    /// When it was last changed, RFC 3339.
    changed_at: Option<String>,
    /// The key that encrypts it, where it is not AWS's own.
    kms_key: Option<String>,
}

async fn status(target: &Target, format: Format, resources: &Resources) -> Result<ExitCode, Failure> {
    let client = target.aws.secretsmanager();
    let asked = resources.of(SECRET).map(|secret| {
        let asked = client.describe_secret().secret_id(&secret.physical).send();
        async move {
            let answer = asked.await;
            let name = resources.short(&secret.physical);
            let answer = answer.map_err(|error| failure(&error, &format!("cannot read about the secret {name}")))?;
            Ok::<_, Failure>(describe(&answer, resources, &secret.physical))
        }
    });
    let status = Status { stack: &target.stack, secrets: try_join_all(asked).await? };
    match format {
        Format::Json => print_json(&status)?,
        Format::Text => print(&text(&status, &target.env))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(answer: &DescribeSecretOutput, resources: &Resources, physical: &str) -> SecretStatus {
    let versions = answer.version_ids_to_stages().into_iter().flatten();
    let set = versions.into_iter().any(|(_, stages)| stages.iter().any(|stage| stage == "AWSCURRENT"));
    let changed = answer.last_changed_date().filter(|_| set);
    let changed = changed.and_then(|at| jiff::Timestamp::from_second(at.secs()).ok());
    SecretStatus {
        name: resources.short(answer.name().unwrap_or(physical)).to_owned(),
        set,
        changed_at: changed.map(|at| at.to_string()),
        kms_key: answer.kms_key_id().map(str::to_owned),
    }
}

fn text(status: &Status<'_>, env: &str) -> String {
    let line = |secret: &SecretStatus| {
        let state = match (secret.set, &secret.changed_at) {
            (true, Some(at)) => format!("set, last changed {at}"),
            (true, None) => "set".to_owned(),
            (false, _) => format!("not set: `cargo xtask secrets set --env {env}`"),
        };
        let key = secret.kms_key.as_ref().map(|key| format!(", encrypted with {}", printable(key))).unwrap_or_default();
        format!("{}  {state}{key}\n", printable(&secret.name))
    };
    if status.secrets.is_empty() {
        return format!("{} has no secret\n", status.stack);
    }
    status.secrets.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(id: &str, secret: &str) -> Credentials {
        Credentials { client_id: id.to_owned(), client_secret: secret.into() }
    }

    #[test]
    fn what_slipped_in_is_found_and_never_quoted() {
        assert!(check(&credentials("AbC-1_2", "EFg-3_4")).is_ok());
        for (id, secret) in [("", "s3cret"), ("id", ""), ("id", "s3cret\n"), ("i d", "s3cret"), ("id", "s3crét")] {
            let said = check(&credentials(id, secret)).unwrap_err().to_string();
            assert!(!said.contains("s3c"), "{said}");
        }
    }

    #[test]
    fn the_status_says_what_to_do_and_no_value() {
        let secret = |set, changed_at: Option<&str>| SecretStatus {
            name: "paypal".to_owned(),
            set,
            changed_at: changed_at.map(str::to_owned),
            kms_key: set.then(|| "arn:aws:kms:eu-west-1:1:key/1".to_owned()),
        };
        let secrets = vec![secret(true, Some("2026-11-01T00:00:00Z")), secret(false, None)];
        let text = text(&Status { stack: "shop", secrets }, "prod");
        let wanted = "paypal  set, last changed 2026-11-01T00:00:00Z, encrypted with arn:aws:kms:eu-west-1:1:key/1\n\
                      paypal  not set: `cargo xtask secrets set --env prod`\n";
        assert_eq!(text, wanted);
    }
}
