//! The template of every environment, under review: a change of the stack shows here first.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails panics")]

mod check;
mod compile_fail;
mod example;
mod places;
#[path = "../../cfn/tests/it/refused_programs.rs"]
mod refused_programs;
mod runbooks;

use std::{fs, path::Path};

use infra::Environment;

const ENVIRONMENTS: [&str; 3] = ["local", "dev", "prod"];

fn environment(name: &str) -> Environment {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../environments/{name}.yaml"));
    let text = fs::read_to_string(file).unwrap();
    Environment::parse(name, name, &text).unwrap()
}

fn template(name: &str) -> infra::Template {
    infra::service(&environment(name)).unwrap()
}

/// Compares with a file under `tests/snapshots`. Rewrite them with `UPDATE_EXPECT=1 cargo test -p infra`, and read the
/// difference before committing it.
fn expect(name: &str, written: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    expect_test::expect_file![file].assert_eq(written);
}

#[test]
fn templates_are_what_was_reviewed() {
    for name in ENVIRONMENTS {
        expect(&format!("{name}.yaml"), &cfn::write::yaml(&template(name)));
    }
}

/// It stands in the README.
#[test]
fn the_architectures_picture_is_that_of_the_template() {
    expect("prod.svg", &review::diagram::svg(&review::diagram::picture(&template("prod"))));
}

#[test]
fn the_same_environment_gives_the_same_bytes() {
    let first = cfn::write::json(&template("prod"));
    for _ in 0..20 {
        assert_eq!(cfn::write::json(&template("prod")), first);
    }
}

/// A failed deployment names the line; one inside a construct would say nothing about this service.
#[test]
fn every_resource_is_defined_in_a_line_of_this_services_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let definitions = infra::definitions(&environment("prod"));
    for id in template("prod").resources.keys() {
        let (file, line) = definitions[id.as_str()].rsplit_once(':').unwrap();
        let own = ["infra/src/service.rs", "infra/src/alarms.rs", "infra/src/wiring.rs"];
        assert!(own.contains(&file) && (id.as_str() == "Key" || file != own[2]), "{id}: {file}");
        let text = fs::read_to_string(root.join(file)).unwrap();
        let line = text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
        assert!(
            ["service", "alarm(", ".metric_filter(", "stack.key("].iter().any(|call| line.contains(call)),
            "{id}: {line}"
        );
    }
    let queue = &definitions["ErrorsQueue"];
    let line: usize = queue.rsplit_once(':').unwrap().1.parse().unwrap();
    let text = fs::read_to_string(root.join("infra/src/service.rs")).unwrap();
    assert!(text.lines().nth(line - 1).unwrap().contains("error_queue(\"errors\")"), "{queue}");
}

#[test]
fn a_template_reads_back_as_it_was() {
    for name in ENVIRONMENTS {
        let template = template(name);
        assert!(cfn::read::template(&cfn::write::yaml(&template)).unwrap() == template);
        assert!(cfn::read::template(&cfn::write::json(&template)).unwrap() == template);
    }
}

/// Where the shop signs requests, the stack generates the key, and `subscription-create` alone reads it.
#[test]
fn shop_signature_brings_a_generated_secret_that_one_function_reads() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../environments/prod.yaml");
    let text = fs::read_to_string(file).unwrap();
    let text = text.replacen("\napi:\n", "\napi:\n  subscription_create: shop-signature\n", 1);
    let signed = infra::service(&Environment::parse("prod", "prod", &text).unwrap()).unwrap();
    let template: serde_json::Value = serde_json::from_str(&cfn::write::json(&signed)).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let generated = &resources["ShopSecret"]["Properties"]["GenerateSecretString"];
    assert_eq!((&generated["GenerateStringKey"], &generated["PasswordLength"]), (&"signing_key".into(), &64.into()));
    assert!(template["Outputs"]["ShopSecretArn"].is_object());
    let readers = resources.iter().filter(|(_, resource)| {
        resource["Type"] == "AWS::IAM::Role" && resource["Properties"]["Policies"].to_string().contains("ShopSecret")
    });
    assert_eq!(readers.map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["SubscriptionCreateRole"]);
    let variable = |template: &serde_json::Value| {
        template["Resources"]["SubscriptionCreate"]["Properties"]["Environment"]["Variables"]["SHOP_SECRET"].clone()
    };
    assert!(variable(&template).to_string().contains("ShopSecret"));
    // Elsewhere neither the secret nor its permission exists.
    let anyone: serde_json::Value = serde_json::from_str(&cfn::write::json(&self::template("prod"))).unwrap();
    assert_eq!(variable(&anyone), "none");
    assert!(!anyone.to_string().contains("ShopSecret"));
}

