//! What became of every delivery, told from outside, and whether that is what was promised.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::traffic::Forgery;

/// So many examples of a fault are named.
const EXAMPLES: usize = 5;

/// What is known of one event.
#[derive(Default)]
pub(super) struct Fate {
    /// PayPal's type of it.
    pub(super) kind: &'static str,
    /// The sale that it is about, where it is a completed one.
    pub(super) sale: Option<String>,
    /// How its delivery was forged.
    pub(super) forgery: Option<Forgery>,
    /// Whether a delivery of it was answered with 2xx.
    pub(super) accepted: bool,
    /// How often `finished` told of it: at least once is promised, repeats are known by the event's id.
    pub(super) finished: u32,
    /// The outcome that `finished` told last.
    pub(super) outcome: String,
    /// The reasons with which it lay in an error queue.
    pub(super) reasons: Vec<String>,
    /// The sentence beside the last reason.
    pub(super) detail: String,
}

impl Fate {
    /// Whether it has come to an end, or never began.
    pub(super) fn has_ended(&self) -> bool {
        !self.accepted || self.finished > 0 || !self.reasons.is_empty()
    }
}

/// What is known of all events, by their ids.
#[derive(Default)]
pub(super) struct Fates {
    by_id: HashMap<String, Fate>,
    on_the_way: usize,
}

impl Fates {
    /// Notes something about an event, also one that was not known before.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Fate)) {
        let fate = self.by_id.entry(id.to_owned()).or_default();
        let was_on_the_way = !fate.has_ended();
        change(fate);
        match (was_on_the_way, !fate.has_ended()) {
            (false, true) => self.on_the_way += 1,
            (true, false) => self.on_the_way -= 1,
            _ => {}
        }
    }

    /// How many were accepted and have not come to their end.
    pub(super) fn on_the_way(&self) -> usize {
        self.on_the_way
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Fate> {
        self.by_id.values()
    }
}

/// The result. Fields are added, never changed or removed.
#[derive(Serialize)]
pub(super) struct Audit {
    /// What the run was made from.
    pub(super) seed: u64,
    /// How many webhooks were delivered, repeats and forgeries among them.
    pub(super) deliveries: usize,
    /// How many events they were.
    pub(super) events: usize,
    /// How many completed sales were accepted.
    pub(super) sales: usize,
    /// How many invoices PayPal has that are paid.
    pub(super) paid_invoices: usize,
    /// What became of the genuine events, by the outcome on `finished` or the reason in an error queue.
    pub(super) ends: BTreeMap<String, usize>,
    /// What became of the forged ones.
    pub(super) forged: BTreeMap<String, usize>,
    /// How often functions were killed.
    pub(super) kills: usize,
    /// How often a delivery was answered with an error, and came again as PayPal's does.
    pub(super) delivered_again: usize,
    /// From the first delivery to the last end, in seconds.
    pub(super) seconds: f64,
    /// The greatest resident memory of each function's processes in the second quarter and in the last, in MiB.
    pub(super) memory_mib: BTreeMap<String, (f64, f64)>,
    /// What is not as it was promised; empty when all is well.
    pub(super) faults: Vec<String>,
}

