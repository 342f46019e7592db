//! Any template in: JSON, and YAML with CloudFormation's short tags.

mod json;
mod positions;
mod tags;
mod yaml;

use serde_json::Value as Json;

use crate::Template;
pub use positions::{Position, Positions};

/// Why a text is not a template.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is neither JSON nor YAML.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser met, and what it wanted.
        reason: String,
    },
    /// The text is well formed, and no template.
    #[error("not a CloudFormation template: {0}")]
    Shape(#[from] serde_json::Error),
}

/// Reads a template, as JSON when it begins with a brace and as YAML otherwise.
///
/// Short tags (`!Ref`, `!GetAtt a.b`, `!Sub`) become their long forms, so that both ways of writing mean the same here.
///
/// # Errors
/// When the text is not JSON or YAML, nests deeper than 128 levels, or does not have a template's shape.
pub fn template(text: &str) -> Result<Template, ReadError> {
    Ok(serde_json::from_value(document(text)?)?)
}

/// Reads the plain data of a template, before it is given its shape.
///
/// # Errors
/// When the text is not JSON or YAML, nests deeper than 128 levels, or names a key twice.
pub fn document(text: &str) -> Result<Json, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') { json::parse(text) } else { yaml::parse(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_tags_mean_their_long_forms() {
        let yaml = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    DependsOn: T\n    Properties:\n      A: !Ref T\n      \
                    B: !GetAtt T.Name.Deep\n      C: !Sub '${T}-x'\n      D: !If [c, !Ref T, 12]\n      E: !Join\n        - ','\n        - [a, b]\n  \
                    T: {Type: AWS::SNS::Topic}\n";
        let json = json!({"Resources": {
            "Q": {"Type": "AWS::SQS::Queue", "DependsOn": ["T"], "Properties": {
                "A": {"Ref": "T"}, "B": {"Fn::GetAtt": ["T", "Name.Deep"]}, "C": {"Fn::Sub": "${T}-x"},
                "D": {"Fn::If": ["c", {"Ref": "T"}, 12]}, "E": {"Fn::Join": [",", ["a", "b"]]}}},
            "T": {"Type": "AWS::SNS::Topic"}}});
        let read = template(yaml).unwrap();
        assert_eq!(read, template(&json.to_string()).unwrap());
    }

    #[test]
    fn unknown_sections_are_kept() {
        let read = template("{\"Transform\":\"X\",\"Resources\":{},\"Rules\":{\"a\":1}}").unwrap();
        assert_eq!(read.rest["Transform"], json!("X"));
        assert_eq!(serde_json::to_value(&read).unwrap()["Rules"], json!({"a": 1}));
    }

    #[test]
    fn errors_name_the_place() {
        let error = template("Resources:\n  A: [1, 2\n").unwrap_err().to_string();
        assert!(error.starts_with("line "), "{error}");
        let error = template("{\"Resources\": {\"A-B\": {\"Type\": \"X\"}}}").unwrap_err().to_string();
        assert!(error.contains("A-B"), "{error}");
    }

    #[test]
    fn what_would_be_lost_in_silence_is_refused() {
        for (text, said) in [
            ("{\"Resources\": {}, \"Resources\": {}}", "line 1, column 29: the key Resources stands here twice"),
            ("A: 1\nA: 2\n", "line 2, column 1: the key A stands here twice"),
            ("A: 1\n---\nB: 2\n", "line 2, column 1: a second document begins here"),
            ("A: !Reff B\n", "line 1, column 4: CloudFormation knows no tag !Reff"),
        ] {
            let error = document(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn scalars_are_what_yaml_1_1_makes_of_them_and_keys_are_their_text() {
        let yaml = "a: 1\nb: -7\nc: 1.50\nd: 1.5e3\ne: 1.5e+3\nf: 012345678901\ng: 2012-10-17\nh: 22:30:00\ni: on\nj: 'on'\n\
                    k:\n80: x\non: y\n2010-09-09: z\nl: 0x1F\nm: 1_000\nn: .5\no: !!str 12\np: 1e3\n";
        let json = json!({"a": 1, "b": -7, "c": 1.5, "d": "1.5e3", "e": 1500.0, "f": "012345678901", "g": "2012-10-17",
            "h": "22:30:00", "i": true, "j": "on", "k": null, "80": "x", "on": "y", "2010-09-09": "z", "l": "0x1F",
            "m": "1_000", "n": 0.5, "o": "12", "p": "1e3"});
        assert_eq!(document(yaml).unwrap(), json);
    }

    #[test]
    fn merged_keys_give_way_to_the_mappings_own() {
        let yaml = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd:\n  <<: *a\n  y: 4\n";
        let read = document(yaml).unwrap();
        assert_eq!(read["c"], json!({"x": 3, "y": 1, "z": 2}));
        assert_eq!(read["d"], json!({"x": 1, "y": 4}));
    }

    #[test]
    fn loops_and_transforms_stand_among_resources() {
        let text = "Resources:\n  Fn::ForEach::Queues: [Name, [A, B], {'Queue${Name}': {Type: AWS::SQS::Queue}}]\n  \
                    Fn::Transform: {Name: AWS::Include}\n  T: {Type: AWS::SNS::Topic}\n";
        let read = template(text).unwrap();
        assert_eq!(read.resources.len(), 1);
        assert_eq!(read.resources.functions["Fn::Transform"], json!({"Name": "AWS::Include"}));
        assert_eq!(template(&crate::write::yaml(&read)).unwrap(), read);
    }

    #[test]
    fn hostile_input_is_refused_without_harm() {
        assert!(template(&"[".repeat(100_000)).is_err());
        assert!(template(&format!("a: {}", "[".repeat(100_000))).is_err());
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(template(&laughs).unwrap_err().to_string().contains("more than any template of 1 MB can hold"));
        // Few values, and much text.
        let much = format!("a: &a {}\nb:\n{}", "x".repeat(10_000), "  - *a\n".repeat(2000));
        assert!(template(&much).unwrap_err().to_string().contains("more than any template of 1 MB can hold"));
    }
}
