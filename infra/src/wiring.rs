//! What the service is made of, in its own words: topics, queues, functions, named and sized as the environment says.
//!
//! - `settings`: how a function's settings become its environment variables and its role.

mod settings;

use std::marker::PhantomData;

use cfn::{
    Handle, Stack, StackError, Value,
    constructs::{
        Code, Cors, DeadLetter, Domain, Encryption, EventSource, Function, HttpApi, Key, LogGroup, Queue, Secret,
        Subscription, Throttle, Topic,
    },
};
use contract::{
    settings::Settings,
    trigger::{Http, Queue as QueueStart, Trigger},
};

use settings::Gathered;
pub use settings::{InStack, Takes, Wired};

use crate::{
    Environment,
    environment::{EncryptionChoice, Feeding},
    names::{logical, physical},
};

/// Retention of forged webhooks: long enough to correct the environment file, when it is its mistake that genuine ones
/// are among them.
const FORGED_RETENTION_SECONDS: u32 = 4 * 24 * 3600;

/// A function of the stack, which knows what kind of thing starts it.
pub struct Deployed<Start> {
    /// Such as `webhook-verify`.
    pub name: &'static str,
    /// The function itself.
    pub handle: Handle<Function>,
    trigger: Trigger,
    start: PhantomData<fn() -> Start>,
}

impl<Start> Deployed<Start> {
    /// The key of the route that leads to it, such as `POST /webhook/receiver`; `None` when a queue starts it.
    #[must_use]
    pub fn route_key(&self) -> Option<String> {
        match self.trigger {
            Trigger::Http { method, path } => Some(format!("{method} {path}")),
            Trigger::Queue => None,
        }
    }
}

/// What has alarms and a place on the dashboard. Whatever creates a function or a queue registers it here.
#[derive(Default)]
pub(crate) struct Monitored {
    /// Functions by their names, each with the key of its route.
    pub(crate) functions: Vec<(&'static str, Handle<Function>, Option<String>)>,
    /// Queues of events that failed.
    pub(crate) errors: Vec<(String, Handle<Queue>)>,
    /// Queues of messages for people.
    pub(crate) terminal: Vec<(String, Handle<Queue>)>,
    /// Queues that feed functions.
    pub(crate) waiting: Vec<(String, Handle<Queue>)>,
    /// Queues that anybody can fill, so that their depth is no alarm.
    pub(crate) open: Vec<(String, Handle<Queue>)>,
    /// The API, with its access log.
    pub(crate) api: Option<(Handle<HttpApi>, Handle<LogGroup>)>,
}

/// The service under construction: a stack, and the environment that it is for.
pub struct Service<'a> {
    /// What the service consists of so far.
    pub stack: Stack,
    /// What it is for.
    pub environment: &'a Environment,
    pub(crate) monitored: Monitored,
    encryption: Encryption,
    artifacts: Value<String>,
}

impl<'a> Service<'a> {
    /// Nothing but the key, where the environment wants one, and the parameter for the artifacts' bucket.
    #[must_use]
    pub fn new(environment: &'a Environment) -> Self {
        let Environment { service, name, .. } = environment;
        let mut stack = Stack::new(&format!("{service}, {name}: PayPal subscriptions, webhooks and invoices"));
        let artifacts = stack.parameter("ArtifactBucket", "The bucket that the functions' zips lie in");
        let encryption = match environment.encryption {
            EncryptionChoice::Managed => Encryption::Managed,
            EncryptionChoice::CustomerKey => {
                Encryption::CustomerKey(stack.key("Key", &Key { description: physical(environment, "data at rest") }))
            }
        };
        Self { stack, environment, monitored: Monitored::default(), encryption, artifacts }
    }

    /// A topic of this service's own functions.
    #[track_caller]
    pub fn topic(&mut self, name: &str) -> Handle<Topic> {
        let topic = Topic::new(physical(self.environment, name), self.encryption.clone());
        self.stack.topic(&logical(name, "Topic"), &topic)
    }