/// A stranger cannot raise the alarms of real failures, nor use up what PayPal's webhooks need.
#[test]
fn forged_webhooks_and_floods_are_kept_apart_from_what_matters() {
    let template = template("prod");
    let property =
        |id: &str, pointer: &str| template.resources[id].properties[pointer.split('/').next().unwrap()].clone();
    assert_eq!(property("ForgedQueue", "MessageRetentionPeriod"), 4 * 86_400);
    let watched = template.resources.values().filter(|resource| resource.kind == "AWS::CloudWatch::Alarm");
    let of_forged = |alarm: &&cfn::Resource| {
        alarm.properties.get("Dimensions").is_some_and(|of| of.to_string().contains("ForgedQueue"))
    };
    assert_eq!(watched.filter(of_forged).count(), 0);
    let verify = property("WebhookVerify", "Environment");
    assert_eq!(verify["Variables"]["FORGED"], serde_json::json!({ "Ref": "ForgedQueue" }));
    assert_eq!(property("WebhookVerify", "RecursiveLoop"), "Allow");

    for (function, reserved) in [("WebhookReceiver", 50), ("SubscriptionCreate", 20), ("PlansList", 20)] {
        assert_eq!(property(function, "ReservedConcurrentExecutions"), reserved, "{function}");
    }
    let throttles = property("ApiStage", "RouteSettings");
    let routes: Vec<_> = throttles.as_object().unwrap().keys().collect();
    assert_eq!(routes, ["GET /plans/list", "POST /subscription/create", "POST /webhook/receiver"]);
    assert_eq!(throttles["POST /webhook/receiver"]["ThrottlingRateLimit"], 100);
    let stage = &template.resources["ApiStage"];
    assert_eq!(stage.depends_on.len(), 3, "API Gateway refuses settings of routes that do not exist yet");
    assert!(stage.properties["AccessLogSettings"]["Format"].as_str().unwrap().contains("$context.identity.sourceIp"));
    assert_eq!(property("ApiLog", "RetentionInDays"), 7);
    assert_eq!(property("NothingFinishedAlarm", "TreatMissingData"), "breaching");
    assert_eq!(property("NothingFinishedAlarm", "EvaluationPeriods"), 24);
}

#[test]
fn a_role_may_do_what_its_functions_settings_say_and_no_more() {
    let template = template("dev");
    let actions = |function: &str| -> Vec<String> {
        let role = &template.resources[format!("{function}Role").as_str()];
        let statements = role.properties["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let all = statements.iter().flat_map(|statement| {
            assert!(statement["Resource"].as_array().unwrap().iter().all(|resource| resource != "*"), "{statement}");
            statement["Action"].as_array().unwrap().clone()
        });
        let mut all: Vec<_> = all.map(|action| action.as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
    let feed = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
    assert_eq!(actions("PlansList"), [&log[..], &["secretsmanager:GetSecretValue"]].concat());
    assert_eq!(actions("WebhookReceiver"), [&log[..], &["sns:Publish"]].concat());
    let mut verify = [&log[..], &feed, &["secretsmanager:GetSecretValue"]].concat();
    // Onwards, apart, given up, and back with a delay.
    verify.extend(["sqs:SendMessage"; 4]);
    verify.sort_unstable();
    assert_eq!(actions("WebhookVerify"), verify);
}
