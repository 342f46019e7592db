//! `soak`: the whole service under load and faults, and an audit from outside.
//!
//! Webhooks are made and signed by PayPal's sandbox and delivered from here, so that this program knows what was accepted.
//! It reads the topic `finished` and the error queues as any subscriber would, and PayPal's invoices in the end. Meanwhile
//! PayPal fails a tenth of all calls, and a function is killed every second.

mod audit;
pub(super) mod service;
mod traffic;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use contract::{
    event::{Finished, Rejected},
    functions::ALL,
};
use fastrand::Rng;
use infra::Environment;
use serde_json::{Value, json};

use xtask::{
    cargo,
    cli::{ReportFormat, Soak},
    commands::local::{CONSOLE_ORIGIN, PAYPAL_ORIGIN},
    context::{Context, write_whole},
    report::Failure,
};

use crate::{
    ports,
    running::{Running, Usage},
};
use audit::{Audit, Fate, Fates};
use service::Service;
use traffic::{Delivery, Event, Forgery, Traffic};

/// The plan that the sandbox has from the start.
const PLAN: &str = "P-5ML4271244454362WXNWU5NQ";
/// So many deliveries are under way at once.
const SENDERS: usize = 16;
/// So many accepted events may be on their way; more would only wait, until they are too old to be tried again.
const ON_THE_WAY: usize = 400;
/// How likely each of PayPal's four faults hits a call: a tenth together.
const FAULT: f64 = 0.026;
/// As often a delivery is tried, as by PayPal.
const ATTEMPTS: u32 = 25;
/// The first wait before a delivery is tried again; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// When the service gives up. A function that is killed holds its events back for thirty seconds, and some are hit several
/// times in a row; the two minutes of the local environment would count that as PayPal's failure.
const GIVE_UP_SECONDS: u32 = 600;
/// When nothing has come to an end for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often functions are killed, and how often memory is looked at.
const BEAT: Duration = Duration::from_secs(1);
/// So many looks at memory make a quarter that says something.
const SAMPLES: usize = 10;
/// How much more memory than in the second quarter a function may hold in the last, in MiB.
const GROWTH_MIB: f64 = 4.0;

pub(crate) fn run(context: &Context, options: &Soak) -> Result<(), Failure> {
    let mut environment = context.environment("local")?;
    environment.retry.give_up_after_seconds = GIVE_UP_SECONDS;
    let binaries = match &options.binaries {
        Some(folder) => folder.clone(),
        None => cargo::handlers_folder(context, false)?,
    };
    let folder = context.root.join("target/soak");
    std::fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let log = folder.join("local.log");
    let prefix = format!("{}-{}-", environment.service, environment.name);
    let (account, region) = (environment.account.clone(), environment.region.clone());
    let options_of_local = start_options(environment, &folder)?;
    let running = Running::start_with(context, &binaries, ALL.len(), Some(&log), &options_of_local)?;
    let service = Service::of(&running, &prefix, &account, &region);
    let count = usize::try_from(options.webhooks).map_err(Failure::new)?;
    let soak = Arc::new(Run::prepare(service, Traffic::of(count, options.seed))?);
    let audit = soak.carry_out(context, &running, options.seed)?;
    match options.format {
        ReportFormat::Text => print!("{audit}"),
        ReportFormat::Json => {
            println!("{}", serde_json::to_string_pretty(&audit).map_err(Failure::from("cannot write the audit"))?);
        }
    }
    if audit.faults.is_empty() {
        return Ok(());
    }
    let help = format!(
        "what happened stands in {}; cargo xtask soak --webhooks {count} --seed {} sends the same again",
        log.display(),
        options.seed
    );
    Err(Failure::new("the audit found faults").help(help))
}

/// Ports, and the template with their addresses in it.
fn start_options(environment: Environment, folder: &Path) -> Result<Vec<String>, Failure> {
    let [api, console, aws, paypal] = ports::free()?;
    let origin = |port: u16| format!("http://127.0.0.1:{port}");
    let moved = environment.moved(CONSOLE_ORIGIN, &origin(console));
    let template = infra::service(&moved.moved(PAYPAL_ORIGIN, &origin(paypal))).map_err(Failure::new)?;
    let file = folder.join("template.yaml");
    write_whole(&file, cfn::write::yaml(&template))?;
    let ports = [("--port", api), ("--console-port", console), ("--aws-port", aws), ("--paypal-port", paypal)];
    let ports = ports.into_iter().flat_map(|(option, port)| [option.to_owned(), port.to_string()]);
    Ok(ports.chain(["--template".to_owned(), file.display().to_string()]).collect())
}