    /// A topic that CloudWatch publishes to.
    #[track_caller]
    pub fn alarm_topic(&mut self, name: &str) -> Handle<Topic> {
        let encryption = match &self.encryption {
            Encryption::CustomerKey(key) => Some(Encryption::CustomerKey(key.clone())),
            Encryption::Managed => None,
        };
        let topic = Topic {
            encryption,
            publishers: vec!["cloudwatch.amazonaws.com"],
            ..Topic::new(physical(self.environment, name), self.encryption.clone())
        };
        self.stack.topic(&logical(name, "Topic"), &topic)
    }

    /// A queue of messages for people, with an alarm as soon as it holds one.
    #[track_caller]
    pub fn terminal_queue(&mut self, name: &str) -> Handle<Queue> {
        let handle = self.unmonitored_queue(name);
        self.monitored.terminal.push((name.to_owned(), handle.clone()));
        handle
    }

    /// A queue of events that failed, with an alarm as soon as it holds one. `cargo xtask errors` reads it.
    #[track_caller]
    pub fn error_queue(&mut self, name: &str) -> Handle<Queue> {
        let handle = self.unmonitored_queue(name);
        self.monitored.errors.push((name.to_owned(), handle.clone()));
        handle
    }

    #[track_caller]
    fn unmonitored_queue(&mut self, name: &str) -> Handle<Queue> {
        let queue = Queue::terminal(physical(self.environment, name), self.encryption.clone());
        self.stack.queue(&logical(name, "Queue"), &queue)
    }

    /// A queue of webhooks that are not PayPal's: evidence for a few days, apart from what failed.
    #[track_caller]
    pub fn forged_queue(&mut self, name: &str) -> Handle<Queue> {
        let queue = Queue {
            retention_seconds: FORGED_RETENTION_SECONDS,
            ..Queue::terminal(physical(self.environment, name), self.encryption.clone())
        };
        let handle = self.stack.queue(&logical(name, "Queue"), &queue);
        self.monitored.open.push((name.to_owned(), handle.clone()));
        handle
    }

    /// A queue that feeds a function, and gives up to `errors`.
    #[track_caller]
    pub fn queue(&mut self, name: &str, feeding: &Feeding, errors: &Handle<Queue>) -> Handle<Queue> {
        let dead_letter = DeadLetter { queue: errors.clone(), max_receives: feeding.max_receives };
        let queue = Queue {
            visibility_seconds: Some(feeding.visibility_seconds),
            ..Queue::new(physical(self.environment, name), self.encryption.clone(), dead_letter)
        };
        let handle = self.stack.queue(&logical(name, "Queue"), &queue);
        self.monitored.waiting.push((name.to_owned(), handle.clone()));
        handle
    }

    /// What the topic takes goes to the queue; what the queue does not take goes to `errors`.
    #[track_caller]
    pub fn subscribe(&mut self, topic: &Handle<Topic>, queue: &Handle<Queue>, errors: &Handle<Queue>) {
        let subscription = Subscription::new(topic, queue, errors);
        self.stack.subscribe(&format!("{}Subscription", queue.id), &subscription);
    }

    /// A secret, empty until somebody sets it.
    #[track_caller]
    pub fn secret(&mut self, name: &str, description: &str) -> Handle<Secret> {
        let secret = Secret {
            name: physical(self.environment, name),
            description: description.to_owned(),
            encryption: self.encryption.clone(),
            generated_key: None,
        };
        self.stack.secret(&logical(name, "Secret"), &secret)
    }

    /// A secret that holds a JSON object with a random value under `key`.
    #[track_caller]
    pub fn generated_secret(&mut self, name: &str, description: &str, key: &'static str) -> Handle<Secret> {
        let secret = Secret {
            name: physical(self.environment, name),
            description: description.to_owned(),
            encryption: self.encryption.clone(),
            generated_key: Some(key),
        };
        self.stack.secret(&logical(name, "Secret"), &secret)
    }

