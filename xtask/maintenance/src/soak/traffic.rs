//! What is delivered, in which order: decided by the seed alone, before anything runs.

use fastrand::Rng;

/// Of a hundred deliveries, so many repeat an earlier one.
const REPEATS: usize = 20;
/// Of a hundred first deliveries, so many come after ones that were sent later.
const LATE: usize = 5;
/// Of a thousand deliveries, so many are forged.
const FORGERIES: usize = 10;
/// How far, counted in deliveries, a late one falls behind, and a repeat lies after what it repeats, at most.
const DISTANCE: usize = 200;

/// Everything that is delivered in one run.
pub(super) struct Traffic {
    /// How many subscriptions the events are about.
    pub(super) subscriptions: usize,
    /// The events; deliveries mean them by their place here.
    pub(super) events: Vec<Event>,
    /// What is delivered, in this order.
    pub(super) deliveries: Vec<Delivery>,
}

/// An event of PayPal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// PayPal's event type.
    pub(super) kind: &'static str,
    /// Which subscription it is about.
    pub(super) subscription: usize,
    /// How a delivery of it is forged; such an event is never delivered as it is.
    pub(super) forgery: Option<Forgery>,
}

/// A delivery of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The event's place in [`Traffic::events`].
    pub(super) event: usize,
    /// Whether the event is delivered elsewhere too, and this is not the first time.
    pub(super) repeat: bool,
}

/// How a delivery is not PayPal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgery {
    /// The amount in the body is another than what was signed.
    Body,
    /// Signed with a certificate that somebody else issued under PayPal's name.
    Authority,
    /// Signed for another webhook.
    Webhook,
    /// The certificate's address leads elsewhere.
    CertificateAddress,
    /// A signature header is missing.
    Header,
}

impl Forgery {
    /// All of them. A foreign authority is rare: the service asks again for minutes before it gives up.
    const ALL: [Self; 8] = [
        Self::Body,
        Self::Webhook,
        Self::CertificateAddress,
        Self::Header,
        Self::Body,
        Self::Webhook,
        Self::CertificateAddress,
        Self::Authority,
    ];

    /// Whether the receiver itself refuses it, so that it never becomes an event.
    pub(super) fn refused_at_the_door(self) -> bool {
        matches!(self, Self::Header)
    }
}

/// The life of a subscription, again and again.
const LIFE: [&str; 8] = [
    "BILLING.SUBSCRIPTION.CREATED",
    "BILLING.SUBSCRIPTION.ACTIVATED",
    "PAYMENT.SALE.COMPLETED",
    "PAYMENT.SALE.COMPLETED",
    "PAYMENT.SALE.COMPLETED",
    "PAYMENT.SALE.COMPLETED",
    "PAYMENT.SALE.REFUNDED",
    "BILLING.SUBSCRIPTION.CANCELLED",
];

impl Traffic {
    /// The traffic of `count` deliveries.
    pub(super) fn of(count: usize, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let (repeats, forgeries) = (count * REPEATS / 100, count * FORGERIES / 1000);
        let first = count - repeats;
        let subscriptions = first.div_ceil(LIFE.len());
        let mut events: Vec<Event> = interleaved(first, subscriptions, &mut random);
        for at in chosen(first, forgeries, &mut random) {
            if let Some(event) = events.get_mut(at) {
                event.kind = "PAYMENT.SALE.COMPLETED";
                event.forgery = random.choice(Forgery::ALL);
            }
        }
        let mut places: Vec<(usize, Delivery)> =
            (0..first).map(|event| (event * 2, Delivery { event, repeat: false })).collect();
        for at in chosen(first, first * LATE / 100, &mut random) {
            if let Some((place, _)) = places.get_mut(at) {
                *place += 2 * random.usize(2..DISTANCE) + 1;
            }
        }
        let genuine: Vec<usize> =
            events.iter().enumerate().filter(|(_, event)| event.forgery.is_none()).map(|(at, _)| at).collect();
        for _ in 0..repeats {
            let Some(event) = random.choice(genuine.iter().copied()) else { break };
            // Some repeats come at once, beside the first; some long after it.
            let after = places.get(event).map_or(0, |(place, _)| place + 2 * random.usize(0..DISTANCE) + 1);
            places.push((after, Delivery { event, repeat: true }));
        }
        places.sort_by_key(|(place, delivery)| (*place, delivery.repeat, delivery.event));
        Self { subscriptions, events, deliveries: places.into_iter().map(|(_, delivery)| delivery).collect() }
    }

    /// How many deliveries each event has.
    pub(super) fn deliveries_of_each(&self) -> Vec<u32> {
        let mut counts = vec![0; self.events.len()];
        for delivery in &self.deliveries {
            if let Some(count) = counts.get_mut(delivery.event) {
                *count += 1;
            }
        }
        counts
    }
}

/// `count` events of subscriptions that live side by side, each in its own order.
fn interleaved(count: usize, subscriptions: usize, random: &mut Rng) -> Vec<Event> {
    /// So many subscriptions live at once.
    const AT_ONCE: usize = 50;
    let mut alive: Vec<(usize, usize)> =
        (0..subscriptions.min(AT_ONCE)).map(|subscription| (subscription, 0)).collect();
    let (mut next, mut events) = (alive.len(), Vec::with_capacity(count));
    while events.len() < count && !alive.is_empty() {
        let at = random.usize(0..alive.len());
        let Some((subscription, age)) = alive.get_mut(at) else { break };
        let Some(kind) = LIFE.get(*age) else {
            if next < subscriptions {
                (*subscription, *age) = (next, 0);
                next += 1;
            } else {
                alive.swap_remove(at);
            }
            continue;
        };
        events.push(Event { kind, subscription: *subscription, forgery: None });
        *age += 1;
    }
    events
}

/// `count` different numbers below `below`.
fn chosen(below: usize, count: usize, random: &mut Rng) -> Vec<usize> {
    random.choose_multiple(0..below, count)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_traffic_is_what_it_says_and_the_same_for_the_same_seed() {
        let traffic = Traffic::of(10_000, 7);
        assert_eq!(traffic.deliveries.len(), 10_000);
        assert_eq!(traffic.deliveries.iter().filter(|delivery| delivery.repeat).count(), 2_000);
        assert_eq!(traffic.events.iter().filter(|event| event.forgery.is_some()).count(), 100);
        let again = Traffic::of(10_000, 7);
        assert!(again.deliveries == traffic.deliveries && again.events == traffic.events);
        assert!(Traffic::of(10_000, 8).deliveries != traffic.deliveries);
    }

    #[test]
    fn each_event_is_delivered_first_once_and_forged_ones_never_again() {
        let traffic = Traffic::of(5_000, 1);
        let mut first = HashSet::new();
        for delivery in &traffic.deliveries {
            assert!(delivery.repeat || first.insert(delivery.event), "twice the first time");
            assert!(!delivery.repeat || traffic.events[delivery.event].forgery.is_none());
        }
        assert_eq!(first.len(), traffic.events.len());
        assert_eq!(traffic.deliveries_of_each().iter().sum::<u32>(), 5_000);
    }

    #[test]
    fn some_come_after_what_was_sent_later() {
        let traffic = Traffic::of(10_000, 3);
        let first: Vec<usize> =
            traffic.deliveries.iter().filter(|delivery| !delivery.repeat).map(|delivery| delivery.event).collect();
        let mut latest = 0;
        let late = first.iter().filter(|event| {
            latest = latest.max(**event);
            **event < latest
        });
        assert!((390..=400).contains(&late.count()), "5 % of 8,000");
    }
}
