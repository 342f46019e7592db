//! The API against its own description, by a tester that knows nothing else of it.

use std::process::Command;

use crate::service::{Service, root, scratch};

#[test]
fn a_tester_that_only_knows_the_description_finds_no_violation_and_no_500() {
    let service = Service::start("api");
    let tester = std::env::var_os("XTASK_SCHEMATHESIS");
    let tester = tester.expect("XTASK_SCHEMATHESIS names no schemathesis: run the tests by `cargo xtask test`");
    let mut command = Command::new(tester);
    command.arg("run").arg(root().join("handlers/openapi.json")).args(["--url", &service.api]);
    // What is valid by its shape may still name a plan that PayPal does not know, and API Gateway answers 404 where others
    // answer 405: these two expectations of the tester's are none of the description's.
    command.args(["--exclude-checks", "positive_data_acceptance,unsupported_method"]);
    command.args(["--max-examples", "60", "--seed", "1", "--no-color"]);
    // What it keeps between runs stays in the build's folder.
    let output = command.current_dir(scratch("schemathesis")).env("NO_COLOR", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(" generated, "), "{said}");
    let log = service.log("/aws/apigateway/paypal-subscriptions-local-api");
    assert!(log.len() > 100, "only {} requests were made", log.len());
    assert!(!log.iter().any(|line| line.contains("\"status\":\"500\"")));
}
