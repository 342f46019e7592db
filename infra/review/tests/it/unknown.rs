//! What is not known gives no finding, and what makes no sense no panic: every value of good templates in turn becomes
//! something else.

use review::check;
use serde_json::{Value as Json, json};

use crate::cases;

/// Mended templates that together have every kind of resource that rules look at.
const TEMPLATES: [&str; 14] = [
    "ALM-5",
    "DOM-4",
    "DOM-5",
    "ESM-3",
    "HTTP-7",
    "IAM-8",
    "KMS-1",
    "KMS-2",
    "LAM-7",
    "LOG-3",
    "SEC-1",
    "SNS-1-function",
    "SNS-5",
    "SQS-1",
];

/// Values that only a deployment knows.
fn unknown() -> [Json; 4] {
    [
        json!("{{resolve:ssm:elsewhere}}"),
        json!({"Fn::ImportValue": "elsewhere"}),
        json!({"Ref": "Given"}),
        json!({"Fn::If": ["Maybe", {"Fn::ImportValue": "elsewhere"}, {"Ref": "AWS::NoValue"}]}),
    ]
}

/// Values that stand nowhere.
fn senseless() -> [Json; 4] {
    let broken =
        json!([null, {"Fn::GetAtt": []}, {"Fn::Sub": [1]}, {"Fn::Join": {}}, {"Fn::If": "x"}, {"Ref": {}}, []]);
    [json!(null), json!({"Fn::FindInMap": []}), json!(-1e300), broken]
}

fn good(name: &str) -> Json {
    let mut template = cfn::read::document(&cases::named(name).good).unwrap();
    template["Parameters"]["Given"] = json!({"Type": "String"});
    template["Conditions"]["Maybe"] = json!({"Fn::Equals": [{"Ref": "Given"}, "x"]});
    template
}

/// The JSON pointer of every value below the properties, but not of what is inside functions.
fn places(template: &Json) -> Vec<String> {
    let mut places = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        walk(&resource["Properties"], &format!("/Resources/{id}/Properties"), &mut places);
    }
    places
}

fn walk(value: &Json, at: &str, places: &mut Vec<String>) {
    let mut add = |key: &str, inner: &Json| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places.push(place.clone());
        walk(inner, &place, places);
    };
    match value {
        Json::Object(entries) if entries.keys().any(|key| key == "Ref" || key.starts_with("Fn::")) => {}
        Json::Object(entries) => entries.iter().for_each(|(key, inner)| add(key, inner)),
        Json::Array(items) => items.iter().enumerate().for_each(|(at, inner)| add(&at.to_string(), inner)),
        _ => {}
    }
}

/// The findings of a template in which one value is another; none when it is no template any more.
fn found(template: &Json, place: &str, value: Json) -> Vec<String> {
    let mut changed = template.clone();
    *changed.pointer_mut(place).unwrap() = value;
    let Ok(template) = serde_json::from_value(changed) else { return Vec::new() };
    let report = check::template(&template);
    report.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.path)).collect()
}

#[test]
fn a_value_that_is_not_known_gives_no_finding() {
    let mut wrong = Vec::new();
    for name in TEMPLATES {
        let template = good(name);
        for place in places(&template) {
            for value in unknown() {
                let found = found(&template, &place, value.clone());
                if !found.is_empty() {
                    wrong.push(format!("{name}, {place} as {value}: {}", found.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_value_that_makes_no_sense_gives_no_panic() {
    for name in TEMPLATES {
        let template = good(name);
        for place in places(&template) {
            for value in senseless() {
                found(&template, &place, value);
            }
        }
    }
}
