//! A thousand random secrets in every place where a value can stand: none reaches a text.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value as Json, json};

use super::{Context, diff, read};

/// Where a value can stand, `@` for it. Where its name does not tell a secret, its looks do.
const PLACES: &[&str] = &[
    r#"{"Description": "@", "Resources": {}}"#,
    r#"{"Metadata": {"Note": "@"}, "Resources": {}}"#,
    r#"{"Metadata": {"Deep": [{"Note": "uses @ today"}]}, "Resources": {}}"#,
    r#"{"Parameters": {"Password": {"Type": "String", "Default": "@"}}, "Resources": {}}"#,
    r#"{"Parameters": {"Plain": {"Type": "String", "Default": "@"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Plain"}}}}}"#,
    r#"{"Parameters": {"Quiet": {"Type": "String", "NoEcho": true, "Default": "@"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "q-${Quiet}"}}}}}"#,
    r#"{"Mappings": {"Table": {"row": {"column": "@"}}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::FindInMap": ["Table", "row", "column"]}}}}}"#,
    r#"{"Conditions": {"C": {"Fn::Equals": ["@", {"Ref": "AWS::Region"}]}}, "Resources": {}}"#,
    r#"{"Outputs": {"O": {"Value": "@", "Description": "is @", "Export": {"Name": "e-@"}}}, "Resources": {}}"#,
    r#"{"Transform": "@", "Resources": {}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {"PLAIN": "@"}}}}}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {"DB_PASSWORD": "@"}}}}}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "key = '@'"}}}}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Description": {"Fn::Sub": "${AWS::Region} @"}}}}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Description": {"Fn::Join": ["", ["a ", "@"]]}}}}}"#,
    r#"{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Description": {"Fn::If": ["C", "@", "b"]}}}}}"#,
    r#"{"Resources": {"S": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "@"}}}}"#,
    r#"{"Resources": {"S": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "@"}}}}"#,
    r#"{"Resources": {"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "@", "DBInstanceIdentifier": "@"}}}}"#,
    r#"{"Resources": {"D": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "c", "Environment": [{"Name": "API_TOKEN", "Value": "@"}, {"Name": "OTHER", "Value": "@"}]}]}}}}"#,
    r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "owner", "Value": "@"}]}}}}"#,
    r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": ["@", {"a": "@"}]}}}}"#,
    r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Metadata": {"Note": "@"}, "Properties": {}}}}"#,
    r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "@", "Properties": {}}}}"#,
    r#"{"Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "@", "Resource": "@", "Principal": {"AWS": "@"}, "Condition": {"StringEquals": {"aws:PrincipalTag/x": "@"}}}]}}}}}"#,
    r#"{"Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": "{\"Statement\": [{\"Resource\": \"@\"}]}"}}}}"#,
    r#"{"Resources": {"C": {"Type": "Custom::ResourceView", "Properties": {"ServiceToken": "@", "Secret": {"Deep": ["@"]}, "Plain": "@"}}}}"#,
    r#"{"Resources": {"C": {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": {"Token": "@", "Plain": "@"}}}}}"#,
    r#"{"Resources": {"I": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": {"Fn::Base64": "export KEY=@"}}}}}"#,
    r#"{"Resources": {"I": {"Type": "AWS::EC2::Instance", "CreationPolicy": {"Note": "@"}, "Properties": {}}}}"#,
    r#"{"Resources": {"I": {"Type": "AWS::EC2::Instance", "Condition": "@", "Properties": {}}}}"#,
    r#"{"Resources": {"Fn::ForEach::Loop": ["X", ["@"], {"Q${X}": {"Type": "AWS::SQS::Queue"}}]}}"#,
    r#"{"Rules": {"R": {"Assertions": [{"AssertDescription": "@"}]}}, "Resources": {}}"#,
];

fn random(runner: &mut TestRunner) -> String {
    let one = prop_oneof![
        "[0-9a-f]{32}",
        "[0-9a-f]{64}",
        "[A-Za-z0-9]{24,48}",
        "[A-Za-z0-9+/]{30}[A-Za-z0-9]==",
        "[A-Za-z0-9_-]{43}",
        "AKIA[A-Z0-9]{16}",
        "sk_live_[A-Za-z0-9]{24}",
        "ghp_[A-Za-z0-9]{36}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    ];
    one.new_tree(runner).unwrap().current()
}

#[test]
fn a_thousand_secrets_in_every_place_stay_hidden() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut leaks = Vec::new();
    for number in 0..1_000 {
        let (one, other) = (random(&mut runner), random(&mut runner));
        let place = PLACES[number % PLACES.len()];
        let with = |secret: &str| read(&place.replace('@', secret));
        let plain = read(&place.replace('@', "plain"));
        for (old, new) in [(with(&one), with(&other)), (plain.clone(), with(&one)), (with(&other), plain.clone())] {
            let diff = diff(&old, &new, &Context::default());
            let told = format!("{diff:?} {}", serde_json::to_string(&diff).unwrap());
            if told.contains(&one) || told.contains(&other) {
                let at = told.find(&one).or_else(|| told.find(&other)).unwrap();
                let around: String = told.chars().skip(at.saturating_sub(80)).take(160).collect();
                leaks.push(format!("{place} with {one}, {other}: ...{around}..."));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn short_passwords_are_hidden_for_where_they_stand_and_that_they_change_is_told() {
    let with = |secret: &str| {
        let template = json!({"Resources": {
            "Database": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": secret}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {
                "Description": format!("logs in with {secret}"), "Environment": {"Variables": {"API_KEY": secret}}}},
        }});
        read(&template.to_string())
    };
    let diff = diff(&with("hunter2"), &with("hunter3"), &Context::default());
    let told = format!("{diff:?}");
    assert!(!told.contains("hunter"), "{told}");
    let sentences: Vec<&str> = diff.facts.iter().map(|fact| fact.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "database Database: MasterUserPassword changes (hidden)",
            "function Function: Description and Environment.Variables.API_KEY change",
        ]
    );
}

#[test]
fn values_of_parameters_without_echo_stay_hidden() {
    let template = json!({"Parameters": {"Quiet": {"Type": "String", "NoEcho": true}}, "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "q-${Quiet}"}}},
        "Other": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q-hunter2"}},
    }});
    let template = read(&template.to_string());
    let mut context = Context::default();
    context.old.parameters.insert("Quiet".to_owned(), "hunter2".to_owned());
    context.new.parameters.insert("Quiet".to_owned(), "hunter3".to_owned());
    let mut changed = template.clone();
    changed.resources["Other"].properties["QueueName"] = Json::from("q-hunter3");
    let diff = diff(&template, &changed, &context);
    let told = format!("{diff:?}");
    assert!(!told.contains("hunter"), "{told}");
    assert!(told.contains("the hidden value of parameter Quiet changes"), "{told}");
}
