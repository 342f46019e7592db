//! Any template in: JSON, and YAML with CloudFormation's short tags.

mod tags;
mod yaml;

use serde_json::Value as Json;

use crate::Template;

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
/// When the text is not JSON or YAML, or nests deeper than 128 levels.
pub fn document(text: &str) -> Result<Json, ReadError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| ReadError::Syntax {
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        });
    }
    yaml::parse(text)
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
    fn hostile_input_is_refused_without_harm() {
        assert!(template(&"[".repeat(100_000)).is_err());
        assert!(template(&format!("a: {}", "[".repeat(100_000))).is_err());
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(template(&laughs).is_err());
    }
}
