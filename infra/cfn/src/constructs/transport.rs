//! How messages may come in.

use crate::{Arn, Principal, Statement, Value};

/// How messages may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over TLS; whatever else comes is refused, whoever sends it.
    TlsOnly,
    /// Over HTTP as well, for a sender that knows no better.
    Any,
}

impl Transport {
    /// What a resource's policy says about it.
    pub(super) fn statement<R>(self, actions: &[&'static str], resource: &Value<Arn<R>>) -> Option<Statement> {
        let refused = Statement::deny(actions).named("TlsOnly").to(Principal::everyone()).on(resource).when(
            "Bool",
            "aws:SecureTransport",
            &Value::<String>::from("false"),
        );
        (self == Self::TlsOnly).then_some(refused)
    }
}
