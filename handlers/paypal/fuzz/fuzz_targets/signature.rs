//! Any certificate, headers, body and clock: a verdict, and never that a delivery is genuine.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use paypal::signature::{Authorities, Certificate, Origin, Transmission, Trust, Verdict, verify};

static TRUST: OnceLock<Trust> = OnceLock::new();

fn trust() -> &'static Trust {
    TRUST.get_or_init(|| Trust {
        webhook_id: "1JE4291016473214C".to_owned(),
        authorities: Authorities::parse(&["digicert", include_str!("../../tests/vectors/authority.pem")]).unwrap(),
        certificate_names: vec!["messageverificationcerts.sandbox.paypal.com".to_owned()],
        certificate_origins: vec![Origin::parse("https://api.sandbox.paypal.com").unwrap()],
    })
}

fuzz_target!(|input: (Vec<u8>, String, String, String, Vec<u8>, i64)| {
    let (pem, id, time, signature, body, seconds) = input;
    let _read = Authorities::parse(&[&String::from_utf8_lossy(&pem)]);
    let Ok(certificate) = Certificate::from_pem(&pem)
        .or_else(|_| Certificate::from_pem(include_bytes!("../../tests/vectors/sale-completed/cert.pem")))
    else {
        return;
    };
    let cert_url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1".to_owned();
    let auth_algo = "SHA256withRSA".to_owned();
    let arrived =
        time.parse().or_else(|_| jiff::Timestamp::from_second(seconds)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let transmission = Transmission { id, time, signature, cert_url, auth_algo };
    assert_ne!(verify(trust(), &transmission, &body, &certificate, arrived), Verdict::Genuine);
});
