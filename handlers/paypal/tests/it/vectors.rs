//! Captured deliveries: each verifies, and none of them with one bit changed anywhere.
//!
//! The project's own were signed by a sandbox; where captures of PayPal's own are at hand, they are checked as well.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use paypal::signature::{Authorities, Certificate, Origin, Reason, Transmission, Trust, Verdict, verify};
use serde_json::Value;

/// A captured delivery, and whom to believe about it.
struct Vector {
    name: String,
    trust: Trust,
    transmission: Transmission,
    body: Vec<u8>,
    certificate: Certificate,
    pem: String,
    arrived: Timestamp,
}

impl Vector {
    fn read(folder: &Path, authority: &str) -> Self {
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let headers: Value = serde_json::from_str(&text("headers.json")).unwrap();
        let meta: Value = serde_json::from_str(&text("meta.json")).unwrap();
        let headers = headers.as_object().unwrap().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let transmission = Transmission::from_headers(headers).unwrap();
        let origins = ["https://api.paypal.com", "https://api.sandbox.paypal.com", "https://api-m.paypal.com"];
        let names = ["messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"];
        let pem = text("cert.pem");
        Self {
            name: folder.display().to_string(),
            trust: Trust {
                webhook_id: meta["webhook_id"].as_str().unwrap().to_owned(),
                authorities: Authorities::parse(&[authority]).unwrap(),
                certificate_names: names.map(str::to_owned).into(),
                certificate_origins: origins.map(|origin| Origin::parse(origin).unwrap()).into(),
            },
            arrived: transmission.time.parse().unwrap(),
            transmission,
            body: fs::read(folder.join("body.json")).unwrap(),
            certificate: Certificate::from_pem(pem.as_bytes()).unwrap(),
            pem,
        }
    }

    fn verdict(&self) -> Verdict {
        verify(&self.trust, &self.transmission, &self.body, &self.certificate, self.arrived)
    }
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<_> = entries.filter(|path| path.join("headers.json").is_file()).collect();
    folders.sort();
    folders
}

fn vectors() -> Vec<Vector> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("tests/vectors");
    let authority = fs::read_to_string(own.join("authority.pem")).unwrap();
    let mut all: Vec<_> = folders(&own).iter().map(|folder| Vector::read(folder, &authority)).collect();
    assert!(all.len() >= 3);
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Deliveries that PayPal sent and signed; they are not part of the project.
fn captured() -> Vec<Vector> {
    let folder = std::env::var_os("CAPTURED_DELIVERIES").expect("CAPTURED_DELIVERIES names the folder of deliveries");
    let folder = Path::new(&folder).join("vectors");
    let captured: Vec<_> = folders(&folder).iter().map(|folder| Vector::read(folder, "digicert")).collect();
    assert!(!captured.is_empty(), "no delivery in {}", folder.display());
    captured
}

#[test]
fn genuine_deliveries_verify_and_not_for_another_webhook_or_at_another_time() {
    verify_as_sent_only(vectors());
}

#[test]
#[ignore = "needs deliveries of PayPal's: CAPTURED_DELIVERIES=DIR"]
fn captured_deliveries_verify_and_not_for_another_webhook_or_at_another_time() {
    verify_as_sent_only(captured());
}

fn verify_as_sent_only(vectors: Vec<Vector>) {
    for mut vector in vectors {
        assert_eq!(vector.verdict(), Verdict::Genuine, "{}", vector.name);
        let arrived = vector.arrived;
        for (hours, wanted) in [
            (3 * 24, Verdict::Genuine),
            (5 * 24, Verdict::Forged(Reason::TooLate)),
            (-1, Verdict::Forged(Reason::TooEarly)),
        ] {
            vector.arrived = arrived + jiff::SignedDuration::from_hours(hours);
            assert_eq!(vector.verdict(), wanted, "{} {hours} hours later", vector.name);
        }
        vector.arrived = arrived;
        vector.trust.webhook_id = "0AB12345CD678901E".to_owned();
        assert_eq!(vector.verdict(), Verdict::Forged(Reason::Signature), "{}", vector.name);
    }
}

#[test]
fn a_body_that_was_read_and_written_again_does_not_verify() {
    let odd = vectors().into_iter().find(|vector| vector.name.ends_with("odd-spelling")).unwrap();
    let again = serde_json::to_vec(&serde_json::from_slice::<Value>(&odd.body).unwrap()).unwrap();
    let verdict = verify(&odd.trust, &odd.transmission, &again, &odd.certificate, odd.arrived);
    assert_eq!(verdict, Verdict::Forged(Reason::Signature));
}

#[test]
fn no_delivery_verifies_with_one_bit_changed() {
    no_changed_bit_verifies(vectors());
}

#[test]
#[ignore = "needs deliveries of PayPal's: CAPTURED_DELIVERIES=DIR"]
fn no_captured_delivery_verifies_with_one_bit_changed() {
    no_changed_bit_verifies(captured());
}

/// One bit of each byte, each time the next one; all eight of each would take a minute.
fn one_a_byte(bytes: usize) -> impl Iterator<Item = usize> {
    (0..bytes).map(|byte| byte * 8 + byte % 8)
}

fn no_changed_bit_verifies(vectors: Vec<Vector>) {
    for mut vector in vectors {
        let body = vector.body.clone();
        for bit in one_a_byte(body.len()) {
            vector.body[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(vector.verdict(), Verdict::Genuine, "{}: bit {bit} of the body", vector.name);
            vector.body[bit / 8] = body[bit / 8];
        }
        let transmission = vector.transmission.clone();
        let fields: [fn(&mut Transmission) -> &mut String; 4] =
            [|of| &mut of.id, |of| &mut of.time, |of| &mut of.signature, |of| &mut of.auth_algo];
        for field in fields {
            let genuine = field(&mut vector.transmission).clone();
            for bit in 0..genuine.len() * 8 {
                let mut bytes = genuine.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                // What is not text any more is no header.
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                *field(&mut vector.transmission) = changed;
                assert_ne!(vector.verdict(), Verdict::Genuine, "{}: bit {bit} of {genuine}", vector.name);
            }
            vector.transmission = transmission.clone();
        }
    }
}

#[test]
fn no_certificate_verifies_with_one_bit_changed() {
    no_changed_certificate_verifies(vectors());
}

#[test]
#[ignore = "needs deliveries of PayPal's: CAPTURED_DELIVERIES=DIR"]
fn no_captured_certificate_verifies_with_one_bit_changed() {
    no_changed_certificate_verifies(captured());
}

fn no_changed_certificate_verifies(vectors: Vec<Vector>) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for mut vector in vectors {
        let base64: String = vector.pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).unwrap();
        for bit in one_a_byte(der.len()) {
            let mut changed = der.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(changed));
            // What is no certificate any more was refused before.
            let Ok(certificate) = Certificate::from_pem(pem.as_bytes()) else { continue };
            vector.certificate = certificate;
            assert_ne!(vector.verdict(), Verdict::Genuine, "{}: bit {bit} of the certificate", vector.name);
        }
    }
}
