//! A template's resources, made: in the order in which they refer to each other.

mod http_api;
mod invoke_config;
mod kinds;
mod resolve;
mod watching;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use cfn::{LogicalId, Path, Resource, Template};
use serde_json::{Map, Value};

use journal::Journal;

use crate::{
    account::Account,
    activity::Stream,
    alarms::Alarms,
    chaos::Chaos,
    clock::Clock,
    cloudformation::StackResource,
    event_source::{EventSource, Filters},
    http_api::{HttpApi, PayloadFormat},
    lambda::{Asynchronous, Function, Lambda},
    logs::Logs,
    metrics::Metrics,
    secrets::{self, Secrets},
    sns::Sns,
    sqs::{Queue, Sqs},
    wire::ApiError,
};
use http_api::RouteLimit;
use resolve::{Made, Scope};

/// Why a template cannot run here.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Its resources refer to each other in a circle.
    #[error(transparent)]
    Circle(#[from] cfn::graph::Circle),
    /// A value cannot be worked out.
    #[error("{path}: {reason}")]
    Value {
        /// Where it stands.
        path: String,
        /// Why not.
        reason: String,
    },
    /// AWS would refuse a resource.
    #[error("{id} ({kind}) cannot be made: {reason}")]
    Resource {
        /// Its logical id.
        id: String,
        /// Its type.
        kind: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ProvisionError {
    /// Where in the template it lies, or the nearest that is around it.
    #[must_use]
    pub fn place(&self) -> Option<Path> {
        match self {
            Self::Circle(_) => None,
            Self::Resource { id, .. } => Some(Path::resource(id)),
            Self::Value { path, .. } => {
                let step = |path: Path, part: &str| {
                    let mut parts = part.split('[');
                    let path = path.key(parts.next().unwrap_or_default());
                    let items = parts.filter_map(|item| item.trim_end_matches(']').parse().ok());
                    items.fold(path, |path, item| path.item(item))
                };
                Some(path.split('.').fold(Path::default(), step))
            }
        }
    }
}

/// The resources whose types have no part here, with these types: nothing of them is made, and nothing that a function does
/// with them works.
#[must_use]
pub fn unsupported(template: &Template) -> Vec<(&LogicalId, &str)> {
    let resources = template.resources.iter().filter(|(_, resource)| !kinds::is_known(&resource.kind));
    resources.map(|(id, resource)| (id, resource.kind.as_str())).collect()
}

/// The services that resources are made in. Clones share them.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) sqs: Sqs,
    pub(crate) sns: Sns,
    pub(crate) lambda: Lambda,
    pub(crate) asynchronous: Asynchronous,
    pub(crate) secrets: Secrets,
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
    pub(crate) alarms: Alarms,
}

impl Services {
    /// An account in which nothing was made yet.
    pub(crate) fn new(
        account: &Account,
        clock: &Clock,
        activity: &Stream,
        chaos: &Chaos,
        journal: Option<&Journal>,
    ) -> Self {
        let journal = journal.cloned();
        let metrics = Metrics::new(clock.clone());
        let logs = Logs::new(account.clone(), metrics.clone());
        let sqs = Sqs::new(account.clone(), clock.clone(), activity.clone(), chaos.clone(), journal.clone());
        let lambda = Lambda::new(account.clone(), logs.clone(), activity.clone(), chaos.clone());
        let asynchronous = Asynchronous::new(lambda.clone(), sqs.clone());
        let starts = Arc::new(asynchronous.clone());
        let sns = Sns::new(account.clone(), sqs.clone(), starts, activity.clone(), journal);
        asynchronous.connect(sns.clone());
        let alarms = Alarms::new(account.clone(), metrics.clone(), sqs.clone(), sns.clone(), activity.clone());
        let secrets = Secrets::new(account.clone(), clock.clone());
        Self { sqs, sns, lambda, asynchronous, secrets, logs, metrics, alarms }
    }
}

/// What is given beside the template.
pub(crate) struct Given {
    pub(crate) stack_name: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) binaries: PathBuf,
    /// Values of secrets, by the logical id.
    pub(crate) secrets: BTreeMap<String, String>,
    /// The function that a debugger is at, by its name or the end of it.
    pub(crate) debug: Option<String>,
    /// Where the HTTP API answers.
    pub(crate) api_endpoint: String,
    pub(crate) account: Account,
}

