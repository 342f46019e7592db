//! `AWS::Lambda::EventInvokeConfig`: what becomes of a function's asynchronous events.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html>

use std::time::Duration;

use serde_json::Value;

use super::{Made, Maker, ProvisionError, Wanted, text};
use crate::lambda::EventInvokeConfig;

impl Maker<'_> {
    pub(super) fn event_invoke_config(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.text("FunctionName").unwrap_or_default();
        let function = self.services.lambda.function(&name);
        let function = function.ok_or_else(|| wanted.wrong(format!("there is no function {name:?}")))?;
        let qualifier = wanted.text("Qualifier").unwrap_or_default();
        if qualifier != "$LATEST" {
            return Err(wanted.wrong(format!("its Qualifier is {qualifier:?}; only $LATEST is played here")));
        }
        let defaults = EventInvokeConfig::default();
        let attempts = wanted.ranged("MaximumRetryAttempts", 0, 2)?.and_then(|number| u32::try_from(number).ok());
        let age = wanted.ranged("MaximumEventAgeInSeconds", 60, 21_600)?.map(Duration::from_secs);
        self.services.asynchronous.configure(
            &function.name,
            EventInvokeConfig {
                attempts: attempts.unwrap_or(defaults.attempts),
                longest_age: age.unwrap_or(defaults.longest_age),
                on_success: self.destination(wanted, "OnSuccess")?,
                on_failure: self.destination(wanted, "OnFailure")?,
            },
        );
        Ok(Made::new(wanted.id.as_str()))
    }

    /// The ARN that records go to: of a queue, a topic or a function, and none of FIFO.
    fn destination(&self, wanted: &Wanted<'_>, when: &str) -> Result<Option<String>, ProvisionError> {
        let config = wanted.properties.get("DestinationConfig").and_then(|config| config.get(when));
        let Some(arn) = config.and_then(|config| config.get("Destination")).map(|arn: &Value| text(arn)) else {
            return Ok(None);
        };
        let services = self.services;
        let known = match arn.split(':').nth(2) {
            Some("sqs") => services.sqs.by_arn(&arn).is_some(),
            Some("sns") => services.sns.has_topic(&arn),
            Some("lambda") => services.lambda.function(&arn).is_some(),
            _ => {
                let reason =
                    format!("its {when} destination is {arn:?}; only queues, topics and functions are played here");
                return Err(wanted.wrong(reason));
            }
        };
        if arn.ends_with(".fifo") {
            return Err(wanted.wrong(format!("its {when} destination {arn:?} is a FIFO one, which AWS does not take")));
        }
        known
            .then_some(Some(arn.clone()))
            .ok_or_else(|| wanted.wrong(format!("there is no {when} destination {arn:?}")))
    }
}
