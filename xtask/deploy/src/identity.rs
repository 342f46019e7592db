//! Who does something, so that others can tell; and tokens, so that AWS can tell a repetition.

use crate::{target::Target, text::printable};

/// Who it is, where and when, as a change set's description: others read it while they wait.
pub(crate) fn who(target: &Target) -> String {
    // `arn:aws:iam::222222222222:user/ops`, or `...:assumed-role/deployer/session`.
    let caller = target.caller.splitn(6, ':').nth(5).unwrap_or(&target.caller);
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = printable(&host.unwrap_or_else(|| "an unknown machine".to_owned()));
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("{caller} on {host}, {now}")
}

/// A token of its own for each call that changes something: AWS takes a second try of the call for the first.
pub(crate) fn token() -> String {
    uuid::Uuid::new_v4().to_string()
}
