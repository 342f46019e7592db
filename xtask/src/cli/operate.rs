//! The words of those who run the service: each is handed on to the program `deploy` as it was said.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

use super::{Aws, OutputFormat};

#[derive(Args)]
pub(crate) struct Drift {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// How it is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Args)]
pub(crate) struct Diagnose {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// How it is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

#[derive(Args)]
pub(crate) struct Timeline {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// Write the picture into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

impl Timeline {
    pub(crate) fn words(&self) -> Vec<OsString> {
        words("timeline").option("--out", self.out.as_ref()).done()
    }
}

#[derive(Args)]
pub(crate) struct Logs {
    /// One function, such as webhook-verify; all of them without it
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only lines that fit this pattern of CloudWatch's: words, or { $.level = "ERROR" }
    #[arg(long, value_name = "PATTERN")]
    pub(crate) filter: Option<String>,
    /// From when on: 30s, 10m, 2h, 1d, or a time as 2026-11-01T12:00:00Z
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) since: String,
    /// How the lines are written: json is one object a line
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

impl Logs {
    pub(crate) fn words(&self) -> Vec<OsString> {
        words("logs")
            .flag("--follow", self.follow)
            .option("--filter", self.filter.as_ref())
            .option("--since", Some(&self.since))
            .values(&self.function)
            .done()
    }
}

#[derive(Args)]
pub(crate) struct Invoke {
    /// The function, such as plans-list
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: String,
    /// The event, as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) event: PathBuf,
    #[command(flatten)]
    pub(crate) aws: AwsOrLocal,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

impl Invoke {
    pub(crate) fn words(&self) -> Vec<OsString> {
        words("invoke").option("--event", Some(&self.event)).values([&self.function]).done()
    }
}

/// As [`Aws`]; the local cloud unless an environment is named.
#[derive(Args)]
pub(crate) struct AwsOrLocal {
    /// The environment: environments/NAME.yaml; local is the local cloud that runs
    #[arg(long, value_name = "NAME", default_value = super::LOCAL)]
    env: String,
    /// Another region than the environment's
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile whose credentials are used
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Another endpoint than AWS's
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl AwsOrLocal {
    pub(crate) fn aws(&self) -> Aws {
        let Self { env, region, profile, endpoint_url } = self;
        Aws { env: env.clone(), region: region.clone(), profile: profile.clone(), endpoint_url: endpoint_url.clone() }
    }
}

#[derive(Subcommand)]
pub(crate) enum Errors {
    /// List the events that failed, of all error queues, the oldest first
    #[command(
        after_help = "Examples:\n  cargo xtask errors list --env prod\n  cargo xtask errors list --env prod --format json\n  cargo xtask errors list --env prod --forged"
    )]
    List {
        #[command(flatten)]
        common: Common,
        /// Read so many of each queue at most
        #[arg(long, value_name = "COUNT", default_value_t = 200)]
        limit: usize,
        /// List the webhooks that are not PayPal's instead
        #[arg(long)]
        forged: bool,
    },
    /// Show one of them: why it failed, where it goes back to, and on demand what PayPal sent
    #[command(
        after_help = "Examples:\n  cargo xtask errors show 5fea7756-0ea4-451a-a703-a558b933e274 --env prod\n  cargo xtask errors show 5fea7756-0ea4-451a-a703-a558b933e274 --env prod --save captured\n\nWhat --save writes, `event verify` reads."
    )]
    Show {
        /// The message's id, as `errors list` shows it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        common: Common,
        /// Print the body too; it holds what buyers told PayPal about themselves
        #[arg(long)]
        body: bool,
        /// Write body.json and headers.json into this folder, as `event verify` reads them
        #[arg(long, value_name = "DIR")]
        save: Option<PathBuf>,
    },
    /// Send events back to where they came from, so that they are worked on again
    #[command(
        after_help = "Examples:\n  cargo xtask errors redrive --env prod 5fea7756-0ea4-451a-a703-a558b933e274\n  cargo xtask errors redrive --env prod --reason invoice_failed\n\nAn invoice is made once, however often its event comes."
    )]
    Redrive {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        common: Common,
    },
    /// Throw events away for good, after asking
    #[command(
        after_help = "Examples:\n  cargo xtask errors drop --env prod --reason unreadable\n  cargo xtask errors drop --env prod --all --yes"
    )]
    Drop {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        common: Common,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Where, and how it is written.
#[derive(Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) aws: Aws,
    /// How it is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
}

/// Which events are meant.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
pub(crate) struct Selection {
    /// The ids of messages, as `errors list` shows them
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<String>,
    /// All that failed for this reason
    #[arg(long, value_name = "REASON", group = "which")]
    reason: Option<String>,
    /// All of them
    #[arg(long, group = "which")]
    all: bool,
    /// Of the webhooks that are not PayPal's, instead of the events that failed
    #[arg(long)]
    forged: bool,
}

