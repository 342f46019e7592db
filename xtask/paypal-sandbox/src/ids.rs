//! Ids in PayPal's forms.

use fastrand::Rng;

/// Letters and digits that PayPal's ids are made of.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789";

/// `count` random letters and digits.
pub(crate) fn letters(random: &mut Rng, count: usize) -> String {
    (0..count).filter_map(|_| random.choice(LETTERS)).map(|letter| char::from(*letter)).collect()
}

pub(crate) fn subscription(random: &mut Rng) -> String {
    format!("I-{}", letters(random, 12))
}

pub(crate) fn sale(random: &mut Rng) -> String {
    letters(random, 17)
}

pub(crate) fn event(random: &mut Rng) -> String {
    format!("WH-{}-{}", letters(random, 17), letters(random, 17))
}

pub(crate) fn invoice(random: &mut Rng) -> String {
    let parts: Vec<_> = (0..4).map(|_| letters(random, 4)).collect();
    format!("INV2-{}", parts.join("-"))
}

/// What `Paypal-Debug-Id` holds; not part of what a seed repeats.
pub(crate) fn debug_id() -> String {
    format!("f{:012x}", fastrand::u64(..1 << 48))
}
