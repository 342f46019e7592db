//! `deploy` and `plan`: from a template and its zips to a stack.

use std::{path::PathBuf, process::ExitCode};

use aws_sdk_cloudformation::types::ChangeSetType;
use clap::Args;
use review::diff::Context;

use crate::{
    Failure, Format, artifacts,
    bootstrap::{self, TEMPLATES},
    change_set::{self, ChangeSet, Rollback, TemplateSource, Wish},
    change_set_text,
    differences::{self, Sides},
    events::{Reader, Since},
    failure::failure,
    follow::{Following, Outcome},
    guard::{self, Allowed},
    plan_file::{self, Plan},
    recover::{self, Given},
    report::{self, Shipped},
    run::{Leftover, Run, Stop},
    source::{BUCKET, Source, SourceOptions},
    stack::Stack,
    states::{Step, next, succeeded},
    target::Target,
    timeline, triggers,
    verify::{self, Reviewed},
    who,
};

/// The size up to which CloudFormation takes a template in a call, in bytes; a larger one it fetches from the bucket.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub(crate) const LARGEST_BODY: usize = 51_200;

/// How often a stack that others work on too is looked at anew.
const ROUNDS: usize = 8;

/// What the environment file says about deployments, and how the caller wants this one.
#[derive(Args)]
pub(crate) struct ShipOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    given: Given,
    /// Show every value that changes, but for secrets
    #[arg(long)]
    details: bool,
}

/// What the environment file says about deployments.
#[derive(Args)]
struct Settings {
    /// Keep the stack from being deleted
    #[arg(long)]
    termination_protection: bool,
    /// Keep what holds data from being replaced or deleted, by a stack policy
    #[arg(long)]
    protect_stateful: bool,
    /// How long alarms are watched after a deployment, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    watch_minutes: u32,
    /// What the guards deny and allow, and where resources are defined, as JSON
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
}

impl Settings {
    /// What is known for the review, with what was allowed by name beside it.
    fn context(&self, allowed: &Allowed) -> Result<Context, Failure> {
        let mut context = match &self.context {
            None => Context::default(),
            Some(file) => {
                let cannot = |error: &dyn std::fmt::Display| {
                    Failure::new(format!("cannot read {}: {error}", file.display()), "`cargo xtask deploy` writes it")
                };
                let text = std::fs::read_to_string(file).map_err(|error| cannot(&error))?;
                serde_json::from_str(&text).map_err(|error| cannot(&error))?
            }
        };
        context.guards.allow.extend(allowed.guards.iter().cloned());
        // In UTC, so that it is the same day for everybody.
        context.guards.today = Some(jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date());
        Ok(context)
    }
}

#[derive(Args)]
pub(crate) struct DeployOptions {
    #[command(flatten)]
    pub(crate) ship: ShipOptions,
    /// Deploy this plan, or refuse
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Answer every question with yes
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    pub(crate) ship: ShipOptions,
    /// Where the plan is written
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A change set that may be executed, and what is known of the stack that it is for.
struct Prepared {
    change_set: ChangeSet,
    base: Stack,
    bucket: String,
}

/// What preparing came to.
enum Preparation {
    Ready(Box<Prepared>),
    /// The stack is as it should be.
    Unchanged(Box<Stack>),
}

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Deploy,
    Plan,
}

/// Ships, follows, and prints the outputs.
///
/// # Errors
/// When something fails; that CloudFormation undid the deployment is a failure too.
pub(crate) async fn deploy(target: &Target, options: &DeployOptions, format: Format) -> Result<ExitCode, Failure> {
    let mut run = Run::new(target, format, options.yes)?;
    let done = match &options.plan {
        Some(file) => deploy_plan(&mut run, &options.ship, &Plan::read(file)?).await,
        None => deploy_source(&mut run, &options.ship).await,
    };
    run.end(done).await
}

/// Prepares everything, shows it, and writes it down.
///
/// # Errors
/// As [`deploy`].
pub(crate) async fn plan(target: &Target, options: &PlanOptions, format: Format) -> Result<ExitCode, Failure> {
    let mut run = Run::new(target, format, false)?;
    let done = make_plan(&mut run, options).await;
    run.end(done).await
}

