//! Lambda functions: what they are given, who may call them, where their failures go.

use serde_json::Value as Json;

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
    dead_letters::{QUEUE, is_fifo},
    topics::{SUBSCRIPTION, TOPIC},
};
use crate::check::context::Facts;
use cfn::Path;
use cfn::view::{
    Field, ResourceView, policies,
    text::{Piece, Text},
};

const FUNCTION: &str = "AWS::Lambda::Function";
const PERMISSION: &str = "AWS::Lambda::Permission";
const INVOKE_CONFIG: &str = "AWS::Lambda::EventInvokeConfig";
const ROLE: &str = "AWS::IAM::Role";

/// Bytes that a function's environment may have.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
const ENVIRONMENT_BYTES: usize = 4096;

/// Services that call a function without waiting for its answer.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html>
const ASYNCHRONOUS: [&str; 5] =
    ["events.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com", "sns.amazonaws.com", "codecommit.amazonaws.com"];

/// Variables that Lambda sets itself, and does not let anyone else set.
const RESERVED: [&str; 15] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "_HANDLER",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "LAM-1",
        severity: Warning,
        title: "an asynchronous function keeps what it failed on",
        why: "Lambda tries an event three times and then drops it",
        mend: "set DeadLetterConfig, or an on-failure destination in an AWS::Lambda::EventInvokeConfig",
        find: asynchronous,
    },
    Rule {
        id: "LAM-2",
        severity: Error,
        title: "a function may send to where its failures go",
        why: "Lambda sends with the function's role, and refuses a target that the role may not send to",
        mend: "allow sqs:SendMessage (queue), sns:Publish (topic) or lambda:InvokeFunction (function) on the target",
        find: may_send,
    },
    Rule {
        id: "LAM-3",
        severity: Error,
        title: "a failure's target is an ARN",
        why: "Ref of a queue is its URL, and Ref of a function its name, which Lambda refuses",
        mend: "use Fn::GetAtt with Arn",
        find: target_is_arn,
    },
    Rule {
        id: "LAM-4",
        severity: Error,
        title: "a function's environment has at most 4 KB",
        why: "Lambda refuses more",
        mend: "move what is long to where the function can read it",
        find: environment_size,
    },
    Rule {
        id: "LAM-5",
        severity: Error,
        title: "a function sets no variable of Lambda's own",
        why: "Lambda refuses variables that it sets itself",
        mend: "give the variable another name",
        find: reserved_variables,
    },
    Rule {
        id: "LAM-6",
        severity: Warning,
        title: "a permission names its source",
        why: "without one, anybody's topic, bucket or API of that service may call the function",
        mend: "set SourceArn (and SourceAccount, where the ARN holds no account)",
        find: permission_source,
    },
    Rule {
        id: "LAM-7",
        severity: Error,
        title: "a function's failures go to a standard queue or topic",
        why: "Lambda refuses a FIFO queue or topic",
        mend: "use a standard one",
        find: fifo_target,
    },
    Rule {
        id: "LAM-8",
        severity: Warning,
        title: "a function's URL asks who calls",
        why: "with AuthType NONE the whole internet may call it, past every API's limits",
        mend: "set AuthType to AWS_IAM, or put an API with limits before the function",
        find: open_url,
    },
    Rule {
        id: "LAM-9",
        severity: Error,
        title: "a function has 1 to 900 seconds, and 128 to 10,240 MB",
        why: "Lambda refuses every other",
        mend: "choose a number within the range",
        find: size,
    },
];

/// Where failures of a function go: the place, and the target as it is written.
struct Target<'a> {
    function: ResourceView<'a>,
    path: Path,
    arn: &'a Json,
}

fn targets<'a>(facts: &Facts<'a>) -> Vec<Target<'a>> {
    let own = facts.all(FUNCTION).filter_map(|function| {
        let arn = function.field("DeadLetterConfig.TargetArn").value()?;
        Some(Target { function, path: function.at("DeadLetterConfig.TargetArn"), arn })
    });
    let configured = facts.all(INVOKE_CONFIG).filter_map(|config| {
        let place = "DestinationConfig.OnFailure.Destination";
        let function = facts.target(config.field("FunctionName").value()?, FUNCTION)?;
        Some(Target { function, path: config.at(place), arn: config.field(place).value()? })
    });
    own.chain(configured).collect()
}

fn asynchronous(facts: &Facts<'_>) -> Vec<Fault> {
    if facts.may_grow() {
        return Vec::new();
    }
    let mut faults: Vec<Fault> = Vec::new();
    for (function, caller) in asynchronous_calls(facts) {
        let configured = facts.all(INVOKE_CONFIG).any(|config| {
            let named = config.field("FunctionName").value().and_then(|name| facts.target(name, FUNCTION));
            let fails_to = config.field("DestinationConfig.OnFailure.Destination");
            named.is_none_or(|named| named.id == function.id) && !matches!(fails_to, Field::Absent)
        });
        let keeps = configured || !function.is_absent("DeadLetterConfig.TargetArn");
        if !keeps && faults.iter().all(|fault| fault.path != function.path()) {
            faults.push(Fault::new(function.path(), format!("what {caller} sends is lost when the function fails")));
        }
    }
    faults
}

