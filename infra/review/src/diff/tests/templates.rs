//! Random templates, and what can be done to them without changing what they mean.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_oneof},
    sample::select,
};
use serde_json::{Map, Value as Json, json};

use cfn::Template;

/// Ids that random templates choose from, so that two of them share some.
const IDS: [&str; 6] = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta"];

/// A value: a literal, a reference, or a text of both.
fn value() -> impl Strategy<Value = Json> {
    let id = || select(&IDS[..]);
    prop_oneof![
        4 => (0..6_u32).prop_map(|number| json!(number)),
        4 => select(&["one", "two", "three", "30", "true"][..]).prop_map(|text| json!(text)),
        2 => proptest::bool::ANY.prop_map(|truth| json!(truth)),
        2 => id().prop_map(|id| json!({ "Ref": id })),
        2 => id().prop_map(|id| json!({"Fn::GetAtt": [id, "Arn"]})),
        1 => id().prop_map(|id| json!({"Fn::GetAtt": format!("{id}.Arn")})),
        2 => (id(), id()).prop_map(|(one, other)| json!({"Fn::Sub": format!("${{{one}}}:${{{other}.Arn}}:${{!x}}")})),
        1 => (id(), 0..3_u32).prop_map(|(id, number)| json!({"Fn::Join": ["-", ["a", {"Ref": id}, number]]})),
        1 => Just(json!({"Ref": "Known"})),
        1 => Just(json!({"Ref": "Unknown"})),
        1 => (0..3_u32, 0..3_u32).prop_map(|(yes, no)| json!({"Fn::If": ["Holds", yes, no]})),
        1 => (0..3_u32).prop_map(|yes| json!({"Fn::If": ["Perhaps", yes, {"Ref": "AWS::NoValue"}]})),
        1 => Just(json!({"Fn::FindInMap": ["Table", "row", "column"]})),
    ]
}

fn tags() -> impl Strategy<Value = Json> {
    vec((select(&["team", "cost", "stage"][..]), value()), 0..4).prop_map(|tags| {
        // A key is there once.
        let unique: Map<String, Json> = tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        unique.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    })
}

fn statement() -> impl Strategy<Value = Json> {
    let actions = vec(select(&["sqs:SendMessage", "sqs:*", "s3:GetObject", "kms:Decrypt"][..]), 1..4);
    (select(&["Allow", "Deny"][..]), actions, value(), proptest::bool::ANY).prop_map(
        |(effect, actions, resource, single)| {
            let action = if single { json!(actions[0]) } else { json!(actions) };
            json!({"Effect": effect, "Action": action, "Resource": resource})
        },
    )
}

fn resource() -> impl Strategy<Value = Json> {
    let properties = prop_oneof![
        (vec((select(&["DelaySeconds", "VisibilityTimeout", "QueueName", "KmsMasterKeyId"][..]), value()), 0..4), tags(), proptest::bool::ANY)
            .prop_map(|(values, tags, tagged)| {
                let mut properties: Map<String, Json> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                if tagged {
                    properties.insert("Tags".to_owned(), tags);
                }
                ("AWS::SQS::Queue", Json::Object(properties))
            }),
        (vec((select(&["A", "B", "PASSWORD"][..]), value()), 0..3), value(), value()).prop_map(|(variables, role, memory)| {
            let variables: Map<String, Json> = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            ("AWS::Lambda::Function", json!({"Role": role, "MemorySize": memory, "Environment": {"Variables": variables}}))
        }),
        (vec(statement(), 1..4), vec(value(), 0..3)).prop_map(|(statements, roles)| {
            ("AWS::IAM::Policy", json!({"PolicyName": "p", "Roles": roles, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}))
        }),
        (vec(value(), 0..4), value()).prop_map(|(actions, threshold)| {
            ("AWS::CloudWatch::Alarm", json!({"AlarmActions": actions, "Threshold": threshold, "EvaluationPeriods": 1}))
        }),
        (value(), vec(value(), 0..3)).prop_map(|(one, list)| ("Custom::ResourceView", json!({"ServiceToken": one, "Deep": {"List": list}}))),
    ];
    let attributes = (
        prop_oneof![4 => Just(None), 1 => select(&["Holds", "HoldsNot", "Perhaps"][..]).prop_map(Some)],
        prop_oneof![2 => Just(None), 1 => select(&["Retain", "Delete"][..]).prop_map(Some)],
        vec(select(&IDS[..]), 0..2),
    );
    (properties, attributes).prop_map(|((kind, properties), (condition, policy, waits))| {
        let mut resource = json!({"Type": kind, "Properties": properties});
        if let Some(condition) = condition {
            resource["Condition"] = json!(condition);
        }
        if let Some(policy) = policy {
            resource["DeletionPolicy"] = json!(policy);
            resource["UpdateReplacePolicy"] = json!(policy);
        }
        if !waits.is_empty() {
            resource["DependsOn"] = json!(waits);
        }
        resource
    })
}

