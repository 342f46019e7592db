//! What the handlers and the infrastructure agree on