/// What was made, beyond what the services hold.
pub(crate) struct Provisioned {
    pub(crate) api: HttpApi,
    pub(crate) sources: Vec<(EventSource, Arc<Queue>)>,
    pub(crate) outputs: BTreeMap<String, String>,
    /// Everything that is there, in the template's order.
    pub(crate) resources: Vec<StackResource>,
    /// What has no effect here, by the reason.
    pub(crate) not_honoured: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Provisioned {
    /// The same in another account that has queues of these names.
    pub(crate) fn in_account(mut self, services: &Services) -> Self {
        let there = |(source, queue): (EventSource, Arc<Queue>)| Some((source, services.sqs.by_arn(queue.arn())?));
        self.sources = self.sources.into_iter().filter_map(there).collect();
        self
    }
}

/// Makes everything that the template describes.
pub(crate) fn provision(
    template: &Template,
    services: &Services,
    given: &Given,
) -> Result<Provisioned, ProvisionError> {
    let mut maker = Maker {
        scope: Scope::new(template, given),
        services,
        given,
        api: None,
        integrations: HashMap::new(),
        staged: None,
        limits: Vec::new(),
        sources: Vec::new(),
        not_honoured: BTreeMap::new(),
    };
    for id in cfn::graph::order(template)? {
        let Some(resource) = template.resources.get(id) else { continue };
        maker.make(id, resource)?;
    }
    maker.limit_routes()?;
    let outputs = template.outputs.iter().map(|(name, output)| {
        let value = maker.scope.resolve(&output.value, &format!("Outputs.{name}"))?;
        Ok((name.clone(), text(&value.unwrap_or_default())))
    });
    let outputs = outputs.collect::<Result<_, ProvisionError>>()?;
    let resources = template.resources.iter().filter_map(|(id, resource)| {
        let physical = maker.scope.physical(id)?.to_owned();
        Some(StackResource { id: id.to_string(), kind: resource.kind.clone(), physical })
    });
    let resources = resources.collect();
    let nothing = || HttpApi::new("none", None);
    Ok(Provisioned {
        api: maker.api.unwrap_or_else(nothing),
        sources: maker.sources,
        outputs,
        resources,
        not_honoured: maker.not_honoured,
    })
}

struct Maker<'a> {
    scope: Scope<'a>,
    services: &'a Services,
    given: &'a Given,
    api: Option<HttpApi>,
    /// The function behind each integration, and how it gets requests.
    integrations: HashMap<String, (String, PayloadFormat)>,
    /// The API's stage.
    staged: Option<LogicalId>,
    /// What the stage says of single routes.
    limits: Vec<RouteLimit>,
    sources: Vec<(EventSource, Arc<Queue>)>,
    not_honoured: BTreeMap<&'static str, BTreeSet<String>>,
}

/// A resource under construction.
struct Wanted<'a> {
    id: &'a LogicalId,
    kind: &'a str,
    properties: Map<String, Value>,
}

