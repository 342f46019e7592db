//! The rules against this service's own template: nothing is wrong with it, and no fault that is put into it stays unseen.

use cfn::{Resource, Template};
use review::check;
use serde_json::{Value as Json, json};

use crate::{ENVIRONMENTS, template};

fn findings(template: &Template) -> Vec<String> {
    let report = check::template(template);
    let said = |finding: &check::Finding| format!("{} {}: {}", finding.rule.id, finding.path, finding.message);
    report.findings.iter().map(said).collect()
}

#[test]
fn nothing_is_wrong_with_the_template_of_any_environment() {
    for name in ENVIRONMENTS {
        assert_eq!(findings(&template(name)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_is_waived_says_why() {
    let waived = |name| -> Vec<String> {
        let report = check::template(&template(name));
        let said = |waived: &check::Waived| format!("{} {}", waived.finding.rule.id, waived.finding.path);
        assert!(report.waived.iter().all(|waived| waived.reason.len() > 10));
        report.waived.iter().map(said).collect()
    };
    assert_eq!(waived("prod"), ["QUOTA-4 "]);
    assert_eq!(waived("dev"), ["QUOTA-4 ", "SNS-9 Resources.AlarmsTopic"]);
    assert_eq!(waived("local"), ["QUOTA-4 ", "SNS-9 Resources.AlarmsTopic"]);
}

/// A fault: the rule that must find it, what it is, and how it gets into `prod`'s template.
struct Fault {
    rule: &'static str,
    what: &'static str,
    plant: fn(&mut Template),
}

/// A resource of the template.
fn at<'a>(template: &'a mut Template, id: &str) -> &'a mut Resource {
    template.resources.get_mut(id).unwrap_or_else(|| panic!("{id} is gone; the fault must find another place"))
}

/// Changes the value at a JSON pointer below a resource's properties, which must be there.
fn change(template: &mut Template, id: &str, pointer: &str, to: Json) {
    let (first, rest) =
        pointer.split_once('/').map_or((pointer, String::new()), |(first, rest)| (first, format!("/{rest}")));
    let value = at(template, id).properties.get_mut(first).and_then(|value| value.pointer_mut(&rest));
    *value.unwrap_or_else(|| panic!("{id} has no {pointer}; the fault must find another place")) = to;
}

/// Sets a property of a resource, whether it is there or not.
fn set(template: &mut Template, id: &str, property: &str, to: Json) {
    at(template, id).properties.insert(property.to_owned(), to);
}

/// Removes a property of a resource, which must be there.
fn remove(template: &mut Template, id: &str, property: &str) {
    assert!(at(template, id).properties.shift_remove(property).is_some(), "{id} has no {property}");
}

/// Adds a resource.
fn add(template: &mut Template, id: &str, kind: &str, properties: Json) {
    let resource = serde_json::from_value(json!({ "Type": kind, "Properties": properties })).unwrap();
    template.resources.insert(cfn::LogicalId::parse(id).unwrap(), resource);
}

/// The statements of a policy, or of a role's first one.
fn statements<'a>(template: &'a mut Template, id: &str) -> &'a mut Vec<Json> {
    let properties = &mut at(template, id).properties;
    let is_role = properties.contains_key("Policies");
    let document = properties.get_mut(if is_role { "Policies" } else { "PolicyDocument" }).unwrap();
    let document = if is_role { &mut document[0]["PolicyDocument"] } else { document };
    document["Statement"].as_array_mut().unwrap()
}

/// Lets SNS call a function with what a topic takes, so that it is called asynchronously.
fn call_asynchronously(template: &mut Template, function: &str) {
    add(
        template,
        "PlantedPermission",
        "AWS::Lambda::Permission",
        json!({
            "Action": "lambda:InvokeFunction", "FunctionName": {"Ref": function}, "Principal": "sns.amazonaws.com",
            "SourceArn": {"Ref": "FinishedTopic"},
        }),
    );
}

