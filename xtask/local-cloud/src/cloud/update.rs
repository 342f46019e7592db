//! Another template, or other binaries, in the place of those that run.
//!
//! The template is first made in an account of its own, where nobody sees it: what is wrong with it is found there, and
//! nothing has changed. Then the running account is made like that one, in an order in which nothing ever refers to what is
//! not there: queues, topics and secrets that are new; functions, each of which has started before it takes the place of the
//! old one; then what leads to functions; and what is gone goes last.

use cfn::Template;

use super::{Running, StartError, check_debug};
use crate::{
    cloudformation::StackParts,
    provision::{self, Services},
};

/// What became of an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Functions that were added, or began anew with other settings or another binary, by name.
    pub functions: Vec<String>,
    /// Functions that do not start as they are to be, and stay as they were.
    pub not_started: Vec<String>,
}

impl Running {
    /// Runs another template, or what lies in the folder of the binaries now. Queues that stay keep their messages; requests
    /// and events wait while a function is replaced, and what runs ends as it began.
    ///
    /// # Errors
    /// When the template cannot be made here. Then everything is as it was.
    pub async fn update(&mut self, template: &Template) -> Result<Updated, StartError> {
        let account = &self.given.account;
        let wanted = Services::new(account, &self.control.clock, &self.activity, &self.chaos, None);
        let made = provision::provision(template, &wanted, &self.given)?;
        check_debug(&self.given, &wanted.lambda)?;
        let services = self.services.clone();
        services.secrets.adopt(&wanted.secrets);
        services.logs.adopt(&wanted.logs);
        services.sqs.grow(&wanted.sqs);
        services.sns.grow(&wanted.sns);
        let changed = wanted.lambda.functions().into_iter().map(|(function, _)| function);
        let changed = changed.filter(|function| services.lambda.function(&function.name).as_ref() != Some(function));
        let mut functions: Vec<_> = changed.map(|function| function.name).collect();
        let not_started = services.lambda.grow(&wanted.lambda).await;
        functions.retain(|name| !not_started.contains(name));
        services.asynchronous.adopt(&wanted.asynchronous);
        services.metrics.adopt_filters(&wanted.metrics);
        services.alarms.adopt(&wanted.alarms);
        services.sns.shrink(&wanted.sns);
        services.sns.ask_endpoints();
        let mut made = made.in_account(&services);
        let resources = std::mem::take(&mut made.resources);
        self.serve(made);
        self.cloudformation.change(StackParts {
            name: &self.given.stack_name,
            template,
            parameters: &self.given.parameters,
            resources,
            outputs: &self.outputs,
        });
        services.lambda.shrink(&wanted.lambda);
        services.sqs.shrink(&wanted.sqs);
        Ok(Updated { functions, not_started })
    }
}
