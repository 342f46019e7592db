//! Any certificate, headers, body and clock: a verdict, and never that a delivery is PayPal's.

use paypal::signature::{Authorities, Certificate, Origin, Transmission, Trust, Verdict, verify};

/// Runs the target on one input and returns what came of it. The lines are the transmission's id, time, signature and
/// algorithm, the time of arrival and the body; a certificate in PEM may follow, or PayPal's own is taken.
///
/// # Panics
/// A delivery passes as PayPal's.
pub(super) fn run(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(7, '\n');
    let mut line = || lines.next().unwrap_or_default().to_owned();
    let (id, time, signature, auth_algo) = (line(), line(), line(), line());
    let (arrived, body, pem) = (line(), line(), line());
    let _read = Authorities::parse(&[&pem]);
    let authorities = ["digicert", include_str!("../../tests/vectors/authority.pem")];
    let trust = Trust {
        webhook_id: "1JE4291016473214C".to_owned(),
        authorities: Authorities::parse(&authorities).unwrap(),
        certificate_names: vec!["messageverificationcerts.sandbox.paypal.com".to_owned()],
        certificate_origins: vec![Origin::parse("https://api.sandbox.paypal.com").unwrap()],
    };
    let own = include_bytes!("../../tests/vectors/sale-completed/cert.pem");
    let (certificate, whose) = match Certificate::from_pem(pem.as_bytes()) {
        Ok(certificate) => (certificate, "the input's certificate"),
        Err(_) => (Certificate::from_pem(own).unwrap(), "PayPal's certificate"),
    };
    let arrived = arrived.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let cert_url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1".to_owned();
    let transmission = Transmission { id, time, signature, cert_url, auth_algo };
    let verdict = verify(&trust, &transmission, body.as_bytes(), &certificate, arrived);
    assert_ne!(verdict, Verdict::Genuine);
    format!("{verdict:?} with {whose}")
}
