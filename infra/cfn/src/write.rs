//! Templates out, the same bytes at every run.

use crate::Template;

/// The template as JSON, indented by two spaces.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "maps with text keys and JSON values are always written; an empty template is worse"
)]
pub fn json(template: &Template) -> String {
    serde_json::to_string_pretty(template).expect("a template is written as JSON") + "\n"
}

/// The template as YAML, read alike by YAML 1.1 (AWS) and 1.2 readers.
#[must_use]
#[expect(clippy::expect_used, reason = "as above: there is nothing in a template that YAML cannot say")]
pub fn yaml(template: &Template) -> String {
    serde_saphyr::to_string(template).expect("a template is written as YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let json_text = r##"{"Description":"no","Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{
            "a":"yes","b":"012","c":"2010-09-09","d":"1e3","e":[],"f":{},"g":"line\nline: x","h":"","i":null,"j":1.5,
            "k":"~","l":" x ","m":"- a","n":"12:30:45","o":"0x1F","p":"#x","q":"a: b","r":"*x","s":"{\"a\":1}"}}}}"##;
        let template = crate::read::template(json_text).unwrap();
        assert_eq!(crate::read::template(&yaml(&template)).unwrap(), template, "{}", yaml(&template));
        assert_eq!(crate::read::template(&json(&template)).unwrap(), template);
    }
}
