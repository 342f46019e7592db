//! Whether the buyer was notified of an invoice: the last line of the invoice's memo, which only the merchant sees.
//!
//! The invoice is issued without notifying the buyer, so that nobody pays it before the payment is recorded. The update
//! that changes this line notifies. So the state lies where the invoice is, and a lost answer does not notify twice.

const PENDING: &str = "Buyer notification: pending";
const SENT: &str = "Buyer notification: sent";

/// The memo of an invoice whose buyer does not know of it yet.
pub(super) fn pending(memo: Option<&str>) -> String {
    joined(memo, PENDING)
}

/// The memo once the buyer is notified.
pub(super) fn sent(memo: Option<&str>) -> String {
    let own = memo.map(|memo| memo.strip_suffix(PENDING).unwrap_or(memo).trim_end());
    joined(own, SENT)
}

/// Whether the buyer was notified, by this service.
pub(super) fn is_sent(memo: Option<&str>) -> bool {
    memo.is_some_and(|memo| memo.trim_end().ends_with(SENT))
}

/// Whether this service issued the invoice and has not notified the buyer.
pub(super) fn is_pending(memo: Option<&str>) -> bool {
    memo.is_some_and(|memo| memo.trim_end().ends_with(PENDING))
}

fn joined(memo: Option<&str>, line: &str) -> String {
    match memo.filter(|memo| !memo.is_empty()) {
        Some(memo) => format!("{memo}\n{line}"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memo_keeps_the_merchants_words_and_says_whether_the_buyer_was_notified() {
        for own in [None, Some("Ledger 4711")] {
            let before = pending(own);
            assert!(is_pending(Some(&before)) && !is_sent(Some(&before)), "{before}");
            let after = sent(Some(&before));
            assert!(is_sent(Some(&after)) && !is_pending(Some(&after)), "{after}");
            assert_eq!(after.starts_with("Ledger 4711\n"), own.is_some(), "{after}");
        }
        assert!(!is_sent(None) && !is_pending(None));
        assert_eq!(sent(Some("Ledger")), "Ledger\nBuyer notification: sent");
    }
}