/// Any template.
pub(super) fn any() -> impl Strategy<Value = Template> {
    let resources = vec((select(&IDS[..]), resource()), 1..6);
    let outputs = vec((select(&["First", "Second"][..]), value()), 0..3);
    let parts = (resources, outputs, select(&["1", "2"][..]), 0..3_u32, any_text());
    parts.prop_map(|(resources, outputs, known, column, description)| {
        let resources: Map<String, Json> =
            resources.into_iter().map(|(id, resource)| (id.to_owned(), resource)).collect();
        let outputs: Map<String, Json> =
            outputs.into_iter().map(|(name, value)| (name.to_owned(), json!({ "Value": value }))).collect();
        let template = json!({
            "Description": description,
            "Parameters": {"Known": {"Type": "String", "Default": known}, "Unknown": {"Type": "String"}},
            "Mappings": {"Table": {"row": {"column": column}}},
            "Conditions": {
                "Holds": {"Fn::Equals": [{"Ref": "Known"}, "1"]},
                "HoldsNot": {"Fn::Not": [{"Condition": "Holds"}]},
                "Perhaps": {"Fn::Equals": [{"Ref": "Unknown"}, "1"]},
            },
            "Resources": resources,
            "Outputs": outputs,
        });
        serde_json::from_value(template).unwrap()
    })
}

fn any_text() -> impl Strategy<Value = &'static str> {
    select(&["a stack", "another stack"][..])
}

/// Two templates: strangers, or the second one made of parts of the first.
pub(super) fn pair() -> impl Strategy<Value = (Template, Template)> {
    (any(), any(), proptest::collection::vec(proptest::bool::ANY, 6)).prop_map(|(old, other, keep)| {
        let mut new = other;
        for (id, keep) in IDS.iter().zip(keep) {
            if let Some(resource) = old.resources.get(*id).filter(|_| keep) {
                new.resources.insert(cfn::LogicalId::parse(id).unwrap(), resource.clone());
            }
        }
        (old, new)
    })
}

/// The same template with the keys of every object the other way round.
pub(super) fn turned(template: &Template) -> Template {
    fn turn(value: &Json) -> Json {
        match value {
            Json::Object(members) => members.iter().rev().map(|(key, value)| (key.clone(), turn(value))).collect(),
            Json::Array(items) => items.iter().map(turn).collect(),
            other => other.clone(),
        }
    }
    serde_json::from_value(turn(&serde_json::to_value(template).unwrap())).unwrap()
}

/// The same template with a resource under another id.
pub(super) fn renamed(template: &Template, from: &str, to: &str) -> Template {
    fn rename(value: &Json, from: &str, to: &str) -> Json {
        let text = |text: &str| {
            text.replace(&format!("${{{from}}}"), &format!("${{{to}}}"))
                .replace(&format!("${{{from}."), &format!("${{{to}."))
        };
        match value {
            Json::String(name) if name == from => json!(to),
            Json::String(other) => json!(text(other)),
            Json::Array(items) => items.iter().map(|item| rename(item, from, to)).collect(),
            Json::Object(members) => members
                .iter()
                .map(|(key, value)| (if key == from { to.to_owned() } else { key.clone() }, rename(value, from, to)))
                .collect(),
            other => other.clone(),
        }
    }
    serde_json::from_value(rename(&serde_json::to_value(template).unwrap(), from, to)).unwrap()
}
