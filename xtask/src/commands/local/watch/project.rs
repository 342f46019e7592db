//! What of a project is watched, and how its template is made again.

use std::path::PathBuf;

use infra::Environment;

use super::Part;
use crate::{addresses::Addresses, cli::Local, commands::local, context::Context, report::Failure};

/// What is watched.
pub(crate) fn watched(context: &Context, options: &Local) -> Vec<(PathBuf, Part)> {
    use Part::{Binaries, Definitions, Source, Template};
    let of_root = |names: &[&str], part| names.iter().map(|name| (context.root.join(name), part)).collect::<Vec<_>>();
    let manifests = ["Cargo.toml", "Cargo.lock"];
    let mut watched = match &options.binaries {
        Some(folder) => vec![(folder.clone(), Binaries)],
        None => [of_root(&["handlers"], Source), of_root(&manifests, Source)].concat(),
    };
    match &options.template {
        Some(file) => watched.push((file.clone(), Template)),
        None => {
            watched.extend(of_root(&["infra", "handlers/contract"], Definitions));
            watched.extend(of_root(&manifests, Definitions));
            watched.extend(of_root(&[&format!("environments/{}.yaml", options.env)], Part::Environment));
        }
    }
    watched
}

/// What makes the same template as this program, when that was built from other definitions than there are now.
pub(crate) fn anew(options: &Local, ready: &Addresses) -> Vec<String> {
    let mut words: Vec<_> = ["synth", "--env", &options.env, "--format", "json"].map(str::to_owned).into();
    for (old, new) in [(local::CONSOLE_ORIGIN, &ready.console), (local::PAYPAL_ORIGIN, &ready.paypal)] {
        words.extend(["--moved".to_owned(), format!("{old}={new}")]);
    }
    words
}

/// What of an environment holds for as long as the cloud runs.
#[derive(PartialEq, Eq)]
pub(crate) struct Fixed {
    service: String,
    account: String,
    region: String,
    webhook_id: String,
}

impl Fixed {
    pub(crate) fn of(environment: &Environment) -> Self {
        Self {
            service: environment.service.clone(),
            account: environment.account.clone(),
            region: environment.region.clone(),
            webhook_id: environment.paypal.webhook.webhook_id.to_string(),
        }
    }

    /// The template as it is saved now.
    pub(crate) fn template(
        &self,
        context: &Context,
        options: &Local,
        ready: &Addresses,
    ) -> Result<cfn::Template, Failure> {
        let environment = context.environment(&options.env)?;
        if options.template.is_none() && *self != Self::of(&environment) {
            let what = "service, account, region and webhook_id are what they were when the cloud started";
            return Err(
                Failure::new(what).help("what ran before goes on; start `cargo xtask local` again to change them")
            );
        }
        local::template(options, environment, ready)
    }
}
