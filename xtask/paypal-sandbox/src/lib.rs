//! PayPal's door: the REST API, the approval page and signed webhooks
