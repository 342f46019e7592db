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
    wiring::{Monitored, Service},
};

/// Where the runbooks lie in the repository, for alarms of an environment that does not say where people read them.
const RUNBOOKS: &str = "infra/RUNBOOKS.md";

/// Adds the alarms of everything that is monitored, the topic that they notify, and the dashboard.
pub(crate) fn add_alarms(service: &mut Service<'_>) {
    let topic = &service.alarm_topic("alarms");
    service.stack.output(
        "AlarmsTopicArn",
        "tells when an alarm rings and when it is over; subscribe here",
        topic.arn(),
    );
    let monitored = &std::mem::take(&mut service.monitored);
    queues(service, monitored, topic);
    functions(service, monitored, topic);
    signals(service, monitored, topic);
    age(service, monitored, topic);
    delayed(service, monitored, topic);
    if let Some((api, access_log)) = &monitored.api {
        refused(service, monitored, access_log, topic);
        let api = Rings::new("api-5xx", api_metric(api, "5xx"), Sum, AtLeast(5));
        alarm(service, topic, "api-5xx", "The API answers with 5xx.", api);
    }
    dashboard(service, monitored);
}

fn queues(service: &mut Service<'_>, monitored: &Monitored, topic: &Handle<Topic>) {
    for (name, queue) in &monitored.errors {
        let metric = queue_metric(queue, "ApproximateNumberOfMessagesVisible");
        let env = &service.environment.name;
        let text = format!(
            "Events lie in {name}: `cargo xtask errors list --env {env}` says why each of them failed, and `cargo xtask errors \
             redrive --env {env}` sends them back to work."
        );
        let rings = Rings::new("queue-not-empty", metric, Maximum, Above(0));
        alarm(service, topic, &format!("{name}-not-empty"), &text, rings);
    }
    for (name, queue) in &monitored.terminal {
        let metric = queue_metric(queue, "ApproximateNumberOfMessagesVisible");
        let rings = Rings::new("queue-not-empty", metric, Maximum, Above(0));
        alarm(service, topic, &format!("{name}-not-empty"), &format!("Messages in {name} wait for a person."), rings);
    }
    let oldest = service.environment.alarms.oldest_message_seconds;
    for (name, queue) in &monitored.waiting {
        let metric = queue_metric(queue, "ApproximateAgeOfOldestMessage");
        let text =
            format!("An event waits in {name} for more than {oldest} s: its function is slow, throttled or failing.");
        let rings = Rings::new("queue-oldest", metric, Maximum, Above(oldest));
        alarm(service, topic, &format!("{name}-oldest"), &text, rings);
    }
}

fn functions(service: &mut Service<'_>, monitored: &Monitored, topic: &Handle<Topic>) {
    for (name, function, _) in &monitored.functions {
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
fn signals(service: &mut Service<'_>, monitored: &Monitored, topic: &Handle<Topic>) {
    for signal in Signal::ALL {
        for name in signal.raised_by() {
            let Some(function) = function_named(monitored, name) else { continue };
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
fn age(service: &mut Service<'_>, monitored: &Monitored, topic: &Handle<Topic>) {
    let Some(function) = function_named(monitored, signal::FINISHES) else { return };
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
fn delayed(service: &mut Service<'_>, monitored: &Monitored, topic: &Handle<Topic>) {
    let metric = metric(&physical(service.environment, "signals"), "DelayedAge", Source::All);
    let field = signal::DELAYED_FIELD;
    for (name, function, _) in monitored.functions.iter().filter(|(name, ..)| signal::DELAY.contains(name)) {
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
fn refused(service: &mut Service<'_>, monitored: &Monitored, access_log: &Handle<LogGroup>, topic: &Handle<Topic>) {
    let receiver = monitored.functions.iter().find(|(name, ..)| *name == signal::RECEIVES);
    let Some(route) = receiver.and_then(|(.., route)| route.as_ref()) else { return };
    let metric = metric(&physical(service.environment, "signals"), "WebhookRefused", Source::All);
    let filter = MetricFilter {
        log: access_log,
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

fn dashboard(service: &mut Service<'_>, monitored: &Monitored) {
    let lambda =
        |name: &str| monitored.functions.iter().map(|(_, function, _)| function_metric(function, name)).collect();
    let Monitored { waiting, errors, terminal, open, .. } = monitored;
    let all_queues = || [waiting, errors, terminal, open].into_iter().flatten();
    let queue = |name: &str| all_queues().map(|(_, queue)| queue_metric(queue, name)).collect();
    let widget = |title: &str, statistic, metrics| Widget { title: title.to_owned(), statistic, metrics };
    let api = monitored.api.as_ref().map(|(api, _)| api);
    let of_api =
        |names: &[&str]| api.into_iter().flat_map(|api| names.iter().map(|name| api_metric(api, name))).collect();
    let signals = Signal::ALL.iter().map(|signal| signal_metric(service, *signal)).collect();
    let widgets = vec![
        widget("Requests", Sum, of_api(&["Count", "4xx", "5xx"])),
        widget("Latency", Percentile(99), of_api(&["Latency"])),
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

/// The function of this name.
fn function_named<'a>(monitored: &'a Monitored, name: &str) -> Option<&'a Handle<Function>> {
    monitored.functions.iter().find(|(function, ..)| *function == name).map(|(_, function, _)| function)
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
