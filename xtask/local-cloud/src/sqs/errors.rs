//! SQS's errors.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>

use crate::wire::ApiError;

pub(crate) fn no_such_queue() -> ApiError {
    let message = "The specified queue does not exist.";
    ApiError::named("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", message)
}

pub(crate) fn queue_exists(attribute: &str) -> ApiError {
    let message = format!("A queue already exists with the same name and a different value for attribute {attribute}");
    ApiError::named("QueueAlreadyExists", "QueueNameExists", message)
}

/// A message about values of a request, as AWS words it.
pub(crate) fn invalid_value(message: impl Into<String>) -> ApiError {
    ApiError::caller("InvalidParameterValue", message)
}

/// One parameter's value is out of its range.
pub(crate) fn out_of_range(parameter: &str, value: impl std::fmt::Display, reason: &str) -> ApiError {
    invalid_value(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(crate) fn missing(parameter: &str) -> ApiError {
    ApiError::caller("MissingParameter", format!("The request must contain the parameter {parameter}."))
}

pub(crate) fn bad_receipt(handle: &str) -> ApiError {
    let shown: String = handle.chars().take(80).collect();
    ApiError::caller(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{shown}\" is not a valid receipt handle."),
    )
}

pub(crate) fn expired_receipt() -> ApiError {
    invalid_value("The receipt handle has expired")
}

pub(crate) fn not_in_flight() -> ApiError {
    let message = "The message referred to is not in flight.";
    ApiError::named("AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight", message)
}

pub(crate) fn invalid_attribute(name: &str) -> ApiError {
    ApiError::caller("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(crate) fn invalid_attribute_value(name: &str) -> ApiError {
    ApiError::caller("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

pub(crate) fn too_long(most: usize) -> ApiError {
    invalid_value(format!("One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."))
}

pub(crate) fn purge_in_progress(queue: &str) -> ApiError {
    let message = format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.");
    let named = "PurgeQueueInProgress";
    ApiError { status: 403, ..ApiError::named("AWS.SimpleQueueService.PurgeQueueInProgress", named, message) }
}

pub(crate) fn over_limit(message: impl Into<String>) -> ApiError {
    ApiError { status: 403, ..ApiError::caller("OverLimit", message) }
}
