//! KMS: who may use a key.

use std::collections::HashSet;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::QUEUE,
    topics::{SUBSCRIPTION, TOPIC},
};
use crate::check::context::Facts;
use cfn::view::{
    ResourceView,
    policies::{Purpose, Statements},
    statements::every,
    text::Text,
};

const KEY: &str = "AWS::KMS::Key";
const ALARM: &str = "AWS::CloudWatch::Alarm";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KMS-1",
        severity: Error,
        title: "a key lets in the services that write with it",
        why: "without a statement for them, Logs refuses the group and CloudWatch cannot publish to the topic",
        mend: "let logs.<region>.amazonaws.com (logs) or cloudwatch.amazonaws.com (alarms) use the key, for this account",
        find: services_of_key,
    },
    Rule {
        id: "KMS-2",
        severity: Error,
        title: "SNS may use the key of a queue that it feeds",
        why: "SNS encrypts what it sends to the queue; without the key every delivery is refused",
        mend: "let sns.amazonaws.com use kms:GenerateDataKey and kms:Decrypt, for this account",
        find: sns_to_encrypted_queue,
    },
    Rule {
        id: "KMS-3",
        severity: Warning,
        title: "a key is renewed every year",
        why: "a key that is never renewed protects ever more data",
        mend: "set EnableKeyRotation to true",
        find: rotation,
    },
    Rule {
        id: "KMS-4",
        severity: Warning,
        title: "not everyone may use a key",
        why: "with the principal `*` and no condition, every account of AWS may use it",
        mend: "name the service or the account, or add a condition on aws:SourceAccount",
        find: open_key,
    },
    Rule {
        id: "KMS-5",
        severity: Warning,
        title: "a service uses a key for an account that is named",
        why: "without a condition, the service may be made to use the key by anybody's things in any account",
        mend: "add a condition on aws:SourceAccount, or on what the service encrypts for",
        find: |facts| super::topics::services_for_anyone(facts, KEY),
    },
];

/// Whether a key's policy may let a service use it for an action; what is not known counts as letting.
fn key_lets(key: ResourceView<'_>, service: &str, action: &str) -> bool {
    let statements = Statements::of(key, Purpose::Key);
    let lets = statements.any(|statement| {
        every([statement.effect(), statement.is_for_service(service), statement.is_about_action(action)])
    });
    lets != Some(false)
}

/// The key of the template that encrypts a resource.
fn key_of<'a>(facts: &Facts<'a>, thing: ResourceView<'a>, property: &str) -> Option<ResourceView<'a>> {
    facts.target(thing.field(property).value()?, KEY)
}

fn services_of_key(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut say = |key: ResourceView<'_>, message: String| {
        if faults.iter().all(|fault| fault.path != key.path()) {
            faults.push(Fault::new(key.path(), message));
        }
    };
    for group in facts.all(LOG_GROUP) {
        if let Some(key) = key_of(facts, group, "KmsKeyId").filter(|key| !key_lets_logs(*key)) {
            say(key, format!("Logs may not use {}, and {} is encrypted with it", key.id, group.id));
        }
    }
    // All alarms publish to the same few.
    let mut topics = HashSet::new();
    for alarm in facts.all(ALARM) {
        for action in ["AlarmActions", "OKActions"].into_iter().flat_map(|place| alarm.list(place)) {
            let Some(topic) = facts.target(action, TOPIC).filter(|topic| topics.insert(topic.id)) else { continue };
            let Some(key) = key_of(facts, topic, "KmsMasterKeyId") else { continue };
            if !key_lets(key, "cloudwatch.amazonaws.com", "kms:GenerateDataKey") {
                say(key, format!("CloudWatch may not use {}, and its alarms publish to {}", key.id, topic.id));
            }
        }
    }
    faults
}

fn key_lets_logs(key: ResourceView<'_>) -> bool {
    let services = ["logs.${AWS::Region}.amazonaws.com", "logs.amazonaws.com"];
    services.iter().any(|service| key_lets(key, service, "kms:Encrypt"))
        || Statements::of(key, Purpose::Key).known.iter().any(|statement| {
            // A region by its name.
            let services = statement.field("Principal").member("Service").items();
            services.into_iter().any(|service| Text::of(service).shown().starts_with("logs."))
        })
}

fn sns_to_encrypted_queue(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for subscription in facts.all(SUBSCRIPTION).filter(|one| one.literal("Protocol").as_deref() == Some("sqs")) {
        let queue = subscription.field("Endpoint").value().and_then(|endpoint| facts.target(endpoint, QUEUE));
        let Some((queue, key)) = queue.and_then(|queue| Some((queue, key_of(facts, queue, "KmsMasterKeyId")?))) else {
            continue;
        };
        if !key_lets(key, "sns.amazonaws.com", "kms:GenerateDataKey")
            && faults.iter().all(|fault| fault.path != key.path())
        {
            faults.push(Fault::new(key.path(), format!("SNS feeds {}, and may not use its key", queue.id)));
        }
    }
    faults
}

fn rotation(facts: &Facts<'_>) -> Vec<Fault> {
    let keys = facts.all(KEY).filter(|key| {
        let symmetric = key.is_absent("KeySpec") || key.literal("KeySpec").as_deref() == Some("SYMMETRIC_DEFAULT");
        // Only keys whose material is KMS's own can be renewed by it.
        let own = key.is_absent("Origin") || key.literal("Origin").as_deref() == Some("AWS_KMS");
        symmetric && own && key.truth_or("EnableKeyRotation", false) == Some(false)
    });
    keys.map(|key| Fault::new(key.path(), "the key is never renewed")).collect()
}

fn open_key(facts: &Facts<'_>) -> Vec<Fault> {
    super::topics::open_statements(facts, KEY, "everyone may use the key")
}
