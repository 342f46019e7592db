//! What is kept, and what must stay secret.

use serde_json::Value as Json;

use super::{Fault, Rule, Severity::Warning, dead_letters::QUEUE, topics::TOPIC};
use crate::check::context::Facts;
use cfn::Path;
use cfn::view::{
    Field, ResourceView,
    text::{Piece, Text},
};

const KEY: &str = "AWS::KMS::Key";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";

/// Types whose data is gone when the resource is, or which others remember by name.
const STATEFUL: [&str; 22] = [
    "AWS::ApiGatewayV2::DomainName",
    "AWS::CertificateManager::Certificate",
    "AWS::Cognito::UserPool",
    "AWS::DocDB::DBCluster",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::EFS::FileSystem",
    "AWS::FSx::FileSystem",
    KEY,
    "AWS::Kinesis::Stream",
    LOG_GROUP,
    "AWS::Neptune::DBCluster",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::S3::Bucket",
    TOPIC,
    QUEUE,
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DATA-1",
        severity: Warning,
        title: "what holds data says what becomes of it",
        why: "what becomes of the data when the resource leaves the stack, or a change replaces it, is a decision; nearly every \
              type is deleted where it is not made",
        mend: "set both: RetainExceptOnCreate and Retain, or Delete where the data may go",
        find: stateful,
    },
    Rule {
        id: "SEC-1",
        severity: Warning,
        title: "a function's environment holds no secret",
        why: "environment variables stand in the template, in the console and in every answer of GetFunction",
        mend: "keep it in Secrets Manager, and give the function the secret's ARN",
        find: secret_in_environment,
    },
    Rule {
        id: "SEC-3",
        severity: Warning,
        title: "an output holds no secret",
        why: "everyone who may describe the stack reads its outputs",
        mend: "output the secret's ARN",
        find: secret_in_output,
    },
    Rule {
        id: "SEC-4",
        severity: Warning,
        title: "a secret's value does not stand in the template",
        why: "whoever reads the repository or the stack reads the secret",
        mend: "use GenerateSecretString, or set the value once the stack is there",
        find: secret_literal,
    },
    Rule {
        id: "SEC-5",
        severity: Warning,
        title: "a secret parameter is not shown",
        why: "without NoEcho everyone who may describe the stack reads its parameters",
        mend: "set NoEcho to true, or better give the secret's ARN",
        find: shown_parameter,
    },
    Rule {
        id: "SEC-6",
        severity: Warning,
        title: "a secret parameter has no default",
        why: "the default stands in the template, for everyone who reads it",
        mend: "remove Default",
        find: default_of_secret,
    },
];

fn stateful(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for thing in facts.resources().filter(|thing| STATEFUL.contains(&thing.resource.kind.as_str())) {
        let policies = [
            ("DeletionPolicy", thing.resource.deletion_policy.is_none() && !leaves_a_snapshot(thing)),
            ("UpdateReplacePolicy", thing.resource.update_replace_policy.is_none()),
        ];
        let lacking: Vec<&str> = policies.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name).collect();
        if !lacking.is_empty() {
            faults.push(Fault::new(thing.path(), format!("the resource has no {}", lacking.join(" and no "))));
        }
    }
    faults
}

/// CloudFormation makes a snapshot of these before it deletes them, unless it is told otherwise.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html>
fn leaves_a_snapshot(thing: ResourceView<'_>) -> bool {
    thing.is("AWS::RDS::DBCluster") || (thing.is("AWS::RDS::DBInstance") && thing.is_absent("DBClusterIdentifier"))
}

/// How the name of something secret ends.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "credential",
    "credentials",
];
/// How well-known secrets begin.
const SECRET_STARTS: [&str; 10] =
    ["AKIA", "ASIA", "ghp_", "github_pat_", "xoxb-", "xoxp-", "sk_live_", "rk_live_", "-----BEGIN ", "eyJhbGciOi"];

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Whether a name says that what it names is secret: `DatabasePassword`, but not `PasswordLength`.
fn names_a_secret(name: &str) -> bool {
    let name = plain(name);
    SECRET_WORDS.iter().any(|word| name.ends_with(word))
}

/// Whether a text may be a secret: not a reference to one, a switch or a number.
fn may_be_secret(text: &str) -> bool {
    let harmless = text.is_empty()
        || text.starts_with("arn:")
        || text.contains("://")
        || text.starts_with('/')
        || ["true", "false", "none", "null"].contains(&text.to_ascii_lowercase().as_str())
        || text.parse::<f64>().is_ok();
    !harmless
}

/// Whether a text looks like a secret, whatever its name: a well-known beginning, or a long mixture of letters and digits.
fn looks_secret(text: &str) -> bool {
    const LONG: usize = 40;
    let known = SECRET_STARTS.iter().any(|start| text.starts_with(start)) && text.len() >= 16;
    let mixture = text.len() >= LONG
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_=-".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().filter(u8::is_ascii_digit).count() >= 4
        && !text.contains("//");
    known || mixture
}

