//! Each rule on a template that breaks it, and on the same template fixed: `tests/check/<RULE>.diff`.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use expect_test::expect_file;
use review::check;
use serde_json::{Value as Json, json};

use crate::cases::{self, Case};

/// The least number of cases, so that an empty folder does not pass.
const CASES: usize = 170;

fn report(text: &str) -> check::Report {
    check::template(&cfn::read::template(text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

/// What is said about a template: a line for the finding, one for the mend.
fn said(report: &check::Report) -> String {
    let mut said = String::new();
    for finding in &report.findings {
        let check::Finding { rule, path, message } = finding;
        writeln!(said, "{} {path}: {message}\n  mend: {}", rule.id, rule.mend).unwrap();
    }
    said
}

/// The lines of a case's file, with what is found now.
fn shown(case: &Case, file: &str, found: &str) -> String {
    let from = file.find(&format!("=== {}\n", case.name)).unwrap();
    let template = file[from..].lines().enumerate().take_while(|(at, line)| *at == 0 || !line.starts_with("==="));
    let template = template.map(|(_, line)| line).filter(|line| !line.starts_with('>') && !line.is_empty());
    let found = found.lines().map(|line| format!("> {line}"));
    template.map(str::to_owned).chain(found).map(|line| line + "\n").collect()
}

/// `UPDATE_EXPECT=1` writes what is found into the files. Read the difference before you commit it.
#[test]
fn rule_is_broken_by_its_bad_template_alone_and_by_no_good_one() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in cases::files() {
        let text = fs::read_to_string(&file).unwrap();
        let mut now = Vec::new();
        for case in cases::of(&file) {
            count += 1;
            let (rule, name, bad) = (case.rule(), &case.name, report(&case.bad));
            let others: Vec<_> = bad.findings.iter().map(|finding| finding.rule.id).filter(|id| *id != rule).collect();
            if bad.findings.len() == others.len() {
                wrong.push(format!("the bad template of {name} does not break {rule}"));
            }
            if !others.is_empty() {
                wrong.push(format!("the bad template of {name} also breaks {}", others.join(", ")));
            }
            let good = said(&report(&case.good));
            if !good.is_empty() {
                wrong.push(format!("the good template of {name}:\n{good}"));
            }
            now.push(shown(&case, &text, &said(&bad)));
        }
        expect_file![&file].assert_eq(&now.join("\n"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= CASES, "{count} cases");
}

/// Rules that a template in a file cannot show: it would have a megabyte, or 500 resources.
const LARGE: [&str; 2] = ["QUOTA-3", "QUOTA-4"];

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    let rules: BTreeSet<String> = check::rules().map(|rule| rule.id.to_owned()).collect();
    let shown: BTreeSet<String> = cases::all().iter().map(Case::rule).chain(LARGE.map(str::to_owned)).collect();
    assert_eq!(check::rules().count(), rules.len(), "an id stands for two rules");
    assert_eq!(rules.symmetric_difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
    for file in cases::files() {
        let rule = file.file_stem().unwrap().to_str().unwrap();
        assert!(cases::of(&file).iter().all(|case| case.rule() == rule), "{}", file.display());
    }
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/README.md")).unwrap();
    let names = cases::all().into_iter().map(|case| case.name);
    let unlisted: Vec<_> = names.filter(|name| !page.contains(&format!("| {name} |"))).collect();
    assert_eq!(unlisted, Vec::<String>::new(), "run compare.py");
}

#[test]
fn a_template_is_refused_from_its_quota_on() {
    let topics = |count: usize, text: &str| {
        let topic = |at: usize| {
            format!("\"T{at}\":{{\"Type\":\"AWS::SSM::Document\",\"Properties\":{{\"Content\":\"{text}\"}}}}")
        };
        let all: Vec<_> = (0..count).map(topic).collect();
        cfn::read::template(&format!("{{\"Resources\":{{{}}}}}", all.join(","))).unwrap()
    };
    let found = |count: usize, text: &str| -> Vec<&str> {
        let report = check::template(&topics(count, text));
        report.findings.iter().map(|finding| finding.rule.id).collect()
    };
    assert_eq!(found(500, ""), Vec::<&str>::new());
    assert_eq!(found(501, ""), ["QUOTA-1"]);
    // `{"Resources":{...}}` around one resource.
    let around = serde_json::to_string(&topics(1, "")).unwrap().len();
    assert_eq!(found(1, &"x".repeat(51_200 - around)), Vec::<&str>::new());
    assert_eq!(found(1, &"x".repeat(51_201 - around)), ["QUOTA-4"]);
    assert_eq!(found(1, &"x".repeat(1_000_000 - around)), ["QUOTA-4"]);
    assert_eq!(found(1, &"x".repeat(1_000_001 - around)), ["QUOTA-3"]);
}

/// The same references, written in other words.
fn reworded(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(reworded).collect(),
        Json::Object(entries) if entries.len() == 1 => {
            let (key, argument) = entries.iter().next().unwrap();
            match (key.as_str(), argument) {
                // A list of a parameter's values cannot be a part of a text, and `AWS::NoValue` is no value.
                ("Ref", Json::String(name)) if name != "AWS::NoValue" => json!({"Fn::Sub": format!("${{{name}}}")}),
                ("Fn::GetAtt", Json::Array(parts)) => {
                    let whole = format!("${{{}.{}}}", parts[0].as_str().unwrap(), parts[1].as_str().unwrap());
                    json!({"Fn::Join": ["", [{"Fn::Sub": whole}, ""]]})
                }
                ("Fn::Sub", Json::String(text)) => json!({"Fn::Sub": [text, {"Unused": "x"}]}),
                _ => json!({ key: reworded(argument) }),
            }
        }
        Json::Object(entries) => entries.iter().map(|(key, inner)| (key.clone(), reworded(inner))).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_reference_means_the_same_however_it_is_written() {
    let mut wrong = Vec::new();
    for case in cases::all() {
        for text in [&case.bad, &case.good] {
            let document = cfn::read::document(text).unwrap();
            let mut other = document.clone();
            other["Resources"] = reworded(&document["Resources"]);
            let found = |document: Json| -> BTreeSet<(&str, String)> {
                let report = check::template(&serde_json::from_value(document).unwrap());
                let all = report.findings.into_iter().map(|finding| (finding.rule.id, finding.path.to_string()));
                // Where a reference leads nowhere, the place is inside the words.
                all.filter(|(rule, _)| !rule.starts_with("REF-")).collect()
            };
            let (before, after) = (found(document), found(other));
            if before != after {
                wrong.push(format!("{}: {before:?} became {after:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_said_where_a_value_is_not_known() {
    // Each of these would be a finding if what the parameter or the condition gives were known.
    let text = "
Transform: [AWS::LanguageExtensions]
Parameters: {Seconds: {Type: Number}, Topic: {Type: String}, Pattern: {Type: String}, Name: {Type: String}}
Conditions: {Yes: !Equals [!Ref Name, yes]}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      QueueName: !Ref Name
      FifoQueue: !If [Yes, true, !Ref AWS::NoValue]
      VisibilityTimeout: !Ref Seconds
      RedrivePolicy: !If [Yes, {deadLetterTargetArn: !ImportValue dead, maxReceiveCount: 1}, !Ref AWS::NoValue]
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties: {Queues: [!Ref Queue], PolicyDocument: !If [Yes, {}, {}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Timeout: 900
      Code: {S3Bucket: artifacts, S3Key: !Ref Name}
      Role: !ImportValue role
      LoggingConfig: !If [Yes, {LogGroup: x}, !Ref AWS::NoValue]
      Environment: {Variables: {PASSWORD: !ImportValue password}}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref Function
      BatchSize: !Ref Seconds
      FunctionResponseTypes: !If [Yes, [ReportBatchItemFailures], !Ref AWS::NoValue]
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Topic
      Protocol: sqs
      Endpoint: !GetAtt Queue.Arn
      FilterPolicy: !If [Yes, {a: b}, !Ref AWS::NoValue]
      RedrivePolicy: !If [Yes, {deadLetterTargetArn: !ImportValue dead}, !Ref AWS::NoValue]
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: !Ref Name
      MetricName: Nothing
      Statistic: Sum
      Period: !Ref Seconds
      AlarmActions: [!Ref Topic]
";
    let template = cfn::read::template(text).unwrap();
    assert_eq!(said(&check::template(&template)), "");
    // A macro of somebody's own may change everything.
    let text = text.replace("AWS::LanguageExtensions", "Company::Macro").replace("!Ref Name", "!Ref Nothing");
    assert_eq!(said(&check::template(&cfn::read::template(&text).unwrap())), "");
}

#[test]
fn nothing_is_missing_where_a_loop_or_a_module_may_add_it() {
    let text = "
Resources:
  Queue: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, UpdateReplacePolicy: Retain}
  Topic:
    Type: AWS::SNS::Topic
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {KmsMasterKeyId: alias/aws/sns}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, RedrivePolicy: {deadLetterTargetArn: !GetAtt Queue.Arn}}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Code: {S3Bucket: artifacts, S3Key: b}, Role: !GetAtt QueuePolicyRole.Arn}
  Filter:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: x
      FilterPattern: ERROR
      MetricTransformations: [{MetricNamespace: a, MetricName: b, MetricValue: '1'}]
";
    let found = |more: &str| {
        let template = cfn::read::template(&format!("{text}{more}")).unwrap();
        let report = check::template(&template);
        report.findings.iter().map(|finding| finding.rule.id).collect::<Vec<_>>()
    };
    assert_eq!(found(""), ["REF-1", "SNS-1", "SNS-1", "SNS-11", "SQS-11", "ALM-5", "LOG-3"]);
    assert_eq!(found("  Fn::ForEach::Policies: [Name, [Queue], {'${Name}Policy': {Type: X}}]\n"), Vec::<&str>::new());
    assert_eq!(found("  More: {Type: Company::Policies::MODULE}\n"), Vec::<&str>::new());
    assert_eq!(found("Transform: AWS::Serverless-2016-10-31\n"), Vec::<&str>::new());
}

#[test]
fn a_waiver_counts_for_its_place_only() {
    let text = "
Metadata: {Waivers: {SEC-3: 'shown once, then changed'}}
Parameters: {Password: {Type: String, NoEcho: true}}
Resources:
  Open:
    Type: AWS::SNS::Topic
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Metadata: {Waivers: {SNS-9: carries nothing, SNS-11: read by everyone, E3002: of another program}}
  Other:
    Type: AWS::SNS::Topic
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Metadata: {Waivers: {SNS-11: read by everyone}}
Outputs: {Password: {Value: !Ref Password}}
";
    let report = check::template(&cfn::read::template(text).unwrap());
    let waived =
        report.waived.iter().map(|one| format!("{} {}: {}", one.finding.rule.id, one.finding.path, one.reason));
    let waived: Vec<_> = waived.collect();
    let expected = [
        "SNS-9 Resources.Open: carries nothing",
        "SNS-11 Resources.Open: read by everyone",
        "SNS-11 Resources.Other: read by everyone",
        "SEC-3 Outputs.Password.Value: shown once, then changed",
    ];
    assert_eq!(waived, expected);
    let found: Vec<_> = report.findings.iter().map(|one| format!("{} {}", one.rule.id, one.path)).collect();
    assert_eq!(found, ["SNS-9 Resources.Other"]);
}
