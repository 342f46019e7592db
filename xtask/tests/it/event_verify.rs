//! `event verify` on captured deliveries.

use std::{fs, path::PathBuf};

use crate::service::{root, scratch, xtask};

fn captured() -> PathBuf {
    root().join("handlers/paypal/tests/vectors")
}

/// Checks the captured delivery, its headers changed; code, standard output, standard error.
fn verify(name: &str, from: &str, to: &str, further: &[&str]) -> (Option<i32>, String, String) {
    let folder = captured().join("sale-completed");
    let headers = fs::read_to_string(folder.join("headers.json")).unwrap();
    assert!(headers.contains(from), "{from}");
    let changed = scratch(&format!("verify-{name}")).join("headers.json");
    fs::write(&changed, headers.replacen(from, to, 1)).unwrap();
    let mut command = xtask();
    // The environment `local` believes the sandbox's authority; the captured certificate says PayPal's sandbox.
    command.args(["event", "verify", "--webhook-id", "8PT597110X687430LKGECATA"]);
    command.arg("--body").arg(folder.join("body.json")).arg("--headers").arg(changed);
    command.arg("--cert").arg(folder.join("cert.pem")).args(further);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// When the captured delivery was signed.
fn signed_at() -> String {
    let headers = fs::read_to_string(captured().join("sale-completed/headers.json")).unwrap();
    let headers: serde_json::Value = serde_json::from_str(&headers).unwrap();
    headers["paypal-transmission-time"].as_str().unwrap().to_owned()
}

#[test]
fn the_check_that_failed_is_named_and_what_to_do() {
    let at = signed_at();
    // Issued by the sandbox's authority, which PayPal's trust does not know.
    let (code, out, errors) = verify("authority", "", "", &["--at", &at]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
    assert!(errors.starts_with("error: the delivery is undecided: unknown_authority: "), "{errors}");
    for (name, from, to, further, wanted) in [
        ("old", "", "", &["--at", "2031-01-01T00:00:00Z"][..], "forged: too_old: "),
        ("algorithm", "SHA256withRSA", "SHA1withRSA", &["--at", &at], "forged: wrong_algorithm: "),
        (
            "address",
            "https://api.sandbox.paypal.com",
            "https://api.evil.example",
            &["--at", &at],
            "forged: wrong_certificate_address: ",
        ),
        ("missing", "paypal-transmission-id", "other-id", &["--at", &at], "headers.json: "),
        ("time", "", "", &["--at", "yesterday"], "--at yesterday: "),
    ] {
        let (code, out, errors) = verify(name, from, to, further);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{name}: {errors}");
        assert!(errors.contains(wanted) && errors.contains("\n  help: "), "{name}: {errors}");
    }
}

#[test]
fn a_genuine_delivery_is_said_to_be_and_programs_get_json() {
    // A delivery of the running service, as somebody captured it.
    let service = crate::service::Service::start("captured");
    let wanted = serde_json::json!({ "event_type": "BILLING.SUBSCRIPTION.CANCELLED", "deliver": false });
    let made = service.tell_sandbox("events", &wanted);
    let folder = scratch("captured-files");
    fs::write(folder.join("body.json"), made["body"].as_str().unwrap()).unwrap();
    // The environment file names the sandbox's usual port; the delivery came from a free one.
    let headers = made["headers"].to_string().replace(&service.paypal, "http://127.0.0.1:3002");
    fs::write(folder.join("headers.json"), headers).unwrap();
    let url = made["headers"]["paypal-cert-url"].as_str().unwrap();
    let (_, pem) = crate::service::call("GET", url, &[], None);
    fs::write(folder.join("cert.pem"), pem).unwrap();
    let verify = |further: &[&str]| {
        let mut command = xtask();
        command.args(["event", "verify", "--env", "local"]);
        command.args(
            ["--body", "body.json", "--headers", "headers.json", "--cert", "cert.pem"]
                .map(|each| if each.starts_with("--") { each.into() } else { folder.join(each).into_os_string() }),
        );
        let output = command.args(further).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, out) = verify(&[]);
    assert!(code == Some(0) && out.starts_with("genuine: "), "{out}");
    let (code, out) = verify(&["--format", "json"]);
    assert_eq!((code, out.as_str()), (Some(0), "{\"verdict\":\"genuine\",\"reason\":null,\"detail\":null}\n"));
    let (code, out) = verify(&["--format", "json", "--webhook-id", "0AB12345CD678901E"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["reason"]), (Some(1), &serde_json::json!("wrong_signature")));
}
