//! Lambda: functions, each with a pool of execution environments.
//!
//! An execution environment is a process of its own with a Runtime API endpoint of its own. It works on one event at a time;
//! what comes meanwhile starts another, up to a bound, and waits beyond it. An environment that crashes or is late is
//! replaced by the next event that needs one. A function that changes gets another pool: its first environment is started
//! while events wait, then the pool takes the place of the old one, whose environments end what they work on.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

pub(crate) mod api;
mod asynchronous;
mod destination;
mod environment;
mod runtime_api;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub use asynchronous::{Asynchronous, EventInvokeConfig};

use crate::{
    account::Account,
    activity::{Stream, What},
    chaos::{Chaos, Fault},
    logs::Logs,
    record::{Cause, Hop, Kind, Payload},
};
use environment::{Environment, NotStarted};

/// As many environments a function may have here without reserved concurrency; AWS has a thousand for the whole account.
const ENVIRONMENTS: usize = 16;

/// A function, as the template describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What runs.
    pub binary: PathBuf,
    /// Memory in MB; told to the function, not enforced.
    pub memory_mb: u32,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Its environment variables.
    pub variables: BTreeMap<String, String>,
    /// The log group that its output goes to.
    pub log_group: String,
    /// As many invocations at a time, and what comes beyond is throttled.
    pub reserved_concurrency: Option<usize>,
    /// The ARN of the queue or topic that gets asynchronous events which failed for good.
    pub dead_letter: Option<String>,
    /// Whether a debugger is at it: it has one environment, and no time runs out.
    pub debugged: bool,
}

/// What a function answered.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// Its answer, or what went wrong.
    pub result: Result<Bytes, FunctionError>,
    /// What it wrote to its log meanwhile, where that was asked for.
    pub log: Vec<String>,
}

/// A function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Such as `Sandbox.Timedout`, or the function's own word.
    pub kind: String,
    /// `{"errorType": ..., "errorMessage": ...}`
    pub payload: Bytes,
}

impl FunctionError {
    fn new(kind: &str, request_id: &str, message: &str) -> Self {
        let message = format!("RequestId: {request_id} Error: {message}");
        let payload = json!({ "errorType": kind, "errorMessage": message }).to_string();
        Self { kind: kind.to_owned(), payload: payload.into() }
    }

    /// What the function or Lambda says about it.
    #[must_use]
    pub fn message(&self) -> String {
        let payload: serde_json::Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        payload.get("errorMessage").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

/// An invocation was not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// There is no such function.
    #[error("there is no such function")]
    NoSuchFunction,
    /// Its reserved concurrency is used up.
    #[error("Rate Exceeded.")]
    Throttled,
}

/// All functions of the account. Clones share them.
#[derive(Clone)]
pub struct Lambda(Arc<Inner>);

struct Inner {
    host: Host,
    functions: RwLock<BTreeMap<String, Arc<Pool>>>,
}

/// What environments need of the cloud around them.
#[derive(Clone)]
struct Host {
    account: Account,
    logs: Logs,
    activity: Stream,
    chaos: Chaos,
    /// The process groups that run. After the stop there are none, and none is started.
    processes: Arc<Mutex<Processes>>,
    /// Told whenever one of them ended.
    ended: Arc<Notify>,
}

#[derive(Default)]
struct Processes {
    /// Each process group, with the function that it runs.
    groups: HashMap<u32, String>,
    stopped: bool,
}

/// A function with its environments.
struct Pool {
    function: Function,
    arn: String,
    /// What waits for an event; nothing does any more when another pool took this one's place.
    idle: Mutex<Option<Vec<Environment>>>,
    /// Held while the first environment starts, here or of the pool that comes next, so that events wait for that one.
    warming: tokio::sync::Mutex<()>,
    /// How many events may be worked on at a time, those of the pool before this one included.
    permits: Arc<Semaphore>,
    /// Whether it was told that the function does not start.
    told: AtomicBool,
}

impl Lambda {
    /// An account without functions.
    #[must_use]
    pub fn new(account: Account, logs: Logs, activity: Stream, chaos: Chaos) -> Self {
        let host = Host { account, logs, activity, chaos, processes: Arc::default(), ended: Arc::default() };
        Self(Arc::new(Inner { host, functions: RwLock::default() }))
    }