/// Holds what was promised against what came of it.
pub(super) fn faults(fates: &Fates, invoices: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut by_number: HashMap<&str, Vec<&Value>> = HashMap::new();
    for invoice in invoices {
        by_number.entry(text(invoice, "/document/detail/invoice_number")).or_default().push(invoice);
    }
    let is_genuine_sale = |fate: &&Fate| fate.accepted && fate.forgery.is_none() && fate.sale.is_some();
    let mut expected = HashSet::new();
    for fate in fates.all().filter(is_genuine_sale) {
        let sale = fate.sale.as_deref().unwrap_or_default();
        let number = format!("SUB-{sale}");
        let what = match by_number.get(number.as_str()).map(Vec::as_slice) {
            None => Some("has no invoice".to_owned()),
            Some([one]) if text(one, "/document/status") != "MARKED_AS_PAID" => {
                Some(format!("has an invoice that is {}", text(one, "/document/status")))
            }
            Some([one]) if one.get("payments") != Some(&Value::from(1)) => {
                Some(format!("has an invoice that was paid {} times", one.get("payments").unwrap_or(&Value::Null)))
            }
            Some([one]) if one.get("notices") != Some(&Value::from(1)) => Some(format!(
                "has an invoice whose buyer was notified {} times",
                one.get("notices").unwrap_or(&Value::Null)
            )),
            Some([_]) => None,
            Some(several) => Some(format!("has {} invoices", several.len())),
        };
        let detail = if fate.detail.is_empty() { String::new() } else { format!(" ({})", fate.detail) };
        found.extend(what.map(|what| ("a completed sale", format!("{sale} {what}{detail}"))));
        expected.insert(number);
    }
    for number in by_number.keys().filter(|number| !expected.contains(**number)) {
        found.push(("an invoice without a completed sale", (*number).to_owned()));
    }
    for (id, fate) in &fates.by_id {
        let (published, given_up) = (fate.finished > 0, !fate.reasons.is_empty());
        let what = match fate.forgery {
            None if !fate.accepted => Some("a genuine webhook that was never accepted"),
            None if !published && !given_up => Some("an accepted event that came to no end"),
            None if !published => Some("a genuine event that was given up"),
            Some(_) if published => Some("a forged webhook that got through"),
            Some(forgery) if forgery.refused_at_the_door() && fate.accepted => Some("a forged webhook that was taken"),
            Some(forgery) if !forgery.refused_at_the_door() && fate.accepted && !given_up => {
                Some("a forged webhook that came to no end")
            }
            _ => None,
        };
        found.extend(what.map(|what| (what, format!("{id} ({}) {}", fate.kind, fate.reasons.join(", ")))));
        if fate.reasons.iter().any(String::is_empty) {
            found.push(("a message in an error queue without a reason", id.clone()));
        }
    }
    summary(found)
}

/// One line a kind of fault, with how many there are and a few of them.
fn summary(found: Vec<(&'static str, String)>) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (kind, example) in found {
        kinds.entry(kind).or_default().push(example);
    }
    let line = |(kind, mut examples): (&str, Vec<String>)| {
        examples.sort();
        let count = examples.len();
        let more = if count > EXAMPLES { ", ..." } else { "" };
        examples.truncate(EXAMPLES);
        format!("{count} times {kind}: {}{more}", examples.join("; "))
    };
    kinds.into_iter().map(line).collect()
}