impl Errors {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::List { common, .. }
            | Self::Show { common, .. }
            | Self::Redrive { common, .. }
            | Self::Drop { common, .. } => common,
        }
    }

    pub(crate) fn words(&self) -> Vec<OsString> {
        let errors = words("errors");
        let selected = |words: Words, Selection { ids, reason, all, forged }: &Selection| {
            words.option("--reason", reason.as_ref()).flag("--all", *all).flag("--forged", *forged).values(ids)
        };
        match self {
            Self::List { limit, forged, .. } => {
                errors.values(["list"]).option("--limit", Some(limit.to_string())).flag("--forged", *forged)
            }
            Self::Show { id, body, save, .. } => {
                errors.values(["show"]).flag("--body", *body).option("--save", save.as_ref()).values([id])
            }
            Self::Redrive { selection, .. } => selected(errors.values(["redrive"]), selection),
            Self::Drop { selection, yes, .. } => selected(errors.values(["drop"]).flag("--yes", *yes), selection),
        }
        .done()
    }
}

#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Set PayPal's client id and secret, from a prompt that does not show them, or as JSON from standard input
    #[command(
        after_help = "Examples:\n  cargo xtask secrets set --env prod\n  pass paypal/prod | cargo xtask secrets set --env prod\n\nThe JSON is {\"client_id\": \"...\", \"client_secret\": \"...\"}."
    )]
    Set {
        /// Which secret of the stack, when it has more than one
        #[arg(value_name = "SECRET")]
        secret: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Say which secrets are set, and since when; never what they are
    #[command(after_help = "Examples:\n  cargo xtask secrets status --env prod")]
    Status {
        #[command(flatten)]
        common: Common,
    },
}

impl Secrets {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Set { common, .. } | Self::Status { common } => common,
        }
    }

    pub(crate) fn words(&self) -> Vec<OsString> {
        match self {
            Self::Set { secret, .. } => words("secrets").values(["set"]).values(secret).done(),
            Self::Status { .. } => words("secrets").values(["status"]).done(),
        }
    }
}

/// Words for the other program, as they are collected.
struct Words(Vec<OsString>);

fn words(command: &str) -> Words {
    Words(vec![command.into()])
}

impl Words {
    fn flag(mut self, name: &str, given: bool) -> Self {
        self.0.extend(given.then(|| name.into()));
        self
    }

    /// As one word, so that a value that begins with a dash is no option.
    fn option(mut self, name: &str, value: Option<impl Into<OsString>>) -> Self {
        self.0.extend(value.map(|value| {
            let mut word = OsString::from(format!("{name}="));
            word.push(value.into());
            word
        }));
        self
    }

    fn values(mut self, values: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.0.extend(values.into_iter().map(Into::into));
        self
    }

    fn done(self) -> Vec<OsString> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    fn words(line: &str) -> Vec<String> {
        let cli = Cli::try_parse_from(["xtask"].into_iter().chain(line.split(' '))).unwrap();
        let words = match cli.command {
            Command::Logs(logs) => logs.words(),
            Command::Invoke(invoke) => invoke.words(),
            Command::Errors(errors) => errors.words(),
            Command::Secrets(secrets) => secrets.words(),
            _ => panic!("{line} is none of these"),
        };
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn everything_that_was_said_is_handed_on() {
        for (line, wanted) in [
            ("logs --env prod orders -f --filter=-x --since 2h", "logs --follow --filter=-x --since=2h orders"),
            ("logs --env prod", "logs --since=10m"),
            ("invoke orders --event -", "invoke --event=- orders"),
            ("errors list --env prod --limit 3", "errors list --limit=3"),
            ("errors list --env prod --limit 3 --forged", "errors list --limit=3 --forged"),
            ("errors redrive --env prod --forged --reason x", "errors redrive --reason=x --forged"),
            ("errors show m-1 --env prod --body --save d", "errors show --body --save=d m-1"),
            ("errors redrive --env prod m-1 m-2", "errors redrive m-1 m-2"),
            ("errors drop --env prod --reason x --yes", "errors drop --yes --reason=x"),
            ("errors redrive --env prod --all", "errors redrive --all"),
            ("secrets set --env prod paypal", "secrets set paypal"),
            ("secrets status --env prod", "secrets status"),
        ] {
            assert_eq!(words(line).join(" "), wanted, "{line}");
        }
    }

    #[test]
    fn a_selection_is_needed_and_only_one() {
        for line in
            ["errors drop --env prod", "errors drop --env prod --all m-1", "errors redrive --env prod --all --reason x"]
        {
            assert!(Cli::try_parse_from(["xtask"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