    /// Adds a function; its ARN.
    pub fn create(&self, function: Function) -> String {
        let pool = Pool::new(function, &self.0.host.account);
        let arn = pool.arn.clone();
        self.put(pool);
        arn
    }

    /// Adds and changes functions, until those of another account are here too; answers those that do not start as they are
    /// to be, and stay as they are.
    pub(crate) async fn grow(&self, wanted: &Self) -> Vec<String> {
        let wanted = wanted.functions().into_iter().map(|(function, _)| function);
        let changed = wanted.filter(|function| self.function(&function.name).as_ref() != Some(function));
        let changes = join_all(changed.map(|function| self.change(function))).await;
        changes.into_iter().filter_map(Result::err).collect()
    }

    /// Removes functions that another account does not have. What they work on goes on.
    pub(crate) fn shrink(&self, wanted: &Self) {
        let mut functions = self.0.functions.write().unwrap_or_else(PoisonError::into_inner);
        functions.retain(|name, pool| {
            let stays = wanted.pool(name).is_some();
            if !stays {
                pool.retire();
            }
            stays
        });
    }

    /// Puts a function in the place of the one of its name, once it has started; its name when it does not. Events wait
    /// meanwhile. One that is new starts in the background.
    async fn change(&self, function: Function) -> Result<(), String> {
        let host = self.0.host.clone();
        let Some(old) = self.pool(&function.name) else {
            let pool = Arc::new(Pool::new(function, &host.account));
            self.put(Arc::clone(&pool));
            tokio::spawn(async move { pool.warm_up(&host).await });
            return Ok(());
        };
        let mut new = Pool::new(function, &host.account);
        if new.function.most_environments() == old.function.most_environments() {
            new.permits = Arc::clone(&old.permits);
        }
        let _waiting = old.warming.lock().await;
        match Environment::start(&new.function, &new.arn, &host, "init").await {
            Ok(environment) => {
                new.keep(environment);
                self.put(new);
                old.retire();
                Ok(())
            }
            Err(not_started) => {
                new.tell(&host, &not_started);
                Err(new.function.name)
            }
        }
    }

    fn put(&self, pool: impl Into<Arc<Pool>>) {
        let pool = pool.into();
        let name = pool.function.name.clone();
        self.0.functions.write().unwrap_or_else(PoisonError::into_inner).insert(name, pool);
    }

    /// Starts one environment of each function, so that the first event finds it warm. Those that do not start are told as
    /// failed invocations are.
    pub async fn warm_up(&self) {
        let pools: Vec<_> = self.all().into_values().collect();
        let starts = pools.into_iter().map(|pool| {
            let host = self.0.host.clone();
            tokio::spawn(async move { pool.warm_up(&host).await })
        });
        for start in starts.collect::<Vec<_>>() {
            let _told_already = start.await;
        }
    }

    /// Invokes a function, by its ARN or its name, and waits for the answer.
    ///
    /// # Errors
    /// When there is no such function, or it is throttled. What the function itself does wrong stands in the answer.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Invocation, InvokeError> {
        self.work(function, payload, false).await
    }

    /// As [`Lambda::invoke`], and with what the function wrote to its log meanwhile.
    ///
    /// # Errors
    /// As [`Lambda::invoke`].
    pub async fn invoke_with_log(&self, function: &str, payload: Bytes) -> Result<Invocation, InvokeError> {
        self.work(function, payload, true).await
    }

    async fn work(&self, function: &str, payload: Bytes, tail: bool) -> Result<Invocation, InvokeError> {
        let mut pool = self.pool(function).ok_or(InvokeError::NoSuchFunction)?;
        let (lambda, function) = (self.clone(), function.to_owned());
        // Whoever asked may go away; the function's work goes on.
        let cause = Cause::current();
        let work = tokio::spawn(cause.of(async move {
            let host = &lambda.0.host;
            loop {
                let permit = pool.admit(host).await?;
                if !pool.is_retired() {
                    return Ok(pool.invoke(host, payload, tail, permit).await);
                }
                // Another took its place while the event waited.
                pool = lambda.pool(&function).ok_or(InvokeError::NoSuchFunction)?;
            }
        }));
        // The task neither panics nor is it aborted.
        work.await.unwrap_or(Err(InvokeError::Throttled))
    }

