//! PayPal's REST API and webhook signatures