/// What became of events, counted: the outcome on `finished`, or the reason in an error queue.
pub(super) fn ends<'a>(fates: impl Iterator<Item = &'a Fate>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for fate in fates {
        let end = match fate.reasons.first() {
            Some(reason) => format!("error queue: {reason}"),
            None if fate.finished > 0 => format!("finished: {}", fate.outcome),
            None if !fate.accepted => "refused by the receiver".to_owned(),
            None => "no end".to_owned(),
        };
        *counts.entry(end).or_default() += 1;
    }
    counts
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The audit for people.
impl std::fmt::Display for Audit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, deliveries, events, sales, paid_invoices, kills, delivered_again, seconds, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let rate = *deliveries as f64 / seconds.max(0.001);
        writeln!(out, "{deliveries} webhooks of {events} events in {seconds:.0} s, {rate:.0} a second; seed {seed}")?;
        writeln!(out, "functions killed {kills} times; {delivered_again} deliveries came again after an error\n")?;
        writeln!(out, "{sales} completed sales accepted, {paid_invoices} invoices paid\n")?;
        for (title, counts) in [("genuine events", &self.ends), ("forged webhooks", &self.forged)] {
            writeln!(out, "{title}")?;
            for (end, count) in counts {
                writeln!(out, "  {count:>8}  {end}")?;
            }
        }
        if !self.memory_mib.is_empty() {
            writeln!(out, "\nresident memory, MiB: greatest in the second quarter, in the last")?;
        }
        for (function, (early, late)) in &self.memory_mib {
            writeln!(out, "  {early:>8.1}  {late:>8.1}  {function}")?;
        }
        match self.faults.as_slice() {
            [] => writeln!(out, "\nnothing lost, nothing twice, nothing forged got through"),
            faults => {
                writeln!(out, "\nnot as it was promised:")?;
                faults.iter().try_for_each(|fault| writeln!(out, "  {fault}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn invoice(number: &str, status: &str, payments: u32) -> Value {
        let document = json!({ "detail": { "invoice_number": number }, "status": status });
        json!({ "document": document, "payments": payments, "notices": 1 })
    }

    fn sale(sale: &str) -> Fate {
        let (kind, outcome) = ("PAYMENT.SALE.COMPLETED", "invoiced".to_owned());
        Fate { kind, sale: Some(sale.to_owned()), accepted: true, finished: 1, outcome, ..Fate::default() }
    }

    fn of(fates: Vec<(&str, Fate)>, invoices: &[Value]) -> Vec<String> {
        let mut known = Fates::default();
        fates.into_iter().for_each(|(id, fate)| known.change(id, |new| *new = fate));
        faults(&known, invoices)
    }

    #[test]
    fn a_paid_invoice_for_each_sale_is_all_that_is_wanted() {
        assert!(of(vec![("WH-1", sale("A"))], &[invoice("SUB-A", "MARKED_AS_PAID", 1)]).is_empty());
    }

    #[test]
    fn what_is_missing_double_or_unpaid_is_found() {
        let one = |invoices: &[Value]| of(vec![("WH-1", sale("A"))], invoices).join("\n");
        assert!(one(&[]).contains("A has no invoice"));
        let mut unseen = invoice("SUB-A", "MARKED_AS_PAID", 1);
        unseen["notices"] = json!(0);
        assert!(one(&[unseen]).contains("notified 0 times"));
        assert!(one(&[invoice("SUB-A", "SENT", 0)]).contains("A has an invoice that is SENT"));
        assert!(one(&[invoice("SUB-A", "MARKED_AS_PAID", 2)]).contains("paid 2 times"));
        assert!(
            one(&[invoice("SUB-A", "MARKED_AS_PAID", 1), invoice("SUB-A", "MARKED_AS_PAID", 1)])
                .contains("A has 2 invoices")
        );
        assert!(one(&[invoice("SUB-A", "MARKED_AS_PAID", 1), invoice("SUB-B", "MARKED_AS_PAID", 1)]).contains("SUB-B"));
    }

    #[test]
    fn what_was_accepted_and_came_to_no_end_is_found() {
        let lost = Fate { finished: 0, sale: None, ..sale("A") };
        assert!(
            of(vec![("WH-1", lost)], &[]).join("\n").contains("1 times an accepted event that came to no end: WH-1")
        );
        let refused = Fate { accepted: false, finished: 0, sale: None, ..sale("A") };
        assert!(of(vec![("WH-1", refused)], &[]).join("\n").contains("never accepted"));
        let silent = Fate { reasons: vec![String::new()], ..sale("A") };
        assert!(
            of(vec![("WH-1", silent)], &[invoice("SUB-A", "MARKED_AS_PAID", 1)])
                .join("\n")
                .contains("without a reason")
        );
    }

    #[test]
    fn a_forged_webhook_that_gets_through_is_found_and_one_that_is_stopped_is_not() {
        let forged = |finished, reasons: &[&str]| Fate {
            forgery: Some(Forgery::Body),
            finished,
            reasons: reasons.iter().map(ToString::to_string).collect(),
            ..sale("A")
        };
        assert!(of(vec![("WH-1", forged(0, &["wrong_signature"]))], &[]).is_empty());
        assert!(of(vec![("WH-1", forged(1, &[]))], &[]).join("\n").contains("got through"));
        assert!(of(vec![("WH-1", forged(0, &[]))], &[]).join("\n").contains("came to no end"));
        let paid = of(vec![("WH-1", forged(0, &["wrong_signature"]))], &[invoice("SUB-A", "MARKED_AS_PAID", 1)]);
        assert!(paid.join("\n").contains("an invoice without a completed sale"));
    }
}