/// An event that the sandbox made: its body, and its genuine headers.
struct Made {
    id: String,
    body: String,
    headers: Value,
}

/// One soak, shared by its threads.
struct Run {
    service: Service,
    traffic: Traffic,
    subscriptions: Vec<String>,
    inbox: String,
    /// Events that were made and will be delivered again, with how often.
    made: Vec<Mutex<(u32, Option<Arc<Made>>)>>,
    fates: Mutex<Fates>,
    /// Is told when an event has come to its end.
    ended: Condvar,
    next: AtomicUsize,
    kills: AtomicUsize,
    delivered_again: AtomicUsize,
    stop: AtomicBool,
}

impl Run {
    fn prepare(service: Service, traffic: Traffic) -> Result<Self, Failure> {
        let wanted = json!({ "plan_id": PLAN, "count": traffic.subscriptions });
        let ids = service.sandbox("subscriptions", &wanted)?;
        let ids = ids.as_array().into_iter().flatten();
        let subscriptions = ids.filter_map(|id| id.as_str().map(str::to_owned)).collect();
        let inbox = service.inbox("soak-finished")?;
        for fault in [
            json!({ "kind": "status", "status": 429, "retry_after": "1" }),
            json!({ "kind": "status", "status": 503 }),
            json!({ "kind": "delay", "delay_ms": 500 }),
            json!({ "kind": "lose_answer" }),
        ] {
            let mut fault = fault;
            if let Some(fault) = fault.as_object_mut() {
                fault.insert("match".to_owned(), json!("*"));
                fault.insert("probability".to_owned(), json!(FAULT));
            }
            service.sandbox("faults", &fault)?;
        }
        let made = traffic.deliveries_of_each().into_iter().map(|count| Mutex::new((count, None))).collect();
        Ok(Self {
            service,
            traffic,
            subscriptions,
            inbox,
            made,
            fates: Mutex::default(),
            ended: Condvar::new(),
            next: AtomicUsize::new(0),
            kills: AtomicUsize::new(0),
            delivered_again: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        })
    }

    fn carry_out(self: &Arc<Self>, context: &Context, running: &Running, seed: u64) -> Result<Audit, Failure> {
        let since = Instant::now();
        let senders: Vec<_> = (0..SENDERS).map(|_| self.spawn(Self::send)).collect();
        let ends = ["forged", "errors", "errors.fifo"].map(|queue| self.service.queue(queue));
        let queues = std::iter::once(self.inbox.clone()).chain(ends);
        let mut others: Vec<_> = queues.map(|queue| self.spawn(move |run| run.read(&queue))).collect();
        others.push(self.spawn(move |run| run.kill(seed)));
        let samples = self.watch(context, running, &senders);
        let sent = join(senders);
        let waited = if sent.is_ok() { self.wait_for_ends(context) } else { Ok(()) };
        let seconds = since.elapsed().as_secs_f64();
        self.stop.store(true, Ordering::Relaxed);
        join(others)?;
        sent?;
        waited?;
        self.audit(seed, seconds, &samples)
    }

    fn spawn(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<(), Failure> + Send + 'static,
    ) -> thread::JoinHandle<Result<(), Failure>> {
        let run = Arc::clone(self);
        thread::spawn(move || {
            let done = work(&run);
            // What one cannot do ends the run for all.
            if done.is_err() {
                run.stop.store(true, Ordering::Relaxed);
            }
            done
        })
    }

