//! The alarms and the dashboard of this service.

use cfn::{
    Handle,
    constructs::{
        Adds, Alarm, Comparison,
        Comparison::{Above, AtLeast, Below},
        Dashboard, Function, HttpApi, LogGroup, Metric, MetricFilter, Missing, Queue, Source, Statistic,
        Statistic::{Maximum, Percentile, SampleCount, Sum},
        Topic, Widget,
    },
};
use contract::signal::{self, Signal};

use crate::{
    names::{logical, physical},
    wiring::Service,
};

/// Where the runbooks lie in the repository, for alarms of an environment that does not say where people read them.
const RUNBOOKS: &str = "infra/RUNBOOKS.md";

/// What is watched, by the names that people know.
pub(crate) struct Watched<'a> {
    pub(crate) api: &'a Handle<HttpApi>,
    pub(crate) access_log: &'a Handle<LogGroup>,
    /// The key of the route that PayPal calls.
    pub(crate) webhook_route: Option<String>,
    /// The queue that holds webhooks that are not PayPal's. Anybody can fill it, so that its depth is no alarm.
    pub(crate) forged: (&'a str, &'a Handle<Queue>),
    /// Queues that hold what went wrong.
    pub(crate) errors: &'a [(&'a str, &'a Handle<Queue>)],
    /// Queues that events pass through.
    pub(crate) waiting: &'a [(&'a str, &'a Handle<Queue>)],
    pub(crate) functions: &'a [(&'a str, &'a Handle<Function>)],
}

/// Adds the alarms, the topic that they tell, and the dashboard.
pub(crate) fn watch(service: &mut Service<'_>, watched: &Watched<'_>) {
    let topic = &service.alarm_topic("alarms");
    service.stack.output(
        "AlarmsTopicArn",
        "tells when an alarm rings and when it is over; subscribe here",
        topic.arn(),
    );
    queues(service, watched, topic);
    functions(service, watched, topic);
    signals(service, watched, topic);
    age(service, watched, topic);
    delayed(service, watched, topic);
    refused(service, watched, topic);
    let api = Rings::new("api-5xx", api_metric(watched.api, "5xx"), Sum, AtLeast(5));
    alarm(service, topic, "api-5xx", "The API answers with 5xx.", api);
    dashboard(service, watched);
}

fn queues(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    for (name, queue) in watched.errors {
        let metric = queue_metric(queue, "ApproximateNumberOfMessagesVisible");
        let env = &service.environment.name;
        let text = format!(
            "Events lie in {name}: `cargo xtask errors list --env {env}` says why each of them failed, and `cargo xtask errors \
             redrive --env {env}` sends them back to work."
        );
        let rings = Rings::new("queue-not-empty", metric, Maximum, Above(0));
        alarm(service, topic, &format!("{name}-not-empty"), &text, rings);
    }
    let oldest = service.environment.alarms.oldest_message_seconds;
    for (name, queue) in watched.waiting {
        let metric = queue_metric(queue, "ApproximateAgeOfOldestMessage");
        let text =
            format!("An event waits in {name} for more than {oldest} s: its function is slow, throttled or failing.");
        let rings = Rings::new("queue-oldest", metric, Maximum, Above(oldest));
        alarm(service, topic, &format!("{name}-oldest"), &text, rings);
    }
}

fn functions(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    for (name, function) in watched.functions {
        let env = &service.environment.name;
        let failed = format!("{name} failed or timed out; `cargo xtask logs --env {env} {name}` says why.");
        let throttled = format!("{name} was throttled: its reserved concurrency or the account's is used up.");
        let above_none = |runbook, metric| Rings::new(runbook, metric, Sum, Above(0));
        let errors = above_none("function-errors", function_metric(function, "Errors"));
        alarm(service, topic, &format!("{name}-errors"), &failed, errors);
        let throttles = above_none("function-throttles", function_metric(function, "Throttles"));
        alarm(service, topic, &format!("{name}-throttles"), &throttled, throttles);
    }
}

