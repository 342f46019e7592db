//! Names, by one rule: logical ids from what a thing is called, physical names from the environment and the same.

use crate::Environment;

/// The logical id of what is called `name`, with its kind behind it: `verified.fifo` and `Queue` is `VerifiedFifoQueue`.
pub(crate) fn logical(name: &str, kind: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut id: String = words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect();
    id.push_str(kind);
    id
}

/// The physical name of what is called `name`: `paypal-subscriptions-prod-webhook-verify`.
pub(crate) fn physical(environment: &Environment, name: &str) -> String {
    format!("{}-{}-{name}", environment.service, environment.name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn logical_ids_are_words_in_capitals() {
        assert_eq!(super::logical("verified.fifo", "Queue"), "VerifiedFifoQueue");
        assert_eq!(super::logical("webhook-verify", ""), "WebhookVerify");
    }
}