fn secret_in_environment(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for function in facts.all("AWS::Lambda::Function") {
        let Field::Is(Json::Object(variables)) = function.field("Environment.Variables") else { continue };
        for (name, value) in variables {
            let path = function.at("Environment.Variables").key(name);
            let text = Text::of(value);
            if let Some(literal) = text.literal() {
                if (names_a_secret(name) && may_be_secret(literal)) || looks_secret(literal) || holds_secret(literal) {
                    faults.push(Fault::new(path, format!("{name} looks like a secret")));
                }
            } else if let Some(said) = reveals(facts, value) {
                faults.push(Fault::new(path, said));
            }
        }
    }
    faults
}

/// Whether a text is a JSON object with a member that is a secret, at any depth.
fn holds_secret(text: &str) -> bool {
    fn holds(value: &Json) -> bool {
        match value {
            Json::Object(entries) => entries.iter().any(|(name, value)| match value.as_str() {
                Some(text) => (names_a_secret(name) && may_be_secret(text)) || looks_secret(text),
                None => holds(value),
            }),
            Json::Array(items) => items.iter().any(holds),
            _ => false,
        }
    }
    text.starts_with(['{', '[']) && serde_json::from_str(text).is_ok_and(|value| holds(&value))
}

/// Why a value reveals a secret when it is resolved, if it does.
fn reveals(facts: &Facts<'_>, value: &Json) -> Option<String> {
    // Wherever it stands: functions put it together with other texts.
    let written = value.to_string();
    if ["{{resolve:secretsmanager:", "{{resolve:ssm-secure:"].iter().any(|start| written.contains(start)) {
        return Some("the secret is resolved into it".to_owned());
    }
    Text::of(value).pieces().iter().find_map(|piece| match piece {
        Piece::Ref(name) => {
            let parameter = facts.template.parameters.get(name).filter(|_| facts.resource(name).is_none())?;
            is_hidden(&parameter.rest).then(|| format!("the parameter {name} is secret"))
        }
        Piece::Literal(_) | Piece::Attribute(..) | Piece::Unknown => None,
    })
}

fn is_hidden(parameter: &serde_json::Map<String, Json>) -> bool {
    parameter.get("NoEcho").is_some_and(|hidden| hidden.as_bool() == Some(true) || hidden.as_str() == Some("true"))
}

fn secret_in_output(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, output) in &facts.template.outputs {
        let path = Path::default().key("Outputs").key(name).key("Value");
        let text = Text::of(&output.value);
        let literal = text.literal().filter(|text| looks_secret(text));
        let said = literal.map(|_| format!("{name} looks like a secret")).or_else(|| reveals(facts, &output.value));
        faults.extend(said.map(|said| Fault::new(path, said)));
    }
    faults
}

fn secret_literal(facts: &Facts<'_>) -> Vec<Fault> {
    let secrets = facts.all("AWS::SecretsManager::Secret");
    let open = secrets.filter(|secret| {
        let literal = secret.literal("SecretString");
        // An empty one holds the place until somebody sets it.
        literal.is_some_and(|text| !["", "{}"].contains(&text.as_str()))
    });
    open.map(|secret| Fault::new(secret.at("SecretString"), "the secret stands in the template")).collect()
}

fn shown_parameter(facts: &Facts<'_>) -> Vec<Fault> {
    let parameters = facts.template.parameters.iter();
    let shown = parameters.filter(|(name, parameter)| {
        parameter.kind == "String"
            && names_a_secret(name)
            && !parameter.rest.contains_key("NoEcho")
            // A choice among known values is no secret.
            && !parameter.rest.contains_key("AllowedValues")
            && !tells_where(&parameter.rest)
    });
    shown
        .map(|(name, _)| {
            Fault::new(Path::default().key("Parameters").key(name), format!("{name} is shown with the stack"))
        })
        .collect()
}

/// Whether a parameter's description says that it tells where a secret is, and not what.
fn tells_where(parameter: &serde_json::Map<String, Json>) -> bool {
    let description = parameter.get("Description").and_then(Json::as_str).unwrap_or_default();
    let words = description.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.into_iter().any(|word| ["arn", "name", "id", "path"].contains(&word.to_ascii_lowercase().as_str()))
}

fn default_of_secret(facts: &Facts<'_>) -> Vec<Fault> {
    let parameters = facts.template.parameters.iter().filter(|(_, parameter)| is_hidden(&parameter.rest));
    let given = parameters.filter(|(name, parameter)| {
        names_a_secret(name) && parameter.default.as_ref().and_then(Json::as_str).is_some_and(|text| !text.is_empty())
    });
    given
        .map(|(name, _)| {
            let path = Path::default().key("Parameters").key(name).key("Default");
            Fault::new(path, format!("the default of {name} stands in the template"))
        })
        .collect()
}
