//! What a command could not do, and what AWS's errors mean for whoever called.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};

use crate::{
    calls::ATTEMPTS,
    text::{printable, printable_lines},
};

/// Where somebody without credentials gets some.
pub(crate) const SIGN_IN: &str =
    "sign in with `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Why a command failed: what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("error: {message}\n  help: {help}")]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) answer: Answer,
}

/// What AWS answered, for whoever can go on without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The caller may not do it.
    Denied,
    /// What was asked for is not possible.
    Refused,
    /// The endpoint does not know the call.
    Unknown,
    /// Anything else, or nothing.
    #[default]
    Other,
}

impl Failure {
    /// AWS's and other people's words may stand in both: they only show.
    pub(crate) fn new(message: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        let [message, help] = [message.as_ref(), help.as_ref()].map(printable_lines);
        Self { message, help, answer: Answer::Other }
    }
}

/// AWS's code of an error that it answered with; empty when it did not answer.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default()
}

/// Whether AWS answered with this error code, or with this text where it has no code of its own for it.
pub(crate) fn says<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code_or_text: &str) -> bool {
    let said = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
    code(error) == code_or_text || said.contains(code_or_text)
}

/// What AWS's answer means for whoever called, beginning with what could not be done.
pub(crate) fn failure<E, R>(error: &SdkError<E, R>, doing: &str) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Some(service) = error.as_service_error() else { return unanswered(error, doing) };
    let code = service.code().unwrap_or_default();
    let said = printable(service.message().unwrap_or_default());
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Failure::new(
            format!("{doing}: the credentials have expired"),
            "sign in again, such as with `aws sso login`",
        ),
        "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException" => Failure::new(
            format!("{doing}: AWS does not know the credentials ({code})"),
            "check AWS_PROFILE, or the keys",
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "Forbidden" => denied(doing, &said),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown" => {
            Failure::new(format!("{doing}: AWS is throttling, after {ATTEMPTS} attempts"), "try again in a minute")
        }
        "" => Failure::new(format!("{doing}: AWS answered without saying why: {error}"), "try again"),
        _ => {
            let help = "the message is AWS's own; its documentation says more";
            let answer = match code {
                "ValidationError" | "InsufficientCapabilitiesException" => Answer::Refused,
                "InvalidAction" | "UnknownOperationException" => Answer::Unknown,
                _ => Answer::Other,
            };
            Failure { answer, ..Failure::new(format!("{doing}: {code}: {said}"), help) }
        }
    }
}

/// AWS names the action, and mostly the resource, that the caller may not use; S3 names neither.
fn denied(doing: &str, said: &str) -> Failure {
    let words = said.split_once("not authorized to perform: ").map(|(_, rest)| rest);
    let action = words.and_then(|rest| rest.split_whitespace().next());
    let resource = words.and_then(|rest| rest.split_once("on resource: ")).map(|(_, rest)| rest);
    let resource = resource.and_then(|rest| rest.split_whitespace().next());
    let help = match (action, resource) {
        (Some(action), Some(resource)) => format!("have an administrator allow {action} on {resource}"),
        (Some(action), None) => format!("have an administrator allow {action}"),
        _ => "have an administrator allow it; the policy of whoever is signed in, and that of what is used, decide"
            .into(),
    };
    Failure { answer: Answer::Denied, ..Failure::new(format!("{doing}: {said}"), help) }
}

/// No answer came: no credentials, no connection, no time.
fn unanswered<E, R>(error: &SdkError<E, R>, doing: &str) -> Failure
where
    E: Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let causes: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |cause| (*cause).source()).collect();
    if causes.iter().any(|cause| cause.is::<CredentialsError>()) {
        return Failure::new(format!("{doing}: there are no AWS credentials any more"), SIGN_IN);
    }
    let what = match error {
        SdkError::TimeoutError(_) => "AWS did not answer in time",
        SdkError::DispatchFailure(_) => "AWS cannot be reached",
        _ => "what AWS answered cannot be read",
    };
    let root = causes.last().map(|cause| printable(&cause.to_string())).unwrap_or_default();
    Failure::new(format!("{doing}: {what}: {root}"), "check the network, the region and --endpoint-url")
}