    /// The function of this ARN or name, with or without a version behind it.
    #[must_use]
    pub fn function(&self, function: &str) -> Option<Function> {
        self.pool(function).map(|pool| pool.function.clone())
    }

    /// Whether a debugger is at this function.
    pub(crate) fn is_debugged(&self, function: &str) -> bool {
        self.pool(function).is_some_and(|pool| pool.function.debugged)
    }

    /// All functions, by name, and how many processes run for each.
    #[must_use]
    pub fn functions(&self) -> Vec<(Function, usize)> {
        let processes = lock(&self.0.host.processes);
        let running = |name: &str| processes.groups.values().filter(|other| *other == name).count();
        self.all().into_values().map(|pool| (pool.function.clone(), running(&pool.function.name))).collect()
    }

    /// The ARN of the function of this ARN or name.
    #[must_use]
    pub fn arn(&self, function: &str) -> Option<String> {
        self.pool(function).map(|pool| pool.arn.clone())
    }

    /// Ends all processes, and waits until each is gone; nothing runs afterwards.
    pub async fn stop(&self) {
        {
            let mut processes = lock(&self.0.host.processes);
            processes.stopped = true;
            processes.groups.keys().for_each(|group| environment::kill(*group));
        }
        loop {
            // Made before the look, so that no end between the two is missed.
            let ended = self.0.host.ended.notified();
            if lock(&self.0.host.processes).groups.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Kills all environments of a function, whatever they work on, as a crash would; answers how many there were.
    #[must_use]
    pub fn kill(&self, function: &str) -> usize {
        let processes = lock(&self.0.host.processes);
        let running = processes.groups.iter().filter(|(_, name)| *name == function);
        running.map(|(group, _)| environment::kill(*group)).count()
    }

    fn pool(&self, function: &str) -> Option<Arc<Pool>> {
        let name = match function.split_once(":function:") {
            Some((_, name)) => name.split(':').next().unwrap_or_default(),
            None => function,
        };
        self.0.functions.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn all(&self) -> BTreeMap<String, Arc<Pool>> {
        self.0.functions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Function {
    /// How many environments it may have.
    fn most_environments(&self) -> usize {
        if self.debugged { 1 } else { self.reserved_concurrency.unwrap_or(ENVIRONMENTS) }
    }

    /// How long an invocation may take; nothing while a debugger is at it.
    fn limit(&self) -> Option<Duration> {
        (!self.debugged).then_some(self.timeout)
    }
}

impl Pool {
    fn new(function: Function, account: &Account) -> Self {
        Self {
            arn: account.arn("lambda", &format!("function:{}", function.name)),
            idle: Mutex::new(Some(Vec::new())),
            warming: tokio::sync::Mutex::default(),
            permits: Arc::new(Semaphore::new(function.most_environments())),
            told: AtomicBool::new(false),
            function,
        }
    }

    /// Waits until an event may be worked on.
    async fn admit(&self, host: &Host) -> Result<OwnedSemaphorePermit, InvokeError> {
        drop(self.warming.lock().await);
        let one_too_many = host.chaos.strikes(Fault::Throttle, &self.function.name);
        let permit = if one_too_many { Err(InvokeError::Throttled) } else { self.permit().await };
        permit.inspect_err(|_| {
            host.activity.tell(What::Throttled { function: self.function.name.clone() }, None);
        })
    }

    /// Has an event worked on.
    async fn invoke(&self, host: &Host, payload: Bytes, tail: bool, _permit: OwnedSemaphorePermit) -> Invocation {
        let cause = Cause::current();
        let (number, journeys) = cause.next(host.activity.recorder());
        let node = format!("function:{}", self.function.name);
        let trace = cause.trace(host.activity.recorder(), number);
        let mine = Arc::new(Cause::new(node.clone(), journeys.clone()).within(trace.span));
        let carried = Payload::copied(&payload);
        let (request_id, since) = (Uuid::new_v4().to_string(), Instant::now());
        let idle = self.idle();
        let cold = idle.is_none();
        let from = if cold { 0 } else { host.logs.written(&self.function.log_group) };
        let tail = tail.then_some(from);
        let (result, log) = match idle {
            Some(environment) => mine.of(self.run(environment, &request_id, payload, tail)).await,
            None => match Environment::start(&self.function, &self.arn, host, &request_id).await {
                Ok(environment) => mine.of(self.run(environment, &request_id, payload, tail)).await,
                Err(not_started) => {
                    self.tell(host, &not_started);
                    (Err(not_started.error), not_started.log)
                }
            },
        };
        let error = result.as_ref().err().map(|error| error.kind.clone());
        host.activity.recorder().keep(Hop {
            journeys,
            trace,
            error: error.clone(),
            message_id: Some(request_id.clone()),
            payload: carried,
            answer: Payload::copied(match &result {
                Ok(answer) => answer,
                Err(error) => &error.payload,
            }),
            ..Hop::new(number, Kind::Invoked, &cause.from, &node, if cold { "cold" } else { "warm" }.to_owned())
                .took(since.elapsed())
        });
        let (function, id) = (self.function.name.clone(), request_id.clone());
        host.activity.tell(What::Invoked { function, request_id: id, cold, error }, Some(since.elapsed()));
        Invocation { request_id, result, log }
    }

    /// Has the environment work on the event, and keeps it for the next when it is still good. Answers its lines of the log
    /// since the one of the number `tail`.
    async fn run(
        &self,
        environment: Environment,
        id: &str,
        payload: Bytes,
        tail: Option<u64>,
    ) -> (Result<Bytes, FunctionError>, Vec<String>) {
        let result = environment.invoke(id, payload, self.function.limit()).await;
        let log = match tail {
            Some(from) => environment.said(&self.function.log_group, from).await,
            None => Vec::new(),
        };
        self.told.store(false, Ordering::Relaxed);
        if environment.is_good() {
            self.keep(environment);
        }
        (result, log)
    }

    async fn warm_up(&self, host: &Host) {
        let _warming = self.warming.lock().await;
        let Ok(_permit) = self.permit().await else { return };
        // An event may have been quicker, or another pool.
        if lock(&self.idle).as_ref().is_none_or(|idle| !idle.is_empty()) {
            return;
        }
        match Environment::start(&self.function, &self.arn, host, "init").await {
            Ok(environment) => self.keep(environment),
            Err(not_started) => self.tell(host, &not_started),
        }
    }

    /// Keeps an environment for the next event; it ends when there is none for it here.
    fn keep(&self, environment: Environment) {
        if let Some(idle) = lock(&self.idle).as_mut() {
            idle.push(environment);
        }
    }

    /// Ends what waits for an event. What is worked on is worked on to its end.
    fn retire(&self) {
        lock(&self.idle).take();
    }

    fn is_retired(&self) -> bool {
        lock(&self.idle).is_none()
    }

    /// Says that the function does not start; once, until it does, or every retry would say so again.
    fn tell(&self, host: &Host, NotStarted { error, log }: &NotStarted) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let said = error.message();
            // The id of the event that needed it says nothing about why.
            let message = said.split_once(" Error: ").map_or(said.as_str(), |(_, message)| message).to_owned();
            let (function, log) = (self.function.name.clone(), log.clone());
            host.activity.tell(What::NotStarted { function, error: error.kind.clone(), message, log }, None);
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, InvokeError> {
        let permits = Arc::clone(&self.permits);
        // The semaphore is never closed, so the only error is that there is no permit.
        if self.function.reserved_concurrency.is_some() && !self.function.debugged {
            permits.try_acquire_owned().map_err(|_| InvokeError::Throttled)
        } else {
            permits.acquire_owned().await.map_err(|_| InvokeError::Throttled)
        }
    }

    /// An environment that waits for an event and still runs; the one that was used last is the warmest.
    fn idle(&self) -> Option<Environment> {
        let mut idle = lock(&self.idle);
        while let Some(environment) = idle.as_mut()?.pop() {
            if environment.is_good() {
                return Some(environment);
            }
        }
        None
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
