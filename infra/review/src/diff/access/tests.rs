use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{names::several, *};
use crate::diff::{Context, changes};
use cfn::{Template, view::statements::matches};

/// The facts between two templates' resources, a line each: id, sentence, guards.
fn said(before: &str, after: &str) -> String {
    let read = |text: &str| cfn::read::template(&format!("Resources:\n{text}")).unwrap();
    let (before, after) = (read(before), read(after));
    let context = Context::default();
    let facts = find(&changes::compare(&before, &after, &context)).facts;
    let each = facts.iter().map(|fact| {
        let details: Vec<&str> = fact.details.iter().map(|detail| detail.text.as_str()).collect();
        let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join("; ")) };
        format!("{}: {}{details} {:?}\n", fact.id, fact.sentence, fact.guards)
    });
    each.collect()
}

/// A role with one policy of these statements, beside a queue and a secret.
fn role(statements: &str) -> String {
    format!(
        "  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: q}}}}\n  \
           Secret: {{Type: AWS::SecretsManager::Secret, Properties: {{Name: s}}}}\n  \
           Role:\n    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n      - PolicyName: p\n        \
             PolicyDocument: {{Statement: {statements}}}\n"
    )
}

#[test]
fn a_statement_that_is_split_reordered_or_written_in_another_way_is_the_same() {
    let one = role(
        "[{Effect: Allow, Action: ['sqs:SendMessage', 'sqs:ReceiveMessage'], Resource: [!GetAtt Queue.Arn, !Ref Secret]}]",
    );
    for other in [
        role(
            "[{Effect: Allow, Action: 'sqs:ReceiveMessage', Resource: [!Ref Secret, !GetAtt Queue.Arn]}, \
               {Effect: Allow, Action: 'sqs:sendmessage', Resource: [!GetAtt Queue.Arn, !Ref Secret]}]",
        ),
        role(
            "{Sid: A, Effect: Allow, Action: ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:SendMessage'], Resource: \
               [!Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q', !Ref Secret]}",
        ),
        role(
            "[{Effect: Allow, Action: ['sqs:SendMessage', 'sqs:ReceiveMessage'], Resource: [!GetAtt Queue.Arn, !Ref \
               Secret]}, {Effect: Allow, Action: 'sqs:Send*', Resource: !Join [':', [arn, !Ref 'AWS::Partition', sqs, !Ref \
               'AWS::Region', !Ref 'AWS::AccountId', !GetAtt Queue.QueueName]], Condition: {Bool: {'aws:SecureTransport': \
               'true'}}, Action: 'sqs:SendMessage'}]",
        )
        .replace("Action: 'sqs:Send*', ", ""),
    ] {
        assert_eq!(said(&one, &other), "");
        assert_eq!(said(&other, &one), "");
    }
}