/// Sends a function's failures to a target.
fn fail_to(template: &mut Template, function: &str, target: Json) {
    set(template, function, "DeadLetterConfig", json!({ "TargetArn": target }));
}

/// Lets a role send to the error queue.
fn let_send(template: &mut Template, role: &str) {
    let statement = json!({
        "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [{"Fn::GetAtt": ["ErrorsQueue", "Arn"]}],
    });
    statements(template, role).push(statement);
}

/// Everything that neither cfn-lint nor checkov sees, and what else was tried on them.
const FAULTS: &[Fault] = &[
    Fault {
        rule: "HTTP-1",
        what: "two routes with the same key",
        plant: |template| {
            let route = at(template, "PlansListRoute").clone();
            template.resources.insert(cfn::LogicalId::parse("PlansListAgain").unwrap(), route);
        },
    },
    Fault {
        rule: "HTTP-1",
        what: "a route with another's key",
        plant: |template| change(template, "PlansListRoute", "RouteKey", json!("POST /webhook/receiver")),
    },
    Fault {
        rule: "HTTP-2",
        what: "a route's method in small letters",
        plant: |template| change(template, "PlansListRoute", "RouteKey", json!("get /plans/list")),
    },
    Fault {
        rule: "HTTP-3",
        what: "a route whose function it may not call",
        plant: |template| {
            template.resources.shift_remove("WebhookReceiverPermission").unwrap();
        },
    },
    Fault {
        rule: "HTTP-3",
        what: "a permission for another path",
        plant: |template| {
            let other = json!({"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/webhook/receive"});
            change(template, "WebhookReceiverPermission", "SourceArn", other);
        },
    },
    Fault {
        rule: "HTTP-4",
        what: "a stage without limits",
        plant: |template| remove(template, "ApiStage", "DefaultRouteSettings"),
    },
    Fault {
        rule: "HTTP-5",
        what: "CORS for every origin",
        plant: |template| change(template, "Api", "CorsConfiguration/AllowOrigins/0", json!("*")),
    },
    Fault {
        rule: "HTTP-6",
        what: "a function behind a route that may take longer than API Gateway waits",
        plant: |template| change(template, "WebhookReceiver", "Timeout", json!(30)),
    },
    Fault {
        rule: "DOM-1",
        what: "a certificate for another domain",
        plant: |template| {
            change(template, "DomainCertificate", "DomainName", json!("www.example.com"));
            change(template, "DomainCertificate", "DomainValidationOptions/0/DomainName", json!("www.example.com"));
        },
    },
    Fault {
        rule: "DOM-1",
        what: "a certificate whose own name is another",
        plant: |template| change(template, "DomainCertificate", "DomainName", json!("www.example.com")),
    },
    Fault {
        rule: "DOM-2",
        what: "a domain that takes TLS 1.0",
        plant: |template| change(template, "Domain", "DomainNameConfigurations/0/SecurityPolicy", json!("TLS_1_0")),
    },
    Fault {
        rule: "SNS-1",
        what: "a subscription without a queue policy for its topic",
        plant: |template| {
            statements(template, "UnverifiedQueuePolicy").retain(|statement| statement["Effect"] == "Deny");
        },
    },
    Fault {
        rule: "SNS-2",
        what: "a queue policy for another topic",
        plant: |template| {
            let statement =
                statements(template, "UnverifiedQueuePolicy").iter_mut().find(|one| one["Effect"] == "Allow");
            statement.unwrap()["Condition"] = json!({"ArnEquals": {"aws:SourceArn": {"Ref": "FinishedTopic"}}});
        },
    },
    Fault {
        rule: "SNS-3",
        what: "a subscription that keeps nothing that it could not deliver",
        plant: |template| remove(template, "UnverifiedQueueSubscription", "RedrivePolicy"),
    },
    Fault {
        rule: "SNS-4",
        what: "a queue's URL where its ARN belongs",
        plant: |template| {
            change(template, "UnverifiedQueueSubscription", "Endpoint", json!({"Ref": "UnverifiedQueue"}))
        },
    },
    Fault {
        rule: "SNS-5",
        what: "a filter policy whose value is no list",
        plant: |template| set(template, "UnverifiedQueueSubscription", "FilterPolicy", json!({"kind": "sale"})),
    },
    Fault {
        rule: "SNS-6",
        what: "a topic that everyone may publish to",
        plant: |template| {
            let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": {"Ref": "ReceivedTopic"}});
            statements(template, "ReceivedTopicPolicy").push(statement);
        },
    },
    Fault {
        rule: "SQS-1",
        what: "visibility of less than six timeouts",
        plant: |template| change(template, "UnverifiedQueue", "VisibilityTimeout", json!(60)),
    },
    Fault {
        rule: "SQS-2",
        what: "a queue that feeds a function and gives up to nobody",
        plant: |template| remove(template, "UnverifiedQueue", "RedrivePolicy"),
    },
    Fault {
        rule: "SQS-3",
        what: "messages given up after two receives",
        plant: |template| change(template, "UnverifiedQueue", "RedrivePolicy/maxReceiveCount", json!(2)),
    },
    Fault {
        rule: "SQS-4",
        what: "a dead-letter queue that forgets before its source",
        plant: |template| change(template, "ErrorsQueue", "MessageRetentionPeriod", json!(86_400)),
    },
    Fault {
        rule: "SQS-4",
        what: "a FIFO dead-letter queue that forgets before its source",
        plant: |template| change(template, "ErrorsFifoQueue", "MessageRetentionPeriod", json!(86_400)),
    },
    Fault {
        rule: "SQS-5",
        what: "a queue that everyone may send to",
        plant: |template| {
            let statement = json!({
                "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sqs:SendMessage"],
                "Resource": [{"Fn::GetAtt": ["ErrorsFifoQueue", "Arn"]}],
            });
            statements(template, "ErrorsFifoQueuePolicy").push(statement);
        },
    },
    Fault {
        rule: "ESM-1",
        what: "a batch that comes back whole",
        plant: |template| remove(template, "WebhookVerifySource", "FunctionResponseTypes"),
    },
    Fault {
        rule: "ESM-2",
        what: "a consumer that may not delete what it received",
        plant: |template| {
            for statement in statements(template, "WebhookVerifyRole") {
                statement["Action"].as_array_mut().unwrap().retain(|action| action != "sqs:DeleteMessage");
            }
        },
    },
    Fault {
        rule: "LAM-1",
        what: "an asynchronous function that keeps nothing that it failed on",
        plant: |template| call_asynchronously(template, "PlansList"),
    },
    Fault {
        rule: "LAM-2",
        what: "an asynchronous function that may not send to where its failures go",
        plant: |template| {
            call_asynchronously(template, "PlansList");
            fail_to(template, "PlansList", json!({"Fn::GetAtt": ["ErrorsQueue", "Arn"]}));
        },
    },
    Fault {
        rule: "LAM-3",
        what: "an asynchronous function whose failures go to a URL",
        plant: |template| {
            call_asynchronously(template, "PlansList");
            let_send(template, "PlansListRole");
            fail_to(template, "PlansList", json!({"Ref": "ErrorsQueue"}));
        },
    },
    Fault {
        rule: "ALM-1",
        what: "an alarm that tells nobody",
        plant: |template| remove(template, "Api5xxAlarm", "AlarmActions"),
    },
    Fault {
        rule: "ALM-2",
        what: "an alarm that tells a queue",
        plant: |template| {
            change(template, "Api5xxAlarm", "AlarmActions/0", json!({"Fn::GetAtt": ["ErrorsQueue", "Arn"]}));
        },
    },
    Fault {
        rule: "ALM-3",
        what: "an alarm topic with a key that does not let CloudWatch in",
        plant: |template| change(template, "AlarmsTopic", "KmsMasterKeyId", json!("alias/aws/sns")),
    },
    Fault {
        rule: "ALM-4",
        what: "an alarm on a metric that does not exist",
        plant: |template| change(template, "ErrorsNotEmptyAlarm", "MetricName", json!("ApproximateNumberOfMessages")),
    },
    Fault {
        rule: "ALM-4",
        what: "an alarm on a metric of functions that does not exist",
        plant: |template| change(template, "WebhookVerifyErrorsAlarm", "MetricName", json!("Failures")),
    },
    Fault {
        rule: "LOG-1",
        what: "a filter pattern that cannot be read",
        plant: |template| {
            change(template, "WebhookVerifyForgedFilter", "FilterPattern", json!("{ $.signal = \"forged\""));
        },
    },
    Fault {
        rule: "SEC-1",
        what: "a secret in a function's environment",
        plant: |template| {
            let secret = json!("EO422dn3gQLgDbuwqTjzrFgFtaRLRR5BdHEESmha49TM");
            change(template, "PlansList", "Environment/Variables/PAYPAL_SECRET", secret);
        },
    },
    Fault {
        rule: "SEC-2",
        what: "every action of a service",
        plant: |template| {
            let publish =
                statements(template, "WebhookReceiverRole").iter_mut().find(|one| one["Action"][0] == "sns:Publish");
            publish.unwrap()["Action"] = json!(["sns:*"]);
        },
    },
    // What cfn-lint or checkov sees.
    Fault {
        rule: "REF-5",
        what: "a circle",
        plant: |template| {
            let policy = cfn::LogicalId::parse("UnverifiedQueuePolicy").unwrap();
            at(template, "UnverifiedQueue").depends_on.push(policy);
        },
    },
    Fault {
        rule: "REF-1",
        what: "a reference that leads nowhere",
        plant: |template| change(template, "PlansList", "Environment/Variables/PAYPAL_SECRET", json!({"Ref": "Gone"})),
    },
    Fault {
        rule: "LAM-4",
        what: "an environment of more than 4 KB",
        plant: |template| change(template, "PlansList", "Environment/Variables/PAYPAL_URL", json!("long ".repeat(820))),
    },
    Fault {
        rule: "SQS-8",
        what: "a queue that is its own dead-letter queue",
        plant: |template| {
            let itself = json!({"Fn::GetAtt": ["UnverifiedQueue", "Arn"]});
            change(template, "UnverifiedQueue", "RedrivePolicy/deadLetterTargetArn", itself);
        },
    },
    Fault {
        rule: "DATA-1",
        what: "a secret that goes with the stack",
        plant: |template| at(template, "PaypalSecret").deletion_policy = None,
    },
    Fault {
        rule: "ESM-4",
        what: "visibility of less than the timeout",
        plant: |template| change(template, "UnverifiedQueue", "VisibilityTimeout", json!(10)),
    },
    Fault {
        rule: "LOG-2",
        what: "a log that is kept for ever",
        plant: |template| remove(template, "PlansListLog", "RetentionInDays"),
    },
    Fault {
        rule: "IAM-2",
        what: "publishing to every topic",
        plant: |template| {
            let publish =
                statements(template, "WebhookReceiverRole").iter_mut().find(|one| one["Action"][0] == "sns:Publish");
            publish.unwrap()["Resource"] = json!(["*"]);
        },
    },
];

#[test]
fn every_fault_that_is_planted_in_prod_is_found_by_its_rule_and_nothing_else_is_said() {
    let mut missed = Vec::new();
    for fault in FAULTS {
        let mut planted = template("prod");
        (fault.plant)(&mut planted);
        let found = findings(&planted);
        let its_own = found.iter().filter(|said| said.starts_with(&format!("{} ", fault.rule))).count();
        if its_own == 0 || its_own < found.len() {
            missed.push(format!("{} {}: found {found:#?}", fault.rule, fault.what));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