/// Functions that are called without waiting, each with who calls.
fn asynchronous_calls<'a>(facts: &Facts<'a>) -> Vec<(ResourceView<'a>, String)> {
    let by_permission = facts.all(PERMISSION).filter_map(|permission| {
        let principal = permission.literal("Principal").filter(|name| ASYNCHRONOUS.contains(&name.as_str()))?;
        Some((facts.target(permission.field("FunctionName").value()?, FUNCTION)?, principal))
    });
    let by_subscription = facts.all(SUBSCRIPTION).filter_map(|subscription| {
        subscription.literal("Protocol").filter(|protocol| protocol == "lambda")?;
        Some((facts.target(subscription.field("Endpoint").value()?, FUNCTION)?, subscription.id.to_string()))
    });
    let by_rule = facts.all("AWS::Events::Rule").flat_map(|rule| {
        let arns = rule.list("Targets").into_iter().filter_map(|target| Field::of(target).member("Arn").value());
        arns.filter_map(|arn| facts.target(arn, FUNCTION)).map(move |function| (function, rule.id.to_string()))
    });
    // Whoever says how often events are tried again expects them.
    let by_config = facts.all(INVOKE_CONFIG).filter_map(|config| {
        Some((facts.target(config.field("FunctionName").value()?, FUNCTION)?, "whoever calls it".to_owned()))
    });
    by_subscription.chain(by_permission).chain(by_rule).chain(by_config).collect()
}

fn may_send(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for target in targets(facts) {
        let role = target.function.field("Role").value().and_then(|role| facts.target(role, ROLE));
        let Some(role) = role.filter(|_| wrong_kind(facts, target.arn).is_none()) else { continue };
        let kinds = [(QUEUE, "sqs:SendMessage"), (TOPIC, "sns:Publish"), (FUNCTION, "lambda:InvokeFunction")];
        for (kind, action) in kinds {
            let Some(to) = facts.target(target.arn, kind) else { continue };
            if policies::role_may(facts, role, action, to) == Some(false) {
                faults.push(Fault::new(target.path.clone(), format!("{} lacks {action} on {}", role.id, to.id)));
            }
        }
    }
    faults
}

fn target_is_arn(facts: &Facts<'_>) -> Vec<Fault> {
    let all = targets(facts).into_iter();
    all.filter_map(|target| Some(Fault::new(target.path, wrong_kind(facts, target.arn)?))).collect()
}

/// Why a target is no ARN, if it certainly is none.
fn wrong_kind(facts: &Facts<'_>, target: &Json) -> Option<String> {
    match Text::of(target).only()? {
        Piece::Ref(id) => match facts.resource(id)?.resource.kind.as_str() {
            QUEUE => Some(format!("Ref of {id} is a URL")),
            FUNCTION => Some(format!("Ref of {id} is a name")),
            _ => None,
        },
        Piece::Literal(text) if !text.starts_with("arn:") => Some(format!("{text} is no ARN")),
        _ => None,
    }
}

fn environment_size(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for function in facts.all(FUNCTION) {
        let Field::Is(variables @ Json::Object(entries)) = function.field("Environment.Variables") else { continue };
        if cfn::view::text::function_name(variables).is_some() {
            continue;
        }
        // What a deployment fills in is left out: the environment has at least these bytes.
        let bytes: usize =
            entries.iter().map(|(name, value)| name.len() + Text::of(value).literal().map_or(0, str::len)).sum();
        if bytes > ENVIRONMENT_BYTES {
            faults.push(Fault::new(function.at("Environment.Variables"), format!("{bytes} bytes at least")));
        }
    }
    faults
}

fn reserved_variables(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for function in facts.all(FUNCTION) {
        let Field::Is(Json::Object(entries)) = function.field("Environment.Variables") else { continue };
        for name in entries.keys().filter(|name| RESERVED.contains(&name.as_str())) {
            let path = function.at("Environment.Variables").key(name);
            faults.push(Fault::new(path, format!("Lambda sets {name} itself")));
        }
    }
    faults
}

fn permission_source(facts: &Facts<'_>) -> Vec<Fault> {
    let open = facts.all(PERMISSION).filter(|permission| {
        let service =
            permission.literal("Principal").is_some_and(|name| name.ends_with(".amazonaws.com") || name == "*");
        service
            && ["SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken", "FunctionUrlAuthType"]
                .iter()
                .all(|source| permission.is_absent(source))
    });
    open.map(|permission| Fault::new(permission.path(), "the permission has no source")).collect()
}

fn fifo_target(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for target in targets(facts) {
        let to = facts.target(target.arn, QUEUE).or_else(|| facts.target(target.arn, TOPIC));
        if let Some(to) = to.filter(|to| is_fifo(*to) == Some(true)) {
            faults.push(Fault::new(target.path, format!("{} is FIFO", to.id)));
        }
    }
    faults
}

fn open_url(facts: &Facts<'_>) -> Vec<Fault> {
    let open = facts.all("AWS::Lambda::Url").filter(|url| url.literal("AuthType").as_deref() == Some("NONE"));
    open.map(|url| Fault::new(url.at("AuthType"), "everyone may call the function")).collect()
}

/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
fn size(facts: &Facts<'_>) -> Vec<Fault> {
    let limits = [("Timeout", 1.0, 900.0, "s"), ("MemorySize", 128.0, 10_240.0, "MB")];
    let mut faults = Vec::new();
    for function in facts.all(FUNCTION) {
        for (property, least, most, unit) in limits {
            if let Some(value) = function.number(property).filter(|value| !(least..=most).contains(value)) {
                faults.push(Fault::new(function.at(property), format!("{value} {unit}, taken: {least} to {most}")));
            }
        }
    }
    faults
}