/// What the functions' own log lines say, each signal from every function that can raise it.
fn signals(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    for signal in Signal::ALL {
        for name in signal.raised_by() {
            let Some((_, function)) = watched.functions.iter().find(|(function, _)| function == name) else { continue };
            let log = service.stack.log_of(function);
            let filter = MetricFilter {
                log: &log,
                pattern: format!("{{ $.signal = \"{}\" }}", signal.as_str()),
                metric: signal_metric(service, *signal),
                adds: Adds::One,
            };
            service
                .stack
                .metric_filter(&format!("{}{}", logical(name, ""), logical(signal.as_str(), "Filter")), &filter);
        }
        let when = match signal {
            Signal::Forged => Above(service.environment.alarms.forged_events),
            // One answer of this kind is repeated at once, and means nothing.
            Signal::PaypalUnavailable => AtLeast(3),
            Signal::RateLimited
            | Signal::Undecided
            | Signal::VerifiedByPostback
            | Signal::WebhookUnknown
            | Signal::InvoiceFailed
            | Signal::PaidTwice
            | Signal::Unauthorized => Above(0),
        };
        let name = signal.as_str().replace('_', "-");
        let rings = Rings::new(&name, signal_metric(service, *signal), Sum, when);
        alarm(service, topic, &name, signal.meaning(), rings);
    }
}

/// How old events are when they are finished: the whole way, whatever it was that took the time.
fn age(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    let finishes = watched.functions.iter().find(|(name, _)| *name == signal::FINISHES);
    let Some((_, function)) = finishes else { return };
    let log = service.stack.log_of(function);
    let field = signal::AGE_FIELD;
    let metric = metric(&physical(service.environment, "signals"), "FinishedAge", Source::All);
    let filter = MetricFilter {
        log: &log,
        pattern: format!("{{ $.{field} = * }}"),
        metric: metric.clone(),
        adds: Adds::Field(format!("$.{field}")),
    };
    service.stack.metric_filter("FinishedAgeFilter", &filter);
    let oldest = service.environment.alarms.oldest_message_seconds;
    let text = format!("An event was finished more than {oldest} s after it came: something on its way was slow.");
    let rings = Rings::new("finished-age", metric.clone(), Maximum, Above(oldest));
    alarm(service, topic, "finished-age", &text, rings);

    // The absence of events: PayPal delivers nothing, or this service refuses or loses all of it.
    let hours = service.environment.alarms.nothing_finished_hours;
    let text =
        format!("No event was finished for {hours} h: webhooks do not arrive, are refused, or are not worked on.");
    let rings = Rings {
        period_seconds: 3600,
        periods: hours,
        missing: Missing::Alarming,
        ..Rings::new("nothing-finished", metric, SampleCount, Below(1))
    };
    alarm(service, topic, "nothing-finished", &text, rings);
}

/// Delay of events, as measured by the functions themselves: a delayed webhook is a new message for SQS, and SQS leaves
/// messages that were received three times out of the age of a standard queue's oldest.
fn delayed(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    let metric = metric(&physical(service.environment, "signals"), "DelayedAge", Source::All);
    let field = signal::DELAYED_FIELD;
    for (name, function) in watched.functions.iter().filter(|(name, _)| signal::DELAY.contains(name)) {
        let filter = MetricFilter {
            log: &service.stack.log_of(function),
            pattern: format!("{{ $.{field} = * }}"),
            metric: metric.clone(),
            adds: Adds::Field(format!("$.{field}")),
        };
        service.stack.metric_filter(&format!("{}DelayedAgeFilter", logical(name, "")), &filter);
    }
    let oldest = service.environment.alarms.oldest_message_seconds;
    let text = format!("An event has been tried for more than {oldest} s without success. It is tried again.");
    // The longest wait between two tries of an event is an hour as a rule: shorter periods would be without data between.
    let rings = Rings { period_seconds: 3600, ..Rings::new("delayed-age", metric, Maximum, Above(oldest)) };
    alarm(service, topic, "delayed-age", &text, rings);
}