#[test]
fn wider_narrower_and_both_are_told_with_what_was_before() {
    let before = role("[{Effect: Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}]");
    let all = role("[{Effect: Allow, Action: 'sqs:*', Resource: !GetAtt Queue.Arn}]");
    let other = role("[{Effect: Allow, Action: 'sqs:PurgeQueue', Resource: !GetAtt Queue.Arn}]");
    let secret = role(
        "[{Effect: Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}, {Effect: Allow, Action: \
           'secretsmanager:*', Resource: '*'}]",
    );
    let denied = role(
        "[{Effect: Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}, {Effect: Deny, Action: 'sqs:*', \
           Resource: '*'}]",
    );
    insta::assert_snapshot!(said(&before, &all), @"access-widened: Role is newly allowed every action of sqs on Queue; until now: sqs:SendMessage on Queue [WidenIam]");
    insta::assert_snapshot!(said(&all, &before), @"access-narrowed: Role is no longer allowed every action of sqs on Queue (still: sqs:SendMessage) []");
    insta::assert_snapshot!(said(&before, &other), @r"
    access-widened: Role is newly allowed sqs:PurgeQueue on Queue [WidenIam]
    access-narrowed: Role is no longer allowed sqs:SendMessage on Queue []
    ");
    insta::assert_snapshot!(said(&before, &secret), @"sensitive-access: Role is newly allowed every action of secretsmanager on every resource [WidenIam]");
    insta::assert_snapshot!(said(&before, &denied), @"deny-added: Role is newly denied every action of sqs on every resource []");
    insta::assert_snapshot!(said(&denied, &before), @"deny-removed: Role is no longer denied every action of sqs on every resource [WidenIam]");
}

/// A queue with a policy of these statements.
fn queue(statements: &str) -> String {
    format!(
        "  Topic: {{Type: AWS::SNS::Topic}}\n  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: q}}}}\n  \
           Policy:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues: [!Ref Queue]\n      \
             PolicyDocument: {{Statement: {statements}}}\n"
    )
}

#[test]
fn everyone_and_other_accounts_stand_out_and_conditions_count() {
    let none = queue("[]");
    let statement = |principal: &str, condition: &str| {
        queue(&format!(
            "[{{Effect: Allow, Principal: {principal}, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn{condition}}}]"
        ))
    };
    let open = statement("'*'", "");
    let bound = statement("{AWS: '*'}", ", Condition: {ArnEquals: {'aws:SourceArn': !Ref Topic}}");
    let foreign = statement("{AWS: '111111111111'}", "");
    let foreign_role = statement("{AWS: 'arn:aws:iam::111111111111:role/x'}", "");
    let service = statement(
        "{Service: sns.amazonaws.com}",
        ", Condition: {ArnLike: {'aws:SourceArn': !Ref Topic}, StringEquals: {'aws:SourceAccount': !Ref 'AWS::AccountId'}}",
    );
    let any_service = statement("{Service: sns.amazonaws.com}", "");
    insta::assert_snapshot!(said(&none, &open), @"public-principal: everyone is newly allowed sqs:SendMessage on Queue [PublicPrincipal, WidenIam]");
    insta::assert_snapshot!(said(&none, &bound), @"access-widened: everyone is newly allowed sqs:SendMessage on Queue, where aws:SourceArn is Topic [WidenIam]");
    insta::assert_snapshot!(said(&bound, &open), @"public-principal: everyone is allowed sqs:SendMessage on Queue, now without a condition (before: where aws:SourceArn is Topic) [PublicPrincipal, WidenIam]");
    insta::assert_snapshot!(said(&open, &bound), @"access-narrowed: everyone is allowed sqs:SendMessage on Queue, now under narrower conditions (now: where aws:SourceArn is Topic) []");
    insta::assert_snapshot!(said(&none, &foreign), @"cross-account-access: account 111111111111 is newly allowed sqs:SendMessage on Queue [CrossAccount, WidenIam]");
    // The account holds the role already.
    insta::assert_snapshot!(said(&foreign, &foreign_role), @"access-narrowed: account 111111111111 is no longer allowed sqs:SendMessage on Queue []");
    // The wiring of the stack's own things is no news.
    assert_eq!(said(&none, &service), "");
    insta::assert_snapshot!(said(&service, &any_service), @"access-widened: sns.amazonaws.com is allowed sqs:SendMessage on Queue, now without a condition (before: where aws:SourceAccount is ${AWS::AccountId} and aws:SourceArn is Topic) [WidenIam]");
}

#[test]
fn tls_is_told_as_what_it_is() {
    let tls = queue(
        "[{Effect: Deny, Principal: '*', Action: ['sqs:SendMessage', 'sqs:ReceiveMessage'], Resource: !GetAtt Queue.Arn, \
           Condition: {Bool: {'aws:SecureTransport': false}}}]",
    );
    insta::assert_snapshot!(said(&tls, &queue("[]")), @"tls-only-removed: Queue: sqs:ReceiveMessage and sqs:SendMessage is allowed without TLS again [WeakenProtection]");
    insta::assert_snapshot!(said(&queue("[]"), &tls), @"tls-only-added: Queue: sqs:ReceiveMessage and sqs:SendMessage is refused without TLS from now on []");
}

#[test]
fn who_may_become_a_role_and_what_a_new_role_may() {
    let trust = |principal: &str| {
        format!(
            "  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {{Statement: [{{Effect: \
               Allow, Principal: {principal}, Action: 'sts:AssumeRole'}}]}}\n"
        )
    };
    let lambda = trust("{Service: lambda.amazonaws.com}");
    insta::assert_snapshot!(said(&lambda, &trust("{Service: [lambda.amazonaws.com, edgelambda.amazonaws.com]}")), @"access-widened: edgelambda.amazonaws.com is newly allowed to become Role [WidenIam]");
    insta::assert_snapshot!(said(&lambda, &trust("{AWS: '*'}")), @r"
    public-principal: everyone is newly allowed to become Role [PublicPrincipal, WidenIam]
    ");
    let queue = "  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n";
    let with_role = role(
        "[{Effect: Allow, Action: ['sqs:SendMessage'], Resource: !GetAtt Queue.Arn}, {Effect: Allow, Action: \
           'secretsmanager:GetSecretValue', Resource: !Ref Secret}, {Effect: Allow, Action: 'sns:Publish', Resource: \
           'arn:aws:sns:eu-west-1:111111111111:t'}]",
    );
    insta::assert_snapshot!(said(queue, &with_role), @r"
    sensitive-access: Role, a new role, is allowed secretsmanager:GetSecretValue on Secret and 2 more actions (secretsmanager:GetSecretValue on Secret; sqs:SendMessage on Queue; sns:Publish on arn:aws:sns:eu-west-1:111111111111:t) [WidenIam]
    ");
}

#[test]
fn managed_policies_and_boundaries_are_told() {
    let role = |rest: &str| format!("  Role: {{Type: AWS::IAM::Role, Properties: {{{rest}}}}}\n");
    let plain = role("ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']");
    let admin = role("ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess']");
    let bound = role("PermissionsBoundary: 'arn:aws:iam::111111111111:policy/Limit'");
    insta::assert_snapshot!(said(&plain, &admin), @r"
    managed-policy-attached: Role newly has the managed policy AdministratorAccess: it may do everything [WidenIam]
    managed-policy-detached: Role no longer has the managed policy AWSLambdaBasicExecutionRole []
    ");
    insta::assert_snapshot!(said(&bound, &role("")), @"boundary-removed: Role is no longer limited by the permissions boundary Limit [WidenIam]");
}

#[test]
fn a_permission_that_moves_to_another_policy_of_the_same_role_is_the_same() {
    let inline = role("[{Effect: Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}]");
    let apart = "  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n  Secret: {Type: AWS::SecretsManager::Secret, \
                 Properties: {Name: s}}\n  Role: {Type: AWS::IAM::Role, Properties: {}}\n  Policy:\n    Type: \
                 AWS::IAM::Policy\n    Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: {Statement: [{Effect: \
                 Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}]}}\n";
    assert_eq!(said(&inline, apart), "");
}

#[test]
fn what_one_of_many_statements_covers_is_found_among_them() {
    let before = role("[{Effect: Allow, Action: 'sqs:*', Resource: !GetAtt Queue.Arn}]");
    let after = role(
        "[{Effect: Allow, Action: ['sqs:SendMessage', 'sqs:DeleteMessage', 'sqs:PurgeQueue', 'sqs:*'], Resource: \
           ['arn:aws:sqs:*', 'arn:aws:s3:*', 'arn:*:sqs:*:*:a*', '*']}]",
    );
    assert!(!said(&before, &after).contains("access-narrowed"), "{}", said(&before, &after));
}

#[test]
fn numbers_and_addresses_are_compared_as_such() {
    let statement = |condition: &str| {
        queue(&format!(
            "[{{Effect: Allow, Principal: {{AWS: !Ref 'AWS::AccountId'}}, Action: 'sqs:SendMessage', Resource: '*', \
               Condition: {{{condition}}}}}]"
        ))
    };
    let ways = |before: &str, after: &str| {
        let said = said(&statement(before), &statement(after));
        (said.contains("access-widened"), said.contains("access-narrowed"))
    };
    let hour = "NumericLessThan: {'aws:MultiFactorAuthAge': '3600'}";
    assert_eq!(ways(hour, "NumericLessThan: {'aws:MultiFactorAuthAge': 7200}"), (true, false));
    assert_eq!(ways("NumericGreaterThan: {n: 5}", "NumericGreaterThanEquals: {n: 6}"), (false, true));
    let net = "IpAddress: {'aws:SourceIp': '10.0.0.0/8'}";
    assert_eq!(ways(net, "IpAddress: {'aws:SourceIp': ['10.1.0.0/16', '10.2.0.0/16']}"), (false, true));
    assert_eq!(ways("IpAddress: {'aws:SourceIp': ['10.0.0.0/9', '10.128.0.0/9']}", net), (false, false));
    assert_eq!(ways("StringEquals: {k: [a, b]}", "StringEquals: {k: b}"), (false, true));
    assert_eq!(ways("StringEquals: {k: a}", "StringEqualsIfExists: {k: a}"), (true, false));
    assert_eq!(ways("StringNotEquals: {k: a}", "Null: {k: 'true'}"), (false, true));
    assert_eq!(ways("'ForAnyValue:StringEquals': {k: [a]}", "'ForAnyValue:StringEquals': {k: [a, b]}"), (true, false));
}

// A naive evaluator of IAM: a request is allowed where a statement allows it and none denies it.

/// A request: principal, action, resource, and the value of the condition key `k`.
type Request = (&'static str, &'static str, &'static str, Option<&'static str>);

/// One of every kind of request that statements of the property tests can tell apart.
fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for who in ["p", "q", "z"] {
        for action in ["a:x", "a:y", "a:zz", "b:x", "b:zz", "c:x", "c:zz"] {
            for resource in ["r1", "r2", "r3", "r33", "r", "s"] {
                for value in [None, Some("1"), Some("2"), Some("22"), Some("3"), Some("33"), Some("2*"), Some("?")] {
                    all.push((who, action, resource, value));
                }
            }
        }
    }
    all
}

fn part_matches(statement: &Json, name: &str, value: &str, wild: bool) -> bool {
    let fits = |list: &Json| {
        several(list).iter().any(|one| {
            let one = one.as_str().unwrap();
            if wild { matches(one, value) } else { one == "*" || one == value }
        })
    };
    match (statement.get(name), statement.get(format!("Not{name}"))) {
        (Some(list), _) => fits(list),
        (None, Some(list)) => !fits(list),
        (None, None) => true,
    }
}

fn condition_holds(condition: &Json, value: Option<&str>) -> bool {
    condition.as_object().unwrap().iter().all(|(operator, keys)| {
        let (base, if_exists) = match operator.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (operator.as_str(), false),
        };
        let wanted = several(&keys["k"]);
        let any = |fits: &dyn Fn(&str) -> bool| wanted.iter().any(|one| fits(one.as_str().unwrap()));
        match (base, value) {
            ("Null", value) => any(&|one| (one == "true") == value.is_none()),
            (_, None) => if_exists || base.contains("Not"),
            ("StringEquals", Some(value)) => any(&|one| one == value),
            ("StringLike", Some(value)) => any(&|one| matches(one, value)),
            ("StringNotEquals", Some(value)) => !any(&|one| one == value),
            ("StringNotLike", Some(value)) => !any(&|one| matches(one, value)),
            (other, _) => panic!("{other}"),
        }
    })
}

/// Whether one statement of this effect is about a request.
fn some(statements: &[Json], effect: &str, (who, action, resource, value): Request) -> bool {
    statements.iter().any(|statement| {
        statement["Effect"] == effect
            && part_matches(statement, "Principal", who, false)
            && part_matches(statement, "Action", action, true)
            && part_matches(statement, "Resource", resource, true)
            && statement.get("Condition").is_none_or(|condition| condition_holds(condition, value))
    })
}

fn part(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = (String, Json)> {
    let list = prop::collection::vec(prop::sample::select(values), 1..4);
    (prop::bool::weighted(0.2), list)
        .prop_map(move |(not, list)| (format!("{}{name}", if not { "Not" } else { "" }), json!(list)))
}

fn statement() -> impl Strategy<Value = Json> {
    let condition = prop::option::of((
        prop::sample::select(
            &["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIfExists"][..],
        ),
        prop::collection::vec(prop::sample::select(&["1", "2", "2*", "?"][..]), 1..3),
    ));
    let null = prop::option::weighted(0.2, prop::sample::select(&["true", "false"][..]));
    (
        prop::bool::weighted(0.75),
        part("Principal", &["p", "q", "*"]),
        part("Action", &["a:x", "a:y", "a:*", "*", "?:x", "b:*"]),
        part("Resource", &["r1", "r2", "r*", "*", "r?"]),
        condition,
        null,
    )
        .prop_map(|(allow, principal, action, resource, condition, null)| {
            let mut statement = serde_json::Map::from_iter([principal, action, resource]);
            statement.insert("Effect".to_owned(), json!(if allow { "Allow" } else { "Deny" }));
            let mut conditions = serde_json::Map::new();
            conditions.extend(condition.map(|(operator, values)| (operator.to_owned(), json!({"k": values}))));
            conditions.extend(null.map(|value| ("Null".to_owned(), json!({"k": value}))));
            if !conditions.is_empty() {
                statement.insert("Condition".to_owned(), Json::Object(conditions));
            }
            Json::Object(statement)
        })
}

/// The difference between two lists of statements of a policy of something that is not in the template.
fn delta(old: &[Json], new: &[Json]) -> Delta {
    let (template, context) = (Template::default(), Context::default());
    let compared = changes::compare(&template, &template, &context);
    let (names, _) = Names::of(&compared);
    let reader = Reader { names: &names, compared: &compared };
    let owner = statement::Owner { who: Vec::new(), resource: None };
    let read = |statements: &[Json]| reader.document(&json!({"Statement": statements}), &cfn::Path::default(), &owner);
    Delta::of(&read(old), &read(new))
}

/// The same statements, each once for every principal, action and resource, the last first.
fn split(statements: &[Json]) -> Vec<Json> {
    let mut all = statements.to_vec();
    for name in ["Principal", "Action", "Resource"] {
        all = all
            .into_iter()
            .flat_map(|statement| match statement.get(name).cloned() {
                Some(Json::Array(values)) => values
                    .into_iter()
                    .map(|value| {
                        let mut one = statement.clone();
                        one[name] = value;
                        one
                    })
                    .collect(),
                _ => vec![statement],
            })
            .collect();
    }
    all.reverse();
    all
}

proptest! {

    /// What is found is found exactly where a request tells the two apart, and one that does is found.
    #[test]
    fn sets_agree_with_an_evaluator_of_single_requests(
        old in prop::collection::vec(statement(), 0..4), new in prop::collection::vec(statement(), 0..4)
    ) {
        let Delta { newly, gone, barred, unbarred, .. } = delta(&old, &new);
        let any = |holds: &dyn Fn(Request) -> bool| requests().into_iter().any(holds);
        let allowed = |statements: &[Json], request| some(statements, "Allow", request);
        let denied = |statements: &[Json], request| some(statements, "Deny", request);
        prop_assert_eq!(!newly.is_empty(), any(&|one| allowed(&new, one) && !allowed(&old, one) && !denied(&new, one)));
        prop_assert_eq!(!gone.is_empty(), any(&|one| allowed(&old, one) && !allowed(&new, one) && !denied(&old, one)));
        prop_assert_eq!(!barred.is_empty(), any(&|one| denied(&new, one) && !denied(&old, one)));
        prop_assert_eq!(!unbarred.is_empty(), any(&|one| denied(&old, one) && !denied(&new, one)));
    }

    /// Splitting and reordering changes nothing.
    #[test]
    fn the_normal_form_keeps_what_is_permitted(statements in prop::collection::vec(statement(), 0..4)) {
        let other = split(&statements);
        for request in requests() {
            prop_assert_eq!(some(&statements, "Allow", request), some(&other, "Allow", request));
        }
        for (old, new) in [(&statements, &other), (&other, &statements)] {
            let Delta { newly, gone, barred, unbarred, .. } = delta(old, new);
            prop_assert!(newly.is_empty() && gone.is_empty() && barred.is_empty() && unbarred.is_empty());
        }
    }
}
