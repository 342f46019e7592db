//! What one offline verification costs, its certificate at hand.

use std::{fs, time::Instant};

use paypal::signature::{Authorities, Certificate, Origin, Transmission, Trust, Verdict, verify};

use super::report::{Table, median};
use xtask::{context::Context, report::Failure};

/// As often a delivery is verified.
const ROUNDS: u32 = 2_000;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let folder = context.root.join("handlers/paypal/tests/vectors");
    let read = |file: &str| {
        let file = folder.join(file);
        fs::read_to_string(&file).map_err(Failure::from(format!("cannot read {}", file.display())))
    };
    let headers: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&read("sale-completed/headers.json")?).map_err(Failure::new)?;
    let headers = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let transmission = Transmission::from_headers(headers).map_err(Failure::new)?;
    let certificate = Certificate::from_pem(read("sale-completed/cert.pem")?.as_bytes()).map_err(Failure::new)?;
    let trust = Trust {
        webhook_id: "8PT597110X687430LKGECATA".to_owned(),
        authorities: Authorities::parse(&[&read("authority.pem")?]).map_err(Failure::new)?,
        certificate_names: vec!["messageverificationcerts.sandbox.paypal.com".to_owned()],
        certificate_origins: vec![Origin::parse("https://api.sandbox.paypal.com").map_err(Failure::new)?],
    };
    let body = read("sale-completed/body.json")?;
    let arrived = transmission.time.parse().map_err(Failure::from("the captured delivery has no time"))?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let since = Instant::now();
        let verdict = verify(&trust, &transmission, body.as_bytes(), &certificate, arrived);
        took.push(since.elapsed().as_secs_f64() * 1e6);
        if verdict != Verdict::Genuine {
            return Err(Failure::new(format!("the captured delivery is {verdict:?}")));
        }
    }
    table.add("one offline verification", median(took, "µs"), "at most 200 µs");
    Ok(())
}