async fn deploy_source(run: &mut Run<'_>, options: &ShipOptions) -> Result<ExitCode, Stop> {
    let source = Source::read(&options.source)?;
    for _ in 0..ROUNDS {
        let prepared = match prepare(run, options, &source, Purpose::Deploy).await? {
            Preparation::Ready(prepared) => prepared,
            Preparation::Unchanged(stack) => return unchanged(run, options, &source, &stack).await,
        };
        run.agree("deploy this?").await?;
        if let Some(code) = execute(run, options, &source, &prepared).await? {
            return Ok(code);
        }
    }
    Err(others().into())
}

async fn deploy_plan(run: &mut Run<'_>, options: &ShipOptions, plan: &Plan) -> Result<ExitCode, Stop> {
    let target = run.target;
    let source = Source::read(&options.source)?;
    let base = run.guarded(Stack::find(target, &target.stack)).await?;
    let change_set = match &plan.change_set {
        Some(id) => run.guarded(change_set::describe(target, id)).await?,
        None => None,
    };
    let mut moved = plan.moved(target, &source, base.as_ref(), change_set.as_ref());
    let known = base.as_ref().and_then(|base| base.parameters.get(BUCKET)).cloned();
    let bucket = match known {
        None if source.template.parameters.contains_key(BUCKET) => run.guarded(bootstrap::find(target)).await?,
        known => known,
    };
    if bucket.is_none() && source.template.parameters.contains_key(BUCKET) {
        moved.push("the bucket of the zips: it does not exist".to_owned());
    }
    // Without a bucket the plan is refused above, or no parameter names one.
    let bucket = bucket.unwrap_or_default();
    let parameters = source.parameters(&bucket);
    if let (Some(base), Some(change_set)) = (&base, &change_set) {
        let reviewed = Reviewed { source: &source, parameters: &parameters, rollback: plan.rollback.as_ref(), base };
        let differences = run.guarded(reviewed.differences(target, change_set)).await?;
        moved.extend(differences.unwrap_or_else(|| vec![plan_file::GONE.to_owned()]));
    }
    let deployed = match base.as_ref().filter(|base| !base.is_in_review()) {
        Some(base) => Some(run.guarded(template_of(target, &base.id)).await?),
        None => None,
    };
    let is_current = |base: &Stack| deployed.as_ref().is_some_and(|deployed| is_current(&source, base, deployed));
    if plan.change_set.is_none() && !base.as_ref().is_some_and(is_current) {
        moved.push("the plan changes nothing, and the stack is not as it should be".to_owned());
    }
    let (Some(base), true) = (base, moved.is_empty()) else {
        let lines: String = moved.iter().map(|line| format!("\n  {line}")).collect();
        let message = format!("the plan is no longer what would be deployed:{lines}");
        return Err(Failure::new(message, "review it anew: cargo xtask plan").into());
    };
    let Some(change_set) = change_set else { return unchanged(run, options, &source, &base).await };
    // Before the question of an upload: a zip that is not what was reviewed stops everything.
    source.verify_zips()?;
    let sides = deployed.as_ref();
    let context = options.settings.context(&plan.allowed)?;
    let sides = sides.map(|deployed| Sides {
        stack: &base,
        deployed,
        source: &source,
        parameters: &parameters,
        context: &context,
    });
    show(run, &change_set, sides, options.details).await?;
    run.guarded(guard::check(target, &guard::risks(&change_set.changes), &plan.allowed)).await?;
    let prepared = Prepared { change_set, bucket, base };
    let options = Planned { options, allowed: &plan.allowed };
    match execute(run, options, &source, &prepared).await? {
        Some(code) => Ok(code),
        None => Err(Failure::new("somebody else was first", "review it anew: cargo xtask plan").into()),
    }
}

