//! The service itself: how many webhooks a second are taken, verified and published, how many completed sales a second become
//! paid invoices, how long one takes at each rate, and how long behind a flood of forged webhooks. Nothing may be lost. The
//! functions are built as they are shipped.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use contract::{event::Finished, functions::ALL};
use serde_json::{Value, json};

use super::{
    client::Place,
    load::count,
    report::{Table, number, percentile},
    runners::{ACCOUNT, REGION, ask, sqs},
};
use xtask::{commands::build, context::Context, report::Failure};

use crate::{processes, running::Running, soak::service::Service};

const PLAN: &str = "P-5ML4271244454362WXNWU5NQ";
const SALE: &str = "PAYMENT.SALE.COMPLETED";
/// An event that is verified and told, and leads to no invoice.
const OTHER: &str = "BILLING.SUBSCRIPTION.ACTIVATED";
const SUBSCRIPTIONS: usize = 200;
/// As many are sent as fast as they are taken.
const OTHERS: usize = 3_000;
const SALES: usize = 600;
/// So many sales a second are offered, each rate for this long.
const RATES: [u32; 5] = [10, 25, 50, 100, 200];
const SECONDS: usize = 2;
const SENDERS: usize = 16;
/// Forged webhooks in front of a genuine sale.
const FORGED: usize = 10_000;
/// When nothing has come to an end for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event as the sandbox signed it.
#[derive(serde::Deserialize)]
struct Signed {
    body: String,
    headers: BTreeMap<String, String>,
}

/// A webhook, ready to be sent.
struct Webhook {
    id: String,
    request: Vec<u8>,
}

/// What became of webhooks.
struct Outcome {
    /// From the first one sent until the last one was answered with 200.
    taken: Duration,
    /// From the first one sent until `finished` told of the last one.
    finished: Duration,
    /// From each one sent until `finished` told of it, in milliseconds.
    took: Vec<f64>,
    outcomes: BTreeMap<String, usize>,
}

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let binaries = build::pack(context, build::this_machine()?, None)?.binaries;
    let environment = context.environment("local")?;
    let prefix = format!("{}-{}-", environment.service, environment.name);
    let folder = context.root.join("target/bench");
    std::fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let running = Running::start(context, &binaries, ALL.len(), Some(&folder.join("webhooks.log")))?;
    let service = Service::of(&running, &prefix, ACCOUNT, REGION);
    let bench = Bench {
        api: Place::of(running.address("api")),
        aws: Place::of(running.address("aws")),
        inbox: service.inbox("bench-finished")?,
        subscriptions: subscriptions(&service)?,
        service,
    };
    let others = bench.made(OTHER, OTHERS)?;
    let cpu = || processes::family(running.id()).iter().map(|process| process.cpu_ms).sum::<f64>();
    let before = cpu();
    let others = bench.run(&others, None)?;
    let used = (cpu() - before) / whole(OTHERS);
    let rate = |count_of: usize, time: Duration| format!("{}/s", number(whole(count_of) / time.as_secs_f64()));
    table.add("webhooks taken, as fast as it goes", rate(OTHERS, others.taken), "at least 1,000/s");
    table.add("webhooks taken, verified and published", rate(OTHERS, others.finished), "at least 1,000/s");
    table.add("CPU of a webhook, of the cloud and all functions", format!("{} ms", number(used)), "");
    let mut sales = 0;
    for offered in RATES {
        let number_of = usize::try_from(offered).unwrap_or_default() * SECONDS;
        let outcome = bench.run(&bench.made(SALE, number_of)?, Some(offered))?;
        sales += number_of;
        let (p50, p99) = (percentile(&outcome.took, 50), percentile(&outcome.took, 99));
        let text = format!("p50 {} ms, p99 {} ms", number(p50), number(p99));
        table.add(format!("{offered} sales/s offered: webhook to paid invoice"), text, "");
        table.point("events per second", "p50, webhook to paid invoice", "ms", f64::from(offered), p50);
        table.point("events per second", "p99, webhook to paid invoice", "ms", f64::from(offered), p99);
    }
    let burst = bench.run(&bench.made(SALE, SALES)?, None)?;
    sales += SALES;
    table.add("completed sales to paid invoices, as fast as it goes", rate(SALES, burst.finished), "at least 200/s");
    let (flood, behind) = bench.sale_behind_forged_webhooks()?;
    sales += 1;
    let flood = number(flood.as_secs_f64());
    let label = format!("sale behind {FORGED} forged webhooks sent within {flood} s: webhook to paid invoice");
    table.add(label, format!("{} s", number(behind.as_secs_f64())), "at most 5 s until it is verified");
    let outcomes = burst.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}"));
    table.add("what became of them", outcomes.collect::<Vec<_>>().join(", "), "");
    let invoices = bench.service.invoices()?;
    let paid =
        invoices.iter().filter(|invoice| invoice.pointer("/document/status") == Some(&json!("MARKED_AS_PAID"))).count();
    table.add("paid invoices of all sales", format!("{paid} of {sales}"), "all");
    Ok(())
}

