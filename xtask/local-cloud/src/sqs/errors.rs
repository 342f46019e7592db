//! SQS's errors.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>

use crate::wire::ApiError;

pub(crate) fn no_such_queue() -> ApiError {
    let message = "The specified queue does not exist.";
    ApiError::named("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", message)
}

pub(crate) fn queue_exists() -> ApiError {
    let message = "A queue already exists with the same name and a different value for an attribute.";
    ApiError::named("QueueAlreadyExists", "QueueNameExists", message)
}

pub(crate) fn invalid_value(message: impl Into<String>) -> ApiError {
    ApiError::caller("InvalidParameterValue", message)
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

pub(crate) fn invalid_attribute(name: &str) -> ApiError {
    ApiError::caller("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(crate) fn too_long(most: usize) -> ApiError {
    invalid_value(format!("One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."))
}