async fn make_plan(run: &mut Run<'_>, options: &PlanOptions) -> Result<ExitCode, Stop> {
    let target = run.target;
    let source = Source::read(&options.ship.source)?;
    source.verify_zips()?;
    let preparation = prepare(run, &options.ship, &source, Purpose::Plan).await?;
    let (base, change_set) = match &preparation {
        Preparation::Ready(prepared) => (&prepared.base, Some(&prepared.change_set)),
        Preparation::Unchanged(stack) => {
            report::shipped(run, &Shipped::unchanged(stack))?;
            (stack.as_ref(), None)
        }
    };
    let Some(file) = &options.out else {
        if change_set.is_some() {
            note!("nothing is kept of this; --out FILE writes a plan that can be deployed");
        }
        return Ok(ExitCode::SUCCESS);
    };
    Plan::new(target, &source, base, change_set, who(target), &options.ship.allowed).write(file)?;
    // From now on the change set is the plan's.
    run.leftover.take();
    note!(
        "the plan is in {}; deploy it with\n  cargo xtask deploy --env {} --plan {}",
        file.display(),
        target.env,
        file.display()
    );
    if base.is_in_review() {
        note!(
            "until then the stack {} is there, empty and REVIEW_IN_PROGRESS; cargo xtask destroy --env {} removes it",
            target.stack,
            target.env
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings the stack to where it can be changed, and has CloudFormation make a change set; anew when somebody else changes the
/// stack meanwhile. The zips are uploaded by whoever executes it.
async fn prepare(
    run: &mut Run<'_>,
    options: &ShipOptions,
    source: &Source,
    purpose: Purpose,
) -> Result<Preparation, Stop> {
    for _ in 0..ROUNDS {
        if let Some(preparation) = try_to_prepare(run, options, source, purpose).await? {
            return Ok(preparation);
        }
        overtaken(run).await;
    }
    Err(others().into())
}

/// Says so, and leaves nothing of what was for the stack as it was before.
async fn overtaken(run: &Run<'_>) {
    note!("somebody else was first: looking at the stack anew");
    run.clean_up().await;
}

fn others() -> Failure {
    Failure::new("others were first, again and again", "agree with them who deploys")
}

async fn try_to_prepare(
    run: &mut Run<'_>,
    options: &ShipOptions,
    source: &Source,
    purpose: Purpose,
) -> Result<Option<Preparation>, Stop> {
    let target = run.target;
    let mut stack = run.guarded(Stack::find(target, &target.stack)).await?;
    for _ in 0..ROUNDS {
        let step = next(stack.as_ref().map(|stack| &stack.status));
        let Some(there) = stack.as_ref().filter(|_| !matches!(step, Step::Create | Step::Update)) else { break };
        if purpose == Purpose::Plan && !matches!(step, Step::Follow(_)) {
            let message = format!("nothing can be planned while the stack {} is {}", there.name, there.status);
            return Err(Failure::new(message, format!("cargo xtask deploy --env {} mends that", target.env)).into());
        }
        recover::step(run, there, step, &options.given).await?;
        stack = run.guarded(Stack::find(target, &target.stack)).await?;
    }
    let existing = stack.filter(|stack| next(Some(&stack.status)) == Step::Update);
    let deployed = match &existing {
        Some(stack) => Some(run.guarded(template_of(target, &stack.id)).await?),
        None => None,
    };
    if let (Some(stack), Some(deployed)) = (&existing, &deployed)
        && is_current(source, stack, deployed)
    {
        return Ok(Some(Preparation::Unchanged(Box::new(stack.clone()))));
    }
    make(run, options, source, existing, deployed, purpose).await
}

/// Returns true if the stack is as it should be. After a rollback the template that CloudFormation returns may not be what runs.
fn is_current(source: &Source, stack: &Stack, deployed: &cfn::Template) -> bool {
    let bucket = stack.parameters.get(BUCKET).map_or("", String::as_str);
    succeeded(&stack.status) && *deployed == source.template && stack.parameters == source.parameters(bucket)
}

async fn make(
    run: &mut Run<'_>,
    options: &ShipOptions,
    source: &Source,
    existing: Option<Stack>,
    deployed: Option<cfn::Template>,
    purpose: Purpose,
) -> Result<Option<Preparation>, Stop> {
    let target = run.target;
    let known = existing.as_ref().and_then(|stack| stack.parameters.get(BUCKET)).cloned();
    let bucket = match known {
        Some(bucket) => bucket,
        None => bootstrap::bucket(run).await?,
    };
    let parameters = source.parameters(&bucket);
    let is_new = |name: &str| existing.as_ref().is_none_or(|stack| stack.parameters.get(name) != parameters.get(name));
    let changed: Vec<_> = source.artifacts.iter().filter(|artifact| is_new(&artifact.parameter)).cloned().collect();
    let template = run.guarded(hand_over(target, &source.text, &source.sha256, &bucket)).await?;
    let rollback = match &deployed {
        Some(before) => {
            let functions: Vec<_> =
                changed.iter().filter_map(|artifact| artifact.parameter.strip_suffix("Code")).collect();
            run.guarded(triggers::choose(target, source, before, &functions, options.settings.watch_minutes)).await?
        }
        // Alarms of a stack that is not there cannot watch it.
        None => Rollback::default(),
    };
    let wish = Wish {
        kind: if existing.is_some() { ChangeSetType::Update } else { ChangeSetType::Create },
        name: change_set::name(if purpose == Purpose::Plan { "plan" } else { "deploy" }),
        description: who(target),
        template,
        parameters,
        kept: Default::default(),
        rollback,
    };
    // Known beforehand, so that it is thrown away even when the answer never comes.
    run.leftover.replace(Some(Leftover { change_set: wish.name.clone(), new_stack: existing.is_none() }));
    let Some(id) = run.guarded(change_set::ask(target, &wish)).await? else { return Ok(None) };
    let Some(change_set) = run.guarded(change_set::made(target, &id)).await? else { return Ok(None) };
    if let (true, Some(stack)) = (change_set.is_empty(), &existing) {
        run.clean_up().await;
        return Ok(Some(Preparation::Unchanged(Box::new(stack.clone()))));
    }
    if !change_set.is_ready() {
        let reason = crate::text::printable(&change_set.reason);
        let message = format!("CloudFormation makes no change set: {}: {reason}", change_set.status);
        return Err(Failure::new(message, "check the template with `cargo xtask validate`").into());
    }
    let base = match &existing {
        Some(stack) => stack.clone(),
        None => match run.guarded(Stack::find(target, &change_set.stack_id)).await? {
            Some(stack) if stack.is_in_review() => stack,
            _ => return Ok(None),
        },
    };
    let reviewed = Reviewed { source, parameters: &wish.parameters, rollback: Some(&wish.rollback), base: &base };
    let Some(differences) = run.guarded(reviewed.differences(target, &change_set)).await? else { return Ok(None) };
    if !differences.is_empty() {
        let lines: String = differences.iter().map(|line| format!("\n  {line}")).collect();
        let message = format!("CloudFormation's change set is not what it was asked for:{lines}");
        return Err(
            Failure::new(message, "find who else may write to the bucket and the stack, then deploy again").into()
        );
    }
    let sides = existing.as_ref().zip(deployed.as_ref());
    let context = options.settings.context(&options.allowed)?;
    let parameters = &wish.parameters;
    let sides = sides.map(|(stack, deployed)| Sides { stack, deployed, source, parameters, context: &context });
    show(run, &change_set, sides, options.details).await?;
    if existing.is_some() && run.asks() {
        run.guarded(timeline::foretell(target, &change_set.changes, &source.template)).await?;
    }
    run.guarded(guard::check(target, &guard::risks(&change_set.changes), &options.allowed)).await?;
    Ok(Some(Preparation::Ready(Box::new(Prepared { change_set, base, bucket }))))
}

/// The template as the stack was last given it.
async fn template_of(target: &Target, stack_id: &str) -> Result<cfn::Template, Failure> {
    let request = target.aws.cloudformation().get_template().stack_name(stack_id);
    let answer = request.template_stage(aws_sdk_cloudformation::types::TemplateStage::Original).send().await;
    let answer = answer.map_err(|error| failure(&error, "cannot read the deployed template"))?;
    cfn::read::template(answer.template_body().unwrap_or_default()).map_err(|error| {
        Failure::new(format!("the deployed template cannot be read: {error}"), "was it deployed by another tool?")
    })
}

/// In the call itself where it is small enough, through the bucket otherwise.
pub(crate) async fn hand_over(
    target: &Target,
    text: &str,
    sha256: &str,
    bucket: &str,
) -> Result<TemplateSource, Failure> {
    if text.len() <= LARGEST_BODY {
        return Ok(TemplateSource::Body(text.to_owned()));
    }
    let key = format!("{TEMPLATES}{sha256}.json");
    artifacts::put(target, bucket, &key, text.to_owned().into_bytes()).await?;
    let Target { endpoint, region, .. } = target;
    Ok(TemplateSource::Url(match endpoint {
        Some(endpoint) => format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        None => format!("https://{bucket}.s3.{region}.{}/{key}", domain(region)),
    }))
}

/// The domain of AWS's addresses in a region.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// Our own comparison first, where there is something to compare with; then CloudFormation's view. What a guard blocks is
/// shown, and goes no further.
async fn show(run: &mut Run<'_>, change_set: &ChangeSet, sides: Option<Sides<'_>>, details: bool) -> Result<(), Stop> {
    let target = run.target;
    let changes = change_set_text::reviewed(&change_set.changes);
    let differences = match sides {
        Some(sides) => Some(run.guarded(sides.compare(target, &change_set.changes)).await?),
        None => None,
    };
    if let Some(differences) = &differences {
        note!("{}", differences::text(target, differences, details).trim_end());
    }
    note!("what CloudFormation would do to {}:\n{}", run.target.stack, change_set_text::text(&changes).trim_end());
    let json = differences.as_ref().map(|differences| differences::json(target, differences)).transpose()?;
    report::changes(run, &change_set.id, &changes, json)?;
    let verdict = differences.map(|differences| differences.verdict).unwrap_or_default();
    guard::judge(&verdict).map_err(Stop::Blocked)
}

/// Executes a change set and follows it; nothing when somebody else was first.
async fn execute(
    run: &mut Run<'_>,
    options: impl Into<Planned<'_>>,
    source: &Source,
    prepared: &Prepared,
) -> Result<Option<ExitCode>, Stop> {
    let Planned { options, allowed } = options.into();
    let target = run.target;
    let Prepared { change_set, base, bucket } = prepared;
    let is_new = base.is_in_review();
    let protected =
        if options.settings.protect_stateful { guard::stateful(&source.template) } else { Default::default() };
    let provided = run.guarded(artifacts::provide(target, bucket, &source.artifacts)).await?;
    if !is_new {
        // What leaves the stack is not in the template any more, and is protected all the same.
        open_policy(run, base, &change_set.changes, &protected, allowed).await?;
    }
    let (reader, events) = if is_new {
        (Reader::of_new(&base.id), Vec::new())
    } else {
        run.guarded(Reader::new(target, &base.id, Since::Now)).await?
    };
    // Last of all, so that nothing happens between the proof that an object is the zip and the function that is made of it.
    run.guarded(artifacts::verify(target, bucket, &source.artifacts, &provided)).await?;
    let uploaded = provided.uploaded;
    if !run.guarded(change_set::execute(target, change_set)).await? {
        overtaken(run).await;
        return Ok(None);
    }
    run.leftover.take();
    let stack_id = change_set.stack_id.clone();
    let outcome = run.follow(Following { stack_id, reader, events }).await?;
    settle(run, options, &protected, &outcome).await?;
    if !succeeded(&outcome.stack.status) {
        report::shipped(run, &Shipped::failed(&outcome, uploaded))?;
        return Err(run.failed(&outcome, &format!("the deployment failed, and {}", aftermath(&outcome))).into());
    }
    let other = run.guarded(verify::other_code(target, source)).await?;
    if !other.is_empty() {
        report::shipped(run, &Shipped::failed(&outcome, uploaded))?;
        return Err(verify::refuse(&other).into());
    }
    let now = source.parameters(bucket);
    let old = base.parameters.iter().filter(|(name, value)| name.ends_with("Code") && now.get(*name) != Some(*value));
    let old: Vec<_> = old.map(|(_, key)| key.as_str()).filter(|key| !now.values().any(|used| used == key)).collect();
    artifacts::supersede(target, bucket, &old).await;
    report::shipped(run, &Shipped::deployed(&outcome, uploaded))?;
    Ok(Some(ExitCode::SUCCESS))
}

fn aftermath(outcome: &Outcome) -> &'static str {
    match next(Some(&outcome.stack.status)) {
        Step::Update => "was undone: what ran before runs again",
        Step::Recreate => "nothing of it is left but what is retained",
        Step::ContinueRollback => "could not be undone",
        _ => "was left as it is",
    }
}

/// What the caller allows, which for a plan was said when it was made.
struct Planned<'a> {
    options: &'a ShipOptions,
    allowed: &'a Allowed,
}

impl<'a> From<&'a ShipOptions> for Planned<'a> {
    fn from(options: &'a ShipOptions) -> Self {
        Self { options, allowed: &options.allowed }
    }
}