fn subscriptions(service: &Service) -> Result<Vec<String>, Failure> {
    let made = service.sandbox("subscriptions", &json!({ "plan_id": PLAN, "count": SUBSCRIPTIONS }))?;
    Ok(made.as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

struct Bench {
    service: Service,
    api: Place,
    aws: Place,
    inbox: String,
    subscriptions: Vec<String>,
}

impl Bench {
    /// Events of this type, made and signed by the sandbox, of one subscription after the other.
    fn made(&self, kind: &str, count: usize) -> Result<Vec<Webhook>, Failure> {
        let subscriptions = self.subscriptions.iter().cycle().take(count);
        let made = subscriptions.map(|subscription| {
            let signed = self.signed(kind, subscription)?;
            let event: Value = serde_json::from_str(&signed.body).map_err(Failure::from("the sandbox's event"))?;
            let id = event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Webhook { id, request: self.request(&signed, &signed.body) })
        });
        made.collect()
    }

    /// An event that the sandbox made and signed, and did not deliver.
    fn signed(&self, kind: &str, subscription: &str) -> Result<Signed, Failure> {
        let wanted = json!({ "event_type": kind, "subscription": subscription, "deliver": false });
        serde_json::from_value(self.service.sandbox("events", &wanted)?).map_err(Failure::from("the sandbox's event"))
    }

    /// The delivery of a body under the headers of a signed event.
    fn request(&self, signed: &Signed, body: &str) -> Vec<u8> {
        let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.api.request("POST", "/webhook/receiver", &headers, body.as_bytes())
    }

    /// Sends forged webhooks as fast as they are accepted, then a genuine sale. Returns the time that sending the forged ones
    /// took, and the time from sending the sale to its event on `finished`.
    fn sale_behind_forged_webhooks(&self) -> Result<(Duration, Duration), Failure> {
        let subscription = self.subscriptions.first().ok_or_else(|| Failure::new("there is no subscription"))?;
        let signed = self.signed(SALE, subscription)?;
        let next = AtomicUsize::new(0);
        let send = || {
            let mut connection = self.api.connect();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= FORGED {
                    return Ok(());
                }
                // Each one is another message, under headers that were signed for the original.
                let body = format!("{}{}", signed.body, " ".repeat(number % 97 + 1));
                ask(&mut connection, &self.request(&signed, &body))?;
            }
        };
        let since = Instant::now();
        thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
            senders.into_iter().try_for_each(|sender| {
                let ended: Result<(), Failure> = sender.join().map_err(|_| Failure::new("a sender panicked"))?;
                ended
            })
        })?;
        let flood = since.elapsed();
        let since = Instant::now();
        ask(&mut self.api.connect(), &self.request(&signed, &signed.body))?;
        let finished = self.finished(1)?;
        let end =
            finished.values().map(|(at, _)| *at).max().ok_or_else(|| Failure::new("the sale was not finished"))?;
        Ok((flood, end - since))
    }

    /// Sends webhooks, so many a second or as fast as they are taken, and waits until all have come to their end.
    fn run(&self, webhooks: &[Webhook], rate: Option<u32>) -> Result<Outcome, Failure> {
        let (next, sent) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
        let since = Instant::now();
        let send = || {
            let mut connection = self.api.connect();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(webhook) = webhooks.get(at) else { return Ok(Instant::now()) };
                if let Some(rate) = rate {
                    let due = since + Duration::from_secs_f64(whole(at) / f64::from(rate));
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                sent.lock().unwrap_or_else(PoisonError::into_inner).insert(webhook.id.clone(), Instant::now());
                ask(&mut connection, &webhook.request)?;
            }
        };
        thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
            let finished = self.finished(webhooks.len());
            let mut last = since;
            for sender in senders {
                let ended: Result<Instant, Failure> = sender.join().map_err(|_| Failure::new("a sender panicked"))?;
                last = last.max(ended?);
            }
            let finished = finished?;
            let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            let took = finished.iter().filter_map(|(id, (at, _))| Some((*at - *sent.get(id)?).as_secs_f64() * 1e3));
            let mut outcomes = BTreeMap::new();
            for (_, outcome) in finished.values() {
                *outcomes.entry(outcome.clone()).or_default() += 1;
            }
            let end = finished.values().map(|(at, _)| *at).max().unwrap_or(since);
            Ok(Outcome { taken: last - since, finished: end - since, took: took.collect(), outcomes })
        })
    }

    /// Reads `finished` until so many events have come to their end: when each did, and how.
    fn finished(&self, wanted: usize) -> Result<HashMap<String, (Instant, String)>, Failure> {
        let mut connection = self.aws.connect();
        let receive = json!({ "QueueUrl": self.inbox, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let receive = sqs(&self.aws, "ReceiveMessage", &receive);
        let (mut known, mut news) = (HashMap::new(), Instant::now());
        while known.len() < wanted {
            if news.elapsed() > PATIENCE {
                return Err(Failure::new(format!("{} of {wanted} events have come to no end", wanted - known.len())));
            }
            let answer = ask(&mut connection, &receive)?;
            let at = Instant::now();
            let answer: Value = serde_json::from_str(&answer).map_err(Failure::from("ReceiveMessage"))?;
            let messages = answer.get("Messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for message in messages {
                let body = message.get("Body").and_then(Value::as_str).unwrap_or_default();
                let finished: Finished = serde_json::from_str(body).map_err(Failure::from("finished"))?;
                known.entry(finished.event_id).or_insert((at, finished.outcome.as_str().to_owned()));
                news = at;
            }
            let entries: Vec<_> = messages
                .iter()
                .enumerate()
                .map(|(at, message)| json!({ "Id": at.to_string(), "ReceiptHandle": message.get("ReceiptHandle") }))
                .collect();
            if !entries.is_empty() {
                let delete = json!({ "QueueUrl": self.inbox, "Entries": entries });
                ask(&mut connection, &sqs(&self.aws, "DeleteMessageBatch", &delete))?;
            }
        }
        Ok(known)
    }
}

fn whole(number: usize) -> f64 {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}
