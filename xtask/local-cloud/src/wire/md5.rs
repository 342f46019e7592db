//! Checksums that SDKs compare.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>

use std::{collections::BTreeMap, fmt::Write};

use md5::{Digest, Md5};

use crate::sqs::MessageAttribute;

/// The MD5 of a message's body, in hexadecimal digits.
pub(crate) fn body(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// The MD5 of a message's attributes; nothing when there are none.
pub(crate) fn attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        match &attribute.binary {
            Some(bytes) => {
                digest.update([2]);
                part(&mut digest, bytes);
            }
            None => {
                digest.update([1]);
                part(&mut digest, attribute.text.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }
    Some(hex(&digest.finalize()))
}

/// Length in four bytes, then the bytes. A message is at most a megabyte, so every length fits.
fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}");
        text
    })
}