/// Opens the stack policy for what was named, and for nothing else.
async fn open_policy(
    run: &mut Run<'_>,
    base: &Stack,
    changes: &[aws_sdk_cloudformation::types::ResourceChange],
    protected: &std::collections::BTreeSet<String>,
    allowed: &Allowed,
) -> Result<(), Failure> {
    let target = run.target;
    let has = guard::policy_of(target, &base.id).await?;
    let leaving = guard::risks(changes).into_iter().map(|risk| risk.resource);
    let mut closed = protected.clone();
    if !protected.is_empty() {
        closed.extend(leaving);
    }
    closed.retain(|id| !allowed.replace.contains(id) && !allowed.delete.contains(id));
    let wanted = guard::policy(&closed);
    // A stack without a policy allows everything, as the policy that protects nothing does.
    if has.as_ref().unwrap_or(&guard::policy(&Default::default())) != &wanted {
        guard::set_policy(target, &base.id, &wanted).await?;
    }
    Ok(())
}

/// Protections as the environment file wants them, after a deployment however it went.
async fn settle(
    run: &mut Run<'_>,
    options: &ShipOptions,
    protected: &std::collections::BTreeSet<String>,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let stack = &outcome.stack;
    if next(Some(&stack.status)) != Step::Update {
        return Ok(());
    }
    protect(run, options, protected, stack).await
}

