//! The soak, in its short form.

use serde_json::Value;

use crate::service::xtask;

#[test]
fn a_short_soak_loses_nothing_and_its_audit_says_so() {
    // With this seed no forged webhook bears a foreign certificate, which the service doubts for ten minutes.
    let output = xtask().args(["soak", "--webhooks", "400", "--seed", "0", "--format", "json"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert_eq!(audit["faults"], serde_json::json!([]), "{audit:#}");
    assert!(output.status.success(), "{told}");
    assert_eq!((&audit["deliveries"], &audit["events"]), (&400.into(), &320.into()));
    assert_eq!(audit["sales"], audit["paid_invoices"]);
    assert!(audit["sales"].as_u64().unwrap() > 100, "{audit:#}");
    let forged: u64 = audit["forged"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(forged, 4, "{audit:#}");
}