    /// The API, at its own domain where the environment has one.
    #[track_caller]
    pub fn http_api(&mut self) -> Handle<HttpApi> {
        let environment = self.environment;
        let name = format!("/aws/apigateway/{}", physical(environment, "api"));
        let log = LogGroup {
            retention_days: Some(environment.api.access_log_retention_days),
            ..LogGroup::new(name, self.encryption.clone())
        };
        let access_log = self.stack.log_group("ApiLog", &log);
        let origins = &environment.api.allowed_origins;
        let cors = (!origins.is_empty()).then(|| Cors {
            allow_origins: origins.clone(),
            allow_headers: vec!["content-type".to_owned(), "idempotency-key".to_owned()],
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
        });
        let throttle = Throttle { rate: environment.api.requests_per_second, burst: environment.api.burst };
        let api = HttpApi {
            cors,
            default_endpoint: environment.domain.is_none(),
            ..HttpApi::new(physical(environment, "api"), throttle, access_log.clone())
        };
        let handle = self.stack.http_api("Api", &api);
        let url = match &environment.domain {
            Some(domain) => {
                let (name, hosted_zone_id) = (domain.name.clone(), domain.hosted_zone_id.clone());
                let domain = Domain { name, hosted_zone_id, api: &handle };
                self.stack.domain("Domain", &domain);
                domain.url()
            }
            None => handle.url(),
        };
        self.stack.output("ApiUrl", "where the API answers", url);
        self.monitored.api = Some((handle.clone(), access_log));
        handle
    }

    /// A function: its environment and its role follow from its settings.
    #[track_caller]
    pub fn function<S: Settings<InStack>>(&mut self, settings: S) -> Deployed<S::Start> {
        let mut gathered = Gathered::default();
        settings.visit(&mut gathered);
        let id = logical(S::NAME, "");
        for (variable, reason) in gathered.unwritable.drain(..) {
            let path = format!("{id}.Environment.Variables.{variable}");
            self.stack.refuse(StackError::Unwritable { path, reason });
        }
        let sizing = self.environment.sizing(S::NAME);
        let key = self.stack.parameter(&format!("{id}Code"), &format!("The key of {}'s zip in the bucket", S::NAME));
        let code = Code { bucket: self.artifacts.clone(), key };
        let name = physical(self.environment, S::NAME);
        let function = Function {
            architecture: self.environment.architecture,
            memory_mb: sizing.memory_mb,
            timeout_seconds: sizing.timeout_seconds,
            reserved_concurrency: sizing.reserved_concurrency,
            environment: gathered.environment,
            grants: gathered.grants,
            log_retention_days: self.environment.log_retention_days,
            ..Function::new(name, S::NAME.to_owned(), code, self.encryption.clone())
        };
        let handle = self.stack.function(&id, &function);
        let deployed = Deployed { name: S::NAME, handle, trigger: S::TRIGGER, start: PhantomData };
        self.monitored.functions.push((S::NAME, deployed.handle.clone(), deployed.route_key()));
        deployed
    }

    /// Requests to the function's path start it.
    #[track_caller]
    pub fn route(&mut self, api: &Handle<HttpApi>, function: &Deployed<Http>) {
        if let Trigger::Http { method, path } = function.trigger {
            let route = self.stack.route(api, method, path, &function.handle);
            if let Some(limit) = self.environment.api.routes.get(function.name) {
                let throttle = Throttle { rate: limit.requests_per_second, burst: limit.burst };
                self.stack.throttle_route(api, method, path, &route, &throttle);
            }
        }
    }

    /// Messages of the queue start the function.
    #[track_caller]
    pub fn feed(&mut self, queue: &Handle<Queue>, feeding: &Feeding, function: &Deployed<QueueStart>) {
        let source = EventSource {
            batch_size: feeding.batch_size,
            max_concurrency: Some(feeding.max_concurrency),
            ..EventSource::new(queue, &function.handle)
        };
        self.stack.feed(&format!("{}Source", function.handle.id), &source);
    }
}