/// Webhooks that were answered with 4xx, whoever did that: the receiver, or API Gateway before it.
fn refused(service: &mut Service<'_>, watched: &Watched<'_>, topic: &Handle<Topic>) {
    let Some(route) = &watched.webhook_route else { return };
    let metric = metric(&physical(service.environment, "signals"), "WebhookRefused", Source::All);
    let filter = MetricFilter {
        log: watched.access_log,
        pattern: format!("{{ $.routeKey = \"{route}\" && $.status = \"4*\" }}"),
        metric: metric.clone(),
        adds: Adds::One,
    };
    service.stack.metric_filter("WebhookRefusedFilter", &filter);
    let most = service.environment.alarms.refused_webhooks;
    let text = format!("More than {most} webhooks were refused in an hour. PayPal gives each up after three days.");
    let rings = Rings { period_seconds: 3600, ..Rings::new("webhook-refused", metric, Sum, Above(most)) };
    alarm(service, topic, "webhook-refused", &text, rings);
}

fn dashboard(service: &mut Service<'_>, watched: &Watched<'_>) {
    let lambda = |name: &str| watched.functions.iter().map(|(_, function)| function_metric(function, name)).collect();
    let all_queues = || watched.waiting.iter().chain(watched.errors).chain([&watched.forged]);
    let queue = |name: &str| all_queues().map(|(_, queue)| queue_metric(queue, name)).collect();
    let widget = |title: &str, statistic, metrics| Widget { title: title.to_owned(), statistic, metrics };
    let api = ["Count", "4xx", "5xx"].map(|name| api_metric(watched.api, name)).into();
    let signals = Signal::ALL.iter().map(|signal| signal_metric(service, *signal)).collect();
    let widgets = vec![
        widget("Requests", Sum, api),
        widget("Latency", Percentile(99), vec![api_metric(watched.api, "Latency")]),
        widget("Messages", Maximum, queue("ApproximateNumberOfMessagesVisible")),
        widget("Oldest message", Maximum, queue("ApproximateAgeOfOldestMessage")),
        widget("Invocations", Sum, lambda("Invocations")),
        widget("Errors", Sum, lambda("Errors")),
        widget("Duration", Percentile(99), lambda("Duration")),
        widget("What the functions say", Sum, signals),
    ];
    let name = physical(service.environment, "service");
    service.stack.dashboard("Dashboard", &Dashboard { name, widgets });
}

/// When an alarm goes into ALARM, and the runbook that says what to do.
struct Rings<'a> {
    /// The runbook's heading in `RUNBOOKS.md`, as links to it have it.
    runbook: &'a str,
    metric: Metric,
    statistic: Statistic,
    when: Comparison,
    period_seconds: u32,
    periods: u32,
    missing: Missing,
}

impl<'a> Rings<'a> {
    /// After one period of five minutes; a period without data is fine.
    fn new(runbook: &'a str, metric: Metric, statistic: Statistic, when: Comparison) -> Self {
        Self { runbook, metric, statistic, when, period_seconds: 300, periods: 1, missing: Missing::Fine }
    }
}

#[track_caller]
fn alarm(service: &mut Service<'_>, tells: &Handle<Topic>, name: &str, text: &str, rings: Rings<'_>) {
    let Rings { runbook, metric, statistic, when, period_seconds, periods, missing } = rings;
    let runbooks = service.environment.alarms.runbooks.as_deref().unwrap_or(RUNBOOKS);
    let description = format!("{text} Runbook: {runbooks}#{runbook}");
    let physical = physical(service.environment, name);
    let alarm =
        Alarm { statistic, period_seconds, periods, missing, ..Alarm::new(physical, description, metric, when, tells) };
    service.stack.alarm(&logical(name, "Alarm"), &alarm);
}

fn queue_metric(queue: &Handle<Queue>, name: &str) -> Metric {
    metric("AWS/SQS", name, Source::One("QueueName", queue.name().text()))
}

fn function_metric(function: &Handle<Function>, name: &str) -> Metric {
    metric("AWS/Lambda", name, Source::One("FunctionName", function.name().text()))
}

fn api_metric(api: &Handle<HttpApi>, name: &str) -> Metric {
    metric("AWS/ApiGateway", name, Source::One("ApiId", api.api_id().text()))
}

fn signal_metric(service: &Service<'_>, signal: Signal) -> Metric {
    metric(&physical(service.environment, "signals"), &logical(signal.as_str(), ""), Source::All)
}

fn metric(namespace: &str, name: &str, source: Source) -> Metric {
    Metric { namespace: namespace.to_owned(), name: name.to_owned(), source }
}