    /// Delivers what comes next, until all is delivered.
    fn send(&self) -> Result<(), Failure> {
        while !self.stop.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(delivery) = self.traffic.deliveries.get(at) else { return Ok(()) };
            let Some(event) = self.traffic.events.get(delivery.event) else { return Ok(()) };
            self.wait_for_room();
            let made = self.made(*delivery, *event)?;
            let (body, headers) = self.forged(&made, event.forgery)?;
            let accepted = self.deliver(&body, &headers)?;
            self.fates().change(&made.id, |fate| fate.accepted |= accepted);
        }
        Ok(())
    }

    /// Posts a webhook until it is taken or refused, as PayPal does; whether it was taken.
    fn deliver(&self, body: &str, headers: &Value) -> Result<bool, Failure> {
        let mut wait = FIRST_WAIT;
        for _ in 0..ATTEMPTS {
            // A connection that a killed function closes is no answer either.
            match self.service.deliver(body, headers) {
                Ok(status) if (200..300).contains(&status) => return Ok(true),
                Ok(status) if (400..500).contains(&status) && status != 429 => return Ok(false),
                Ok(_) | Err(_) => self.delivered_again.fetch_add(1, Ordering::Relaxed),
            };
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(Failure::new(format!("a webhook was not answered with 2xx in {ATTEMPTS} tries")))
    }

    /// The event, made by the sandbox when it is first needed and forgotten with its last delivery.
    fn made(&self, delivery: Delivery, event: Event) -> Result<Arc<Made>, Failure> {
        let place = self.made.get(delivery.event).ok_or_else(|| Failure::new("an event that was not planned"))?;
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        place.0 = place.0.saturating_sub(1);
        let made = match place.1.take() {
            Some(made) => made,
            None => Arc::new(self.make(event)?),
        };
        if place.0 > 0 {
            place.1 = Some(Arc::clone(&made));
        }
        Ok(made)
    }

    fn make(&self, event: Event) -> Result<Made, Failure> {
        let subscription = self.subscriptions.get(event.subscription).map(String::as_str).unwrap_or_default();
        let wanted = json!({ "event_type": event.kind, "subscription": subscription, "deliver": false });
        let mut answer = self.service.sandbox("events", &wanted)?;
        let headers = answer.get_mut("headers").map(Value::take).unwrap_or_default();
        let body = answer.get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
        let parsed: Value = serde_json::from_str(&body).map_err(Failure::from("the sandbox's event"))?;
        let text = |pointer: &str| parsed.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("/id");
        let sale = (event.kind == "PAYMENT.SALE.COMPLETED").then(|| text("/resource/id"));
        self.fates().change(&id, |fate| (fate.kind, fate.sale, fate.forgery) = (event.kind, sale, event.forgery));
        Ok(Made { id, body, headers })
    }

    /// Body and headers as they are delivered.
    fn forged(&self, made: &Made, forgery: Option<Forgery>) -> Result<(String, Value), Failure> {
        let (mut body, mut headers) = (made.body.clone(), made.headers.clone());
        let signed = |what: &str, wanted: &Value| {
            let mut answer = self.service.sandbox(what, wanted)?;
            Ok::<_, Failure>(answer.get_mut("headers").map(Value::take).unwrap_or_default())
        };
        match forgery {
            None => {}
            Some(Forgery::Body) => body = body.replacen("\"total\":\"", "\"total\":\"9", 1),
            Some(Forgery::Authority) => headers = signed("forge", &json!({ "body": body }))?,
            Some(Forgery::Webhook) => {
                headers = signed("sign", &json!({ "body": body, "webhook_id": "0AB12345CD678901E" }))?;
            }
            Some(Forgery::CertificateAddress) => {
                if let Some(headers) = headers.as_object_mut() {
                    let address = "http://169.254.169.254/v1/notifications/certs/CERT-1-2-3";
                    headers.insert("paypal-cert-url".to_owned(), json!(address));
                }
            }
            Some(Forgery::Header) => {
                headers.as_object_mut().map(|headers| headers.remove("paypal-transmission-sig"));
            }
        }
        Ok((body, headers))
    }

    /// Waits while too many are on their way.
    fn wait_for_room(&self) {
        let mut fates = self.fates();
        while fates.on_the_way() >= ON_THE_WAY && !self.stop.load(Ordering::Relaxed) {
            fates = self.ended.wait_timeout(fates, BEAT).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reads a queue until the run is over.
    fn read(&self, queue: &str) -> Result<(), Failure> {
        while !self.stop.load(Ordering::Relaxed) {
            for message in self.service.take(queue)? {
                self.note(queue, &message.body);
            }
        }
        Ok(())
    }

    fn note(&self, queue: &str, body: &str) {
        let mut fates = self.fates();
        if *queue == self.inbox {
            match serde_json::from_str::<Finished>(body) {
                Ok(finished) => fates.change(&finished.event_id, |fate| {
                    fate.finished += 1;
                    fate.outcome = finished.outcome.as_str().to_owned();
                }),
                Err(error) => fates.change(&format!("on finished: {error}"), |fate| fate.reasons.push(String::new())),
            }
        } else {
            let (id, reason, detail) = match serde_json::from_str::<Rejected>(body) {
                Ok(rejected) => (event_id(&rejected), rejected.reason, rejected.detail),
                Err(error) => ("in an error queue".to_owned(), String::new(), error.to_string()),
            };
            fates.change(&id, |fate| {
                fate.reasons.push(reason);
                fate.detail = detail;
            });
        }
        drop(fates);
        self.ended.notify_all();
    }

    /// Kills one function after the other, as long as there is something to deliver: what was killed in the middle of its
    /// work comes again half a minute later, and must have its chance.
    fn kill(&self, seed: u64) -> Result<(), Failure> {
        let mut random = Rng::with_seed(seed);
        let delivering = || self.next.load(Ordering::Relaxed) < self.traffic.deliveries.len();
        while delivering() && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(BEAT);
            if let Some(function) = random.choice(ALL) {
                self.service.kill(function.name)?;
                self.kills.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Says how far it is and looks at the processes' memory, until all is delivered.
    fn watch<T>(&self, context: &Context, running: &Running, senders: &[thread::JoinHandle<T>]) -> Vec<Sample> {
        let (mut samples, since) = (Vec::new(), Instant::now());
        while senders.iter().any(|sender| !sender.is_finished()) {
            thread::sleep(BEAT);
            let memory = running.usage().into_iter().map(|(name, Usage { resident_mib, .. })| (name, resident_mib));
            samples.push(Sample { memory: memory.collect() });
            if samples.len() % 10 == 0 {
                let sent = self.next.load(Ordering::Relaxed).min(self.traffic.deliveries.len());
                let (of, seconds) = (self.traffic.deliveries.len(), since.elapsed().as_secs());
                context.progress(&format!("{seconds:>5} s  {sent} of {of} delivered"));
            }
        }
        samples
    }

    /// Waits until all that was accepted has come to its end, and no message is left.
    fn wait_for_ends(&self, context: &Context) -> Result<(), Failure> {
        let (mut left_before, mut since) = (usize::MAX, Instant::now());
        loop {
            let left = self.fates().on_the_way();
            let queued = ["unverified", "verified.fifo"].map(|name| self.service.depth(&self.service.queue(name)));
            let queued = queued.into_iter().sum::<Result<u64, _>>()?;
            if left == 0 && queued == 0 {
                return Ok(());
            }
            let left = left + usize::try_from(queued).unwrap_or(usize::MAX);
            if left < left_before {
                (left_before, since) = (left, Instant::now());
            } else if since.elapsed() > PATIENCE {
                context.progress(&format!("{left} events come to no end"));
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn audit(&self, seed: u64, seconds: f64, samples: &[Sample]) -> Result<Audit, Failure> {
        let invoices = self.service.invoices()?;
        let fates = self.fates();
        let paid = |invoice: &&Value| invoice.pointer("/document/status") == Some(&json!("MARKED_AS_PAID"));
        let memory_mib = quarters(samples);
        let mut faults = audit::faults(&fates, &invoices);
        let grown = memory_mib.iter().filter(|(_, (early, late))| *late > *early + GROWTH_MIB);
        faults.extend(grown.map(|(name, (early, late))| format!("{name} grew from {early:.1} to {late:.1} MiB")));
        let genuine_sale = |fate: &&Fate| fate.accepted && fate.forgery.is_none() && fate.sale.is_some();
        Ok(Audit {
            seed,
            deliveries: self.traffic.deliveries.len(),
            events: self.traffic.events.len(),
            sales: fates.all().filter(genuine_sale).count(),
            paid_invoices: invoices.iter().filter(paid).count(),
            ends: audit::ends(fates.all().filter(|fate| fate.forgery.is_none())),
            forged: audit::ends(fates.all().filter(|fate| fate.forgery.is_some())),
            kills: self.kills.load(Ordering::Relaxed),
            delivered_again: self.delivered_again.load(Ordering::Relaxed),
            seconds,
            memory_mib,
            faults,
        })
    }

    fn fates(&self) -> MutexGuard<'_, Fates> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the functions' processes held at one moment, in MiB.
struct Sample {
    memory: Vec<(String, f64)>,
}

/// The greatest of the second quarter and of the last, for each function; nothing for a run that was too short to tell.
fn quarters(samples: &[Sample]) -> BTreeMap<String, (f64, f64)> {
    let quarter = samples.len() / 4;
    if quarter < SAMPLES {
        return BTreeMap::new();
    }
    let mut greatest: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate().skip(quarter) {
        for (name, mib) in &sample.memory {
            let (early, late) = greatest.entry(name.clone()).or_default();
            if at < 2 * quarter {
                *early = early.max(*mib);
            } else if at >= 3 * quarter {
                *late = late.max(*mib);
            }
        }
    }
    greatest
}

/// The id of the event that a message in an error queue is about.
fn event_id(rejected: &Rejected) -> String {
    let body = rejected.envelope.as_ref().map(|envelope| envelope.body.as_slice()).unwrap_or_default();
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    event.get("id").and_then(Value::as_str).unwrap_or("in an error queue: no event").to_owned()
}

fn join(threads: Vec<thread::JoinHandle<Result<(), Failure>>>) -> Result<(), Failure> {
    let ended = threads
        .into_iter()
        .map(|thread| thread.join().unwrap_or_else(|_| Err(Failure::new("a thread of the soak panicked"))));
    ended.collect()
}
