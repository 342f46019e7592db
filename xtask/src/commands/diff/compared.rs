//! Which templates are compared, and what is known beside them.

use cfn::{LogicalId, Template, guard::Guards};
use infra::Environment;
use review::{
    diff::{self, Fact, Known, Source},
    render::{self, Review},
};

use super::handlers;
use crate::{
    cli::{Against, Aws, Diff},
    context::Context,
    report::Failure,
    templates::{self, Foreseen},
};

/// The account of environments that run on this machine only.
const NO_ACCOUNT: &str = "000000000000";

/// Two templates to compare.
pub(super) struct Compared {
    name: String,
    is_environment: bool,
    against: String,
    pub(super) old: Template,
    pub(super) new: Template,
    pub(super) context: diff::Context,
    /// What is told of the functions' source, where the old side is one.
    pub(super) sources: Vec<Fact>,
    change_set: Option<ChangeSet>,
}

/// What is known of CloudFormation's own view, beside what the context has of it.
enum ChangeSet {
    Joined,
    Refused,
    Missing(String),
}

impl Compared {
    pub(super) fn review<'a>(&'a self, diff: &'a diff::Diff) -> Review<'a> {
        let Self { name, is_environment, against, change_set, .. } = self;
        let change_set = change_set.as_ref().map(|known| match known {
            ChangeSet::Joined => render::ChangeSet::Joined,
            ChangeSet::Refused => render::ChangeSet::Refused,
            ChangeSet::Missing(why) => render::ChangeSet::Missing(why),
        });
        Review { name, is_environment: *is_environment, against, change_set, diff }
    }
}

pub(super) fn all(context: &Context, options: &Diff) -> Result<Vec<Compared>, Failure> {
    if let (Some(old), Some(new)) = (&options.old, &options.new) {
        let known = diff::Context { guards: guards(&Guards::default(), options)?, ..diff::Context::default() };
        return Ok(vec![Compared {
            name: new.display().to_string(),
            is_environment: false,
            against: old.display().to_string(),
            old: templates::of_file(old)?.1,
            new: templates::of_file(new)?.1,
            context: known,
            sources: Vec::new(),
            change_set: None,
        }]);
    }
    let environments = match &options.env {
        Some(name) => vec![context.environment(name)?],
        None => deployable(context, options)?,
    };
    environments.iter().map(|environment| of_environment(context, options, environment)).collect()
}

/// The environments that are or may be deployed.
fn deployable(context: &Context, options: &Diff) -> Result<Vec<Environment>, Failure> {
    if let Against::File(file) = &options.against {
        return Err(Failure::new(format!("{} is one template, and --all compares several", file.display()))
            .help("compare one environment with it, --env NAME, or all with git:REVISION"));
    }
    let all: Vec<_> = context.environments().iter().map(|name| context.environment(name)).collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|environment| environment.account != NO_ACCOUNT).collect())
}

fn of_environment(context: &Context, options: &Diff, environment: &Environment) -> Result<Compared, Failure> {
    let new = infra::service(environment).map_err(Failure::new)?;
    let Diff { region, profile, endpoint_url, .. } = options;
    let aws = Aws {
        env: environment.name.clone(),
        region: region.clone(),
        profile: profile.clone(),
        endpoint_url: endpoint_url.clone(),
    };
    let before = templates::against(context, &options.against, Some(&aws))?;
    let after = match &options.against {
        Against::Deployed => templates::in_place_of(context, &before, &new),
        Against::Revision(_) | Against::File(_) => Known::default(),
    };
    let mut known = diff::Context { old: before.known, new: after, ..diff::Context::default() };
    let region = region.as_ref().unwrap_or(&environment.region);
    for side in [&mut known.old, &mut known.new] {
        side.parameters.insert("AWS::Region".to_owned(), region.clone());
        side.parameters.insert("AWS::AccountId".to_owned(), environment.account.clone());
    }
    known.guards = guards(&environment.guards, options)?;
    let defined = infra::definitions(environment).into_iter();
    known.sources =
        defined.filter_map(|(id, place)| Some((LogicalId::parse(&id).ok()?, Source::parse(&place)?))).collect();
    let sources = match &options.against {
        Against::Revision(revision) => handlers::changed(context, revision, &new)?,
        Against::Deployed | Against::File(_) => Vec::new(),
    };
    let change_set = match &options.against {
        // Where nothing is deployed there is nothing to ask about.
        Against::Deployed if before.template != Template::default() => {
            Some(predicted(context, options, &aws, &new, &mut known)?)
        }
        _ => None,
    };
    Ok(Compared {
        name: environment.name.clone(),
        is_environment: true,
        against: options.against.to_string(),
        old: before.template,
        new,
        context: known,
        sources,
        change_set,
    })
}

/// Asks CloudFormation, unless the caller does not want to, and puts what it says beside what is known.
fn predicted(
    context: &Context,
    options: &Diff,
    aws: &Aws,
    new: &Template,
    known: &mut diff::Context,
) -> Result<ChangeSet, Failure> {
    if options.no_change_set {
        return Ok(ChangeSet::Missing("--no-change-set".to_owned()));
    }
    Ok(match templates::foreseen(context, aws, new, &known.new)? {
        Foreseen::Joined { changes } => {
            known.change_set = Some(changes);
            ChangeSet::Joined
        }
        Foreseen::Refused { why } => {
            known.refusal = Some(why);
            ChangeSet::Refused
        }
        Foreseen::Missing { why } => ChangeSet::Missing(why),
    })
}

/// What guards deny and allow: what the environment's file says, and what the call allows beside it.
fn guards(denied: &Guards, options: &Diff) -> Result<Guards, Failure> {
    // In UTC, so that everybody's review says the same.
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let allow = denied.allow.iter().chain(&options.allow).cloned().collect();
    Ok(Guards { deny: denied.deny.clone(), allow, today: Some(today) })
}