async fn protect(
    run: &Run<'_>,
    options: &ShipOptions,
    protected: &std::collections::BTreeSet<String>,
    stack: &Stack,
) -> Result<(), Failure> {
    let target = run.target;
    if options.settings.protect_stateful {
        let wanted = guard::policy(protected);
        if guard::policy_of(target, &stack.id).await?.as_ref() != Some(&wanted) {
            guard::set_policy(target, &stack.id, &wanted).await?;
        }
    }
    if options.settings.termination_protection && !stack.termination_protection {
        let cloudformation = target.aws.cloudformation();
        let request = cloudformation.update_termination_protection().stack_name(&stack.id);
        let set = request.enable_termination_protection(true).send().await;
        set.map_err(|error| failure(&error, "cannot protect the stack from being deleted"))?;
    }
    Ok(())
}

/// Nothing is to be done, but for what a deployment that was killed may have left open.
async fn unchanged(run: &mut Run<'_>, options: &ShipOptions, source: &Source, stack: &Stack) -> Result<ExitCode, Stop> {
    let protected =
        if options.settings.protect_stateful { guard::stateful(&source.template) } else { Default::default() };
    protect(run, options, &protected, stack).await?;
    report::shipped(run, &Shipped::unchanged(stack))?;
    Ok(ExitCode::SUCCESS)
}
