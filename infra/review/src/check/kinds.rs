//! What references give, against what their places want: a queue's URL is not its ARN.

use serde_json::Value as Json;

use super::Fault;
use cfn::view::{TemplateView, functions};

use cfn::schema::{self, Reference, ResourceSchema};
use cfn::view::text::{Piece, Text};

/// Types of which no ARN stands for another thing: a queue's ARN where a topic's belongs is certainly wrong.
const DISTINCT: [&str; 6] =
    ["AWS::IAM::Role", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"];

/// Why a reference does not give what is wanted, if it certainly does not.
pub(super) fn wrong_kind(facts: &TemplateView<'_>, value: &Json, wanted: &[&str]) -> Option<String> {
    let parts: Vec<(&str, &str)> = wanted.iter().filter_map(|format| format.rsplit_once('.')).collect();
    if parts.is_empty() || parts.len() < wanted.len() {
        return None;
    }
    let text = Text::of(value);
    let (id, given, shown) = match text.only()? {
        Piece::Ref(id) => {
            let schema = schema::of(&facts.resource(id)?.resource.kind)?;
            let aspect = match schema.reference {
                Reference::Arn => "Arn",
                Reference::Url => "Url",
                Reference::Name => "Name",
                Reference::Id => "Id",
                Reference::Foreign => return None,
            };
            (id, vec![aspect], format!("Ref of {id}"))
        }
        Piece::Attribute(id, attribute) => {
            let schema = schema::of(&facts.resource(id)?.resource.kind)?;
            let (_, formats) = schema.attributes.iter().find(|(name, _)| name == attribute)?;
            let own = formats.iter().filter_map(|format| format.rsplit_once('.'));
            let aspects: Vec<&str> = own.filter(|(kind, _)| *kind == schema.kind).map(|(_, aspect)| aspect).collect();
            if aspects.is_empty() {
                return None;
            }
            (id, aspects, format!("{id}.{attribute}"))
        }
        Piece::Literal(_) | Piece::Unknown => return None,
    };
    let kind = facts.resource(id)?.resource.kind.as_str();
    let of_kind: Vec<&str> = parts.iter().filter(|(wanted, _)| *wanted == kind).map(|(_, aspect)| *aspect).collect();
    if of_kind.is_empty() {
        let strangers = parts.iter().all(|(wanted, aspect)| *aspect == "Arn" && DISTINCT.contains(wanted));
        return (strangers && DISTINCT.contains(&kind)).then(|| format!("{shown} where {} belongs", words(wanted)));
    }
    let fits = given.iter().any(|aspect| of_kind.contains(aspect));
    (!fits).then(|| format!("{shown} is its {}, and {} belongs here", given.join(" or "), words(wanted)))
}

/// Types that places want by their ARN alone: neither a name nor a URL will do.
const BY_ARN: [&str; 4] =
    ["AWS::IAM::Role.Arn", "AWS::Lambda::Function.Arn", "AWS::SNS::Topic.Arn", "AWS::SQS::Queue.Arn"];

/// Why a text is not what is wanted, if it certainly is not.
///
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>
pub(super) fn wrong_literal(literal: &str, wanted: &[&str]) -> Option<String> {
    if wanted.is_empty() || literal.is_empty() || literal.starts_with("arn:") {
        return None;
    }
    if wanted.iter().all(|format| BY_ARN.contains(format)) {
        return Some(format!("{literal} where {} belongs", words(wanted)));
    }
    if wanted.iter().all(|format| format.starts_with("AWS::KMS::")) {
        let id = literal.len() == 36 && literal.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let known = id || literal.starts_with("mrk-") || literal.starts_with("alias/");
        return (!known).then(|| format!("{literal} is no key: neither an id nor alias/... nor an ARN"));
    }
    None
}

/// `AWS::SQS::Queue.Arn` in words.
fn words(formats: &[&str]) -> String {
    let each = formats.iter().map(|format| match format.rsplit_once('.') {
        Some((kind, aspect)) => format!("the {aspect} of an {kind}"),
        None => (*format).to_owned(),
    });
    each.collect::<Vec<_>>().join(" or ")
}

pub(super) fn unknown_attribute(facts: &TemplateView<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    functions(facts, |trail, name, argument| {
        if name != "Fn::GetAtt" && name != "Fn::Sub" {
            return;
        }
        let text = Text::of_function(name, argument);
        for piece in text.pieces() {
            let Piece::Attribute(id, attribute) = piece else { continue };
            let Some(schema) = facts.resource(id).and_then(|thing| schema::of(&thing.resource.kind)) else { continue };
            if !has_attribute(schema, attribute) {
                let all: Vec<&str> = schema.attributes.iter().map(|(name, _)| *name).collect();
                let said = format!("{id} has no attribute {attribute}, but {}", all.join(", "));
                faults.push(Fault::new(trail.path(), said));
            }
        }
    });
    faults
}

/// Whether resources of a type have an attribute, or one that it is a part of.
fn has_attribute(schema: &ResourceSchema, attribute: &str) -> bool {
    let whole = attribute.split('.').next().unwrap_or_default();
    let is_meant = |name: &str| {
        let first = name.split('.').next();
        name == attribute || first == Some(attribute) || name == whole || first == Some(whole)
    };
    let read_only = || schema::lifecycle(schema.kind).map(|lifecycle| lifecycle.read_only);
    schema.attributes.iter().any(|(name, _)| is_meant(name))
        || read_only().into_iter().flat_map(schema::Paths::iter).any(is_meant)
}