impl Maker<'_> {
    fn make(&mut self, id: &LogicalId, resource: &Resource) -> Result<(), ProvisionError> {
        let kind = resource.kind.as_str();
        let absent = resource.condition.as_ref().map(|name| self.scope.condition(name, 0)).transpose()? == Some(false);
        if absent {
            return Ok(());
        }
        if let Some(why) = kinds::without_effect(kind) {
            self.note(why, kind.to_owned());
            self.scope.add(id, Made::unplayed(id));
            return Ok(());
        }
        let mut properties = Map::new();
        for (name, value) in &resource.properties {
            if let Some(why) = kinds::property_without_effect(kind, name) {
                self.note(why, format!("{kind} {name}"));
            }
            let value = self.scope.resolve(value, &format!("Resources.{id}.Properties.{name}"))?;
            properties.extend(value.map(|value| (name.clone(), value)));
        }
        let wanted = Wanted { id, kind, properties };
        let made = match kind {
            "AWS::SQS::Queue" => self.queue(&wanted),
            "AWS::SNS::Topic" => self.topic(&wanted),
            "AWS::SNS::Subscription" => self.subscription(&wanted),
            "AWS::SecretsManager::Secret" => self.secret(&wanted),
            "AWS::Logs::LogGroup" => Ok(self.log_group(&wanted)),
            "AWS::Lambda::Function" => self.function(&wanted, resource),
            "AWS::Lambda::EventSourceMapping" => self.event_source(&wanted),
            "AWS::Lambda::EventInvokeConfig" => self.event_invoke_config(&wanted),
            "AWS::Logs::MetricFilter" => self.metric_filter(&wanted),
            "AWS::CloudWatch::Alarm" => self.alarm(&wanted),
            "AWS::ApiGatewayV2::Api" => self.http_api(&wanted),
            "AWS::ApiGatewayV2::Stage" => self.stage(&wanted),
            "AWS::ApiGatewayV2::Integration" => self.integration(&wanted),
            "AWS::ApiGatewayV2::Route" => self.route(&wanted),
            _ => {
                self.note(kinds::UNKNOWN, kind.to_owned());
                Ok(Made::unplayed(id))
            }
        };
        self.scope.add(id, made?);
        Ok(())
    }

    fn note(&mut self, why: &'static str, what: String) {
        self.not_honoured.entry(why).or_default().insert(what);
    }

    fn queue(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.name("QueueName", &self.given.stack_name);
        // CloudFormation leaves out what says that it is none of FIFO.
        let attributes = wanted.properties.iter().filter(|(name, value)| {
            !["QueueName", "Tags"].contains(&name.as_str()) && (*name != "FifoQueue" || text(value) != "false")
        });
        let attributes = attributes.map(|(name, value)| (name.clone(), text(value))).collect();
        let queue = self
            .services
            .sqs
            .create_queue(&name, &attributes, &wanted.tags())
            .map_err(|error| wanted.refused(&error))?;
        Ok(Made::new(queue.url()).with("Arn", queue.arn()).with("QueueName", &name).with("QueueUrl", queue.url()))
    }

    fn topic(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.name("TopicName", &self.given.stack_name);
        let kept =
            ["DisplayName", "FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "MaximumMessageSize"];
        let attributes = wanted.properties.iter().filter(|(name, _)| kept.contains(&name.as_str()));
        let attributes = attributes.map(|(name, value)| (name.clone(), text(value))).collect();
        let arn = self
            .services
            .sns
            .create_topic(&name, &attributes, &wanted.tags().into_iter().collect::<Vec<_>>())
            .map_err(|error| wanted.refused(&error))?;
        for each in wanted.list("Subscription") {
            let part = |name: &str| each.get(name).map(text).unwrap_or_default();
            let made = self.services.sns.subscribe(&arn, &part("Protocol"), &part("Endpoint"), &BTreeMap::new());
            made.map_err(|error| wanted.refused(&error))?;
        }
        Ok(Made::new(&arn).with("TopicArn", &arn).with("TopicName", &name))
    }

    fn subscription(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let part = |name: &str| wanted.text(name).unwrap_or_default();
        let attributes = ["RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "DeliveryPolicy"];
        let attributes =
            attributes.into_iter().filter_map(|name| Some((name.to_owned(), wanted.text(name)?))).collect();
        let (topic, protocol, endpoint) = (part("TopicArn"), part("Protocol"), part("Endpoint"));
        let made = self.services.sns.subscribe(&topic, &protocol, &endpoint, &attributes);
        let arn = made.map_err(|error| wanted.refused(&error))?;
        Ok(Made::new(&arn).with("Arn", &arn))
    }

    fn secret(&self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let name = wanted.name("Name", &self.given.stack_name);
        let given = self.given.secrets.get(wanted.id.as_str()).cloned();
        let arn = match (wanted.text("SecretString"), wanted.properties.get("GenerateSecretString")) {
            (Some(_), Some(_)) => {
                return Err(wanted.wrong("it has both SecretString and GenerateSecretString".to_owned()));
            }
            (None, Some(options)) if given.is_none() => {
                let value = secrets::generate(options).map_err(|reason| wanted.wrong(reason))?;
                self.services.secrets.create_generated(&name, value)
            }
            (text, _) => self.services.secrets.create(&name, given.or(text)),
        };
        Ok(Made::new(&arn).with("Id", &arn))
    }

    fn log_group(&self, wanted: &Wanted<'_>) -> Made {
        let name = wanted.name("LogGroupName", &self.given.stack_name);
        let retention = wanted.number("RetentionInDays").and_then(|days| u32::try_from(days).ok());
        self.services.logs.create_group(&name, retention);
        Made::new(&name).with("Arn", &self.given.account.arn("logs", &format!("log-group:{name}:*")))
    }

    fn function(&self, wanted: &Wanted<'_>, resource: &Resource) -> Result<Made, ProvisionError> {
        let name = wanted.name("FunctionName", &self.given.stack_name);
        let variables = wanted.properties.get("Environment").and_then(|value| value.get("Variables"));
        let variables = variables.and_then(Value::as_object).into_iter().flatten();
        let log_group = wanted.properties.get("LoggingConfig").and_then(|config| config.get("LogGroup")).map(text);
        let dead_letter = wanted.properties.get("DeadLetterConfig").and_then(|config| config.get("TargetArn"));
        let reserved = wanted.ranged("ReservedConcurrentExecutions", 0, 1000)?;
        let timeout = wanted.ranged("Timeout", 1, 900)?.unwrap_or(3);
        let function = Function {
            binary: self.binary(wanted, resource, &name)?,
            memory_mb: wanted.number("MemorySize").and_then(|number| u32::try_from(number).ok()).unwrap_or(128),
            timeout: Duration::from_secs(timeout),
            variables: variables.map(|(name, value)| (name.clone(), text(value))).collect(),
            log_group: log_group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
            reserved_concurrency: reserved.and_then(|number| usize::try_from(number).ok()),
            dead_letter: dead_letter.map(text),
            debugged: self.given.debug.as_ref().is_some_and(|wanted| is_called(&name, wanted)),
            name: name.clone(),
        };
        let arn = self.services.lambda.create(function);
        Ok(Made::new(&name).with("Arn", &arn))
    }

    /// What runs for a function: the file that `Metadata.Binary` names, or one named as the function or its logical id.
    fn binary(&self, wanted: &Wanted<'_>, resource: &Resource, name: &str) -> Result<PathBuf, ProvisionError> {
        let named = resource.metadata.get("Binary").and_then(Value::as_str);
        let names: Vec<&str> = named.map_or_else(|| vec![name, wanted.id.as_str()], |named| vec![named]);
        let inside = |name: &&&str| PathBuf::from(name).components().count() == 1;
        let paths = names.iter().filter(inside).map(|name| self.given.binaries.join(name));
        // What a link leads to is what runs, so that another file under the same name is another binary.
        let mut paths = paths.filter(|path| path.is_file()).map(|path| path.canonicalize().unwrap_or(path));
        paths.next().ok_or_else(|| {
            let reason = format!("{} has no executable {}", self.given.binaries.display(), names.join(" or "));
            wanted.wrong(format!("{reason}; build it, or name it in Metadata.Binary"))
        })
    }

    fn event_source(&mut self, wanted: &Wanted<'_>) -> Result<Made, ProvisionError> {
        let arn = wanted.text("EventSourceArn").unwrap_or_default();
        let queue = self.services.sqs.by_arn(&arn);
        let queue =
            queue.ok_or_else(|| wanted.wrong(format!("there is no queue {arn:?}; only queues are played here")))?;
        let function = wanted.text("FunctionName").unwrap_or_default();
        let known = self.services.lambda.function(&function);
        let known = known.ok_or_else(|| wanted.wrong(format!("there is no function {function:?}")))?;
        let batch = wanted.ranged("BatchSize", 1, 10_000)?;
        let batch_size = batch.and_then(|number| usize::try_from(number).ok()).unwrap_or(10);
        let window = wanted.ranged("MaximumBatchingWindowInSeconds", 0, 300)?.unwrap_or(0);
        if queue.visibility_timeout() < known.timeout {
            let (hidden, time) = (queue.visibility_timeout().as_secs(), known.timeout.as_secs());
            return Err(wanted.wrong(format!(
                "the queue's visibility timeout of {hidden} s is less than the function's timeout of {time} s"
            )));
        }
        if batch_size > 10 && (window == 0 || queue.is_fifo()) {
            return Err(wanted.wrong(
                "a batch of more than 10 messages needs a standard queue and MaximumBatchingWindowInSeconds".to_owned(),
            ));
        }
        if wanted.properties.get("Enabled").is_some_and(|enabled| text(enabled) == "false") {
            return Ok(Made::new(wanted.id.as_str()));
        }
        let most = wanted.properties.get("ScalingConfig").and_then(|config| config.get("MaximumConcurrency"));
        let most = most.and_then(Value::as_u64).map(|number| match usize::try_from(number) {
            Ok(number @ 2..=1000) => Ok(number),
            _ => Err(wanted.wrong(format!("its MaximumConcurrency is {number}; AWS takes 2 to 1000"))),
        });
        let criteria = wanted.properties.get("FilterCriteria").and_then(|criteria| criteria.get("Filters"));
        let patterns = criteria.and_then(Value::as_array).into_iter().flatten();
        let filters = Filters::read(patterns.filter_map(|filter| filter.get("Pattern")?.as_str()));
        let source = EventSource {
            filters: filters.map_err(|why| wanted.wrong(format!("its FilterCriteria: {why}")))?,
            function,
            batch_size,
            window: Duration::from_secs(window),
            max_concurrency: most.transpose()?.unwrap_or(10),
            reports_failures: wanted.list("FunctionResponseTypes").iter().any(|kind| kind == "ReportBatchItemFailures"),
        };
        self.sources.push((source, queue));
        Ok(Made::new(wanted.id.as_str()))
    }
}

impl Wanted<'_> {
    /// The physical name: the one given, or one made from the stack's and the logical id.
    fn name(&self, property: &str, stack_name: &str) -> String {
        self.text(property).unwrap_or_else(|| {
            let fifo = self.properties.get("FifoQueue").or_else(|| self.properties.get("FifoTopic"));
            let ending = if fifo.is_some_and(|fifo| text(fifo) == "true") { ".fifo" } else { "" };
            format!("{stack_name}-{}{ending}", self.id)
        })
    }

    fn text(&self, property: &str) -> Option<String> {
        self.properties.get(property).map(text)
    }

    fn number(&self, property: &str) -> Option<u64> {
        self.properties.get(property).and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()))
    }

    /// A number that AWS takes only between two others.
    fn ranged(&self, property: &str, least: u64, most: u64) -> Result<Option<u64>, ProvisionError> {
        match self.number(property) {
            Some(number) if !(least..=most).contains(&number) => {
                Err(self.wrong(format!("its {property} is {number}; AWS takes {least} to {most}")))
            }
            number => Ok(number),
        }
    }

    fn list(&self, property: &str) -> &[Value] {
        self.properties.get(property).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Its tags, which CloudFormation writes as a list.
    fn tags(&self) -> BTreeMap<String, String> {
        let part = |tag: &Value, name: &str| tag.get(name).map(text);
        self.list("Tags").iter().filter_map(|tag| Some((part(tag, "Key")?, part(tag, "Value")?))).collect()
    }

    fn refused(&self, error: &ApiError) -> ProvisionError {
        self.wrong(error.to_string())
    }

    fn wrong(&self, reason: String) -> ProvisionError {
        ProvisionError::Resource { id: self.id.to_string(), kind: self.kind.to_owned(), reason }
    }
}

/// Whether a person may call something that has this name so: by all of it, or by what comes after a hyphen.
pub(crate) fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || name.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('-'))
}

/// A value as the text that AWS's APIs take: objects as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
