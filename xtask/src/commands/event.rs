//! PayPal's webhook events. `event verify` checks a captured delivery here, and says which check failed.

pub(crate) mod sandbox;

use std::{fs, io::Write, path::Path, time::Duration};

use infra::Environment;
use paypal::signature::{
    Authorities, Certificate, CertificateStore, FetchError, Origin, Transmission, Trust, Verdict, address, verify,
};
use serde_json::{Value as Json, json};

use crate::{
    cli::{EventVerify, OutputFormat},
    context::Context,
    report::Failure,
};

/// Where PayPal's certificates are, and what names they bear, live and in its sandbox.
const ORIGINS: [&str; 4] = [
    "https://api.paypal.com",
    "https://api-m.paypal.com",
    "https://api.sandbox.paypal.com",
    "https://api-m.sandbox.paypal.com",
];
const NAMES: [&str; 2] = ["messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"];

/// What was found: a stable word, and a sentence.
struct Finding {
    verdict: &'static str,
    reason: Option<(&'static str, String)>,
}

pub(crate) fn verify_captured(context: &Context, options: &EventVerify) -> Result<(), Failure> {
    let body = fs::read(&options.body).map_err(Failure::from(format!("cannot read {}", options.body.display())))?;
    let transmission = headers(&options.headers)?;
    let environment = options.env.as_ref().map(|name| context.environment(name)).transpose()?;
    let trust = trust(options, environment.as_ref())?;
    let arrived = match &options.at {
        Some(text) => text.parse().map_err(|error| {
            Failure::new(format!("--at {text}: {error}")).help("write it as 2026-11-01T12:00:00Z (RFC 3339)")
        })?,
        None => jiff::Timestamp::now(),
    };
    let finding = match certificate(options, &transmission, &trust)? {
        Ok(certificate) => of_verdict(verify(&trust, &transmission, &body, &certificate, arrived)),
        Err(finding) => finding,
    };
    print(&finding, options.format)?;
    match finding.verdict {
        "genuine" => Ok(()),
        verdict => {
            let (reason, detail) = finding.reason.unwrap_or(("", String::new()));
            let failure = Failure::new(format!("the delivery is {verdict}: {reason}: {detail}"));
            Err(failure.help(mend(reason)))
        }
    }
}

fn print(finding: &Finding, format: OutputFormat) -> Result<(), Failure> {
    let text = match (format, &finding.reason) {
        (OutputFormat::Json, reason) => {
            let (word, detail) = reason.clone().unzip();
            json!({ "verdict": finding.verdict, "reason": word, "detail": detail }).to_string() + "\n"
        }
        (OutputFormat::Text, None) => {
            "genuine: address, certificate, name, validity, time and signature are PayPal's\n".to_owned()
        }
        // Said as the failure.
        (OutputFormat::Text, Some(_)) => return Ok(()),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::from("cannot print the verdict"))
}

fn of_verdict(verdict: Verdict) -> Finding {
    match verdict {
        Verdict::Genuine => Finding { verdict: "genuine", reason: None },
        Verdict::Forged(reason) => Finding { verdict: "forged", reason: Some((reason.code(), reason.to_string())) },
        Verdict::Undecided(reason) => {
            Finding { verdict: "undecided", reason: Some((reason.code(), reason.to_string())) }
        }
    }
}

/// Headers as a JSON object; names in any case.
fn headers(file: &Path) -> Result<Transmission, Failure> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(Failure::from(format!("cannot read {shown}")))?;
    let shape = "write the headers as a JSON object: {\"paypal-transmission-id\": \"...\", ...}";
    let headers: Json = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{shown}:{}:{}: not JSON", error.line(), error.column())).help(shape))?;
    let headers = headers.as_object().ok_or_else(|| Failure::new(format!("{shown}: not an object")).help(shape))?;
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Transmission::from_headers(texts).map_err(|error| Failure::new(format!("{shown}: {error}")).help(shape))
}

/// What is believed: what an environment believes, or PayPal, live and sandbox.
fn trust(options: &EventVerify, environment: Option<&Environment>) -> Result<Trust, Failure> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (webhook_id, authorities, names, origins) = match environment.map(|environment| &environment.paypal.webhook) {
        Some(trust) => (
            Some(trust.webhook_id.clone()),
            trust.certificate_authorities.clone(),
            trust.certificate_names.clone(),
            trust.certificate_origins.clone(),
        ),
        None => (None, owned(&["digicert"]), owned(&NAMES), owned(&ORIGINS)),
    };
    let webhook_id = options.webhook_id.clone().or(webhook_id).ok_or_else(|| {
        Failure::new("the id of the webhook is part of what is signed, and not given")
            .help("give --webhook-id, or --env for the one in an environment file")
    })?;
    let authorities: Vec<&str> = authorities.iter().map(String::as_str).collect();
    let origins = origins.iter().map(|origin| Origin::parse(origin)).collect::<Result<_, _>>();
    Ok(Trust {
        webhook_id,
        authorities: Authorities::parse(&authorities).map_err(Failure::new)?,
        certificate_names: names,
        certificate_origins: origins.map_err(Failure::new)?,
    })
}

/// The certificate: the file that was given, or what is at the address in the headers, if that is one to fetch from.
fn certificate(
    options: &EventVerify,
    transmission: &Transmission,
    trust: &Trust,
) -> Result<Result<Certificate, Finding>, Failure> {
    if let Some(file) = &options.cert {
        let pem = fs::read(file).map_err(Failure::from(format!("cannot read {}", file.display())))?;
        return Certificate::from_pem(&pem).map(Ok).map_err(|_| {
            Failure::new(format!("{}: not a certificate", file.display())).help("give PayPal's certificate as PEM")
        });
    }
    let address = match address(&transmission.cert_url, &trust.certificate_origins) {
        Ok(address) => address,
        Err(reason) => return Ok(Err(of_verdict(Verdict::Forged(reason)))),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::from("cannot start the runtime"))?;
    let store = CertificateStore::new().map_err(Failure::new)?;
    let fetched = runtime.block_on(store.get(&address));
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(fetched.map_err(|error| match error {
        FetchError::NotFound => {
            Finding { verdict: "forged", reason: Some(("certificate_not_found", error.to_string())) }
        }
        FetchError::Unavailable(_) => {
            Finding { verdict: "undecided", reason: Some(("certificate_unavailable", error.to_string())) }
        }
    }))
}

/// What whoever looks into a delivery can do next.
fn mend(reason: &str) -> &'static str {
    match reason {
        "too_old" | "from_the_future" => {
            "give the time at which it arrived with --at: an error queue has it as received_at"
        }
        "wrong_signature" => {
            "check that the body is byte for byte as it came, and that the webhook id is that of the webhook it was sent to"
        }
        "certificate_unavailable" => "give the certificate with --cert, or try again where PayPal can be reached",
        "unknown_authority" => {
            "add the authority to paypal.webhook.certificate_authorities once you know that it is PayPal's"
        }
        "wrong_certificate_name" | "wrong_certificate_address" => {
            "a delivery of another environment, or none of PayPal's; --env says whom to believe"
        }
        _ => "it is none of PayPal's, or was changed on the way",
    }
}
