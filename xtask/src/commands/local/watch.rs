//! `--watch`: what is saved runs at once. A changed handler is built and takes the place of the one that runs; a changed
//! stack is applied to the running cloud. What cannot be built or made leaves everything as it is, and is shown.

mod build;
mod files;
mod project;
mod store;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use cfn::Template;
use local_cloud::{Running, Updated};
use review::{diff, render};

use super::{foreign, lines};
use crate::{
    commands::diff::style,
    context::Context,
    report::{self, Failure},
};
pub(super) use files::{Files, Part};
pub(super) use project::{Fixed, anew, watched};
pub(super) use store::{Store, executables};

/// Whoever makes a template of what is saved: the program itself, until what it was built from has changed.
pub(super) type Synthesis<'a> = dyn Fn() -> Result<Template, Failure> + 'a;

/// What runs, and what it is made of.
pub(super) struct Watch<'a> {
    pub(super) context: &'a Context,
    pub(super) files: Files,
    pub(super) store: Store,
    /// Where binaries are put by someone else, who builds them; without, they are built here.
    pub(super) binaries: Option<PathBuf>,
    /// Whether a debugger is to find all it needs in what is built.
    pub(super) debugged: bool,
    /// The file of a template that is not the environment's.
    pub(super) file: Option<PathBuf>,
    /// The template that runs.
    pub(super) template: Template,
    pub(super) synthesis: Box<Synthesis<'a>>,
    /// The command that does the same, of the program as it is when it is built anew.
    pub(super) anew: Vec<String>,
    /// The environment or the template's file.
    pub(super) name: String,
    /// What all names begin with.
    pub(super) prefix: String,
}

/// What one change came to.
struct Done {
    /// How long building took, where something was built.
    built: Option<Duration>,
    template: Template,
    updated: Updated,
    took: Duration,
}

impl Watch<'_> {
    /// Follows what is saved, until it is dropped; or until files cannot be watched any more, which it answers.
    pub(super) async fn follow(mut self, running: &mut Running) -> Failure {
        let mut waiting = BTreeSet::new();
        // The program itself was built from other definitions than there are now.
        let mut outdated = false;
        let mut failed = false;
        loop {
            let Some(changed) = self.files.changed().await else {
                return Failure::new("files are not watched any more");
            };
            outdated |= changed.contains(&Part::Definitions);
            waiting.extend(changed);
            match self.apply(running, &waiting, outdated).await {
                Ok(done) => {
                    waiting.clear();
                    self.say(&done, failed);
                    failed = !done.updated.not_started.is_empty();
                    running.control().notice(failed.then(|| self.not_started(&done.updated)));
                    self.template = done.template;
                }
                Err(failure) => {
                    failed = true;
                    let shown = match failure.mend() {
                        Some(_) => failure,
                        None => failure.help("what ran before goes on; save a correction to try again"),
                    };
                    running.control().notice(Some(notice(&shown)));
                    report::failure(&shown);
                }
            }
        }
    }

    async fn apply(
        &mut self,
        running: &mut Running,
        changed: &BTreeSet<Part>,
        outdated: bool,
    ) -> Result<Done, Failure> {
        let since = Instant::now();
        let mut built = None;
        if changed.contains(&Part::Source) {
            let executables = build::handlers(self.context, self.debugged).await?;
            built = Some(since.elapsed());
            self.store.take(&executables)?;
        }
        if let (true, Some(folder)) = (changed.contains(&Part::Binaries), &self.binaries) {
            self.store.take(&executables(folder)?)?;
        }
        let stack = [Part::Definitions, Part::Environment, Part::Template];
        let template = if !stack.iter().any(|part| changed.contains(part)) {
            self.template.clone()
        } else if outdated {
            let template = build::template(self.context, &self.anew).await?;
            built = Some(since.elapsed());
            template
        } else {
            (self.synthesis)()?
        };
        let since = Instant::now();
        let updated = running.update(&template).await;
        let updated = updated.map_err(|error| foreign::placed(self.file.as_deref(), &error))?;
        let used: Vec<_> = running.lambda().functions().into_iter().map(|(function, _)| function.binary).collect();
        self.store.tidy(&used);
        Ok(Done { built, template, updated, took: since.elapsed() })
    }

    /// Says what is new. That nothing is new is said only where something was wrong before.
    fn say(&self, Done { built, template, updated, took }: &Done, failed: bool) {
        if self.context.quiet {
            return;
        }
        let found = diff::diff(&self.template, template, &diff::Context::default());
        if !found.is_empty() {
            let (name, against) = (&self.name, "what ran before");
            let review = render::Review { name, is_environment: false, against, change_set: None, diff: &found };
            lines::say(&render::terminal(&[review], style(true, true)));
        }
        let built = built.map(|built| format!("built in {:.2} s, ", built.as_secs_f64())).unwrap_or_default();
        let took = took.as_millis();
        let names: Vec<_> = updated.functions.iter().map(|name| self.short(name)).collect();
        if !names.is_empty() {
            lines::say(&format!("watch      {}: {built}running after {took} ms", names.join(", ")));
        } else if !found.is_empty() {
            lines::say(&format!("watch      {built}the stack changed in {took} ms"));
        } else if failed && updated.not_started.is_empty() {
            lines::say("watch      nothing is wrong any more");
        }
    }

    fn not_started(&self, updated: &Updated) -> String {
        let names: Vec<_> = updated.not_started.iter().map(|name| self.short(name)).collect();
        format!("{} does not start; what ran before goes on", names.join(", "))
    }

    fn short<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix(&self.prefix).unwrap_or(name)
    }
}

/// A failure as the console shows it.
fn notice(failure: &Failure) -> String {
    let help = failure.mend().map(|help| format!("\n\n{help}")).unwrap_or_default();
    format!("{}{help}", build::plain(failure.message()))
}
