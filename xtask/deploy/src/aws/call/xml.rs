//! Responses of the query protocol, as JSON values.

use std::iter::Peekable;

use aws_sdk_cloudformation::error::BoxError;
use aws_smithy_xml::decode::{Depth, Document, try_data};
use serde_json::{Map, Value};

/// Maximum depth of a document; a response of AWS has less than ten.
const MAX_DEPTH: Depth = 32;

/// Reads `<OperationResult>` in a response.
///
/// # Errors
/// When the body is not XML, or has no such element.
pub(super) fn result(body: &[u8], operation: &str) -> Result<Value, BoxError> {
    let name = format!("{operation}Result");
    let result = read(body)?.get_mut(&name).map(Value::take);
    result.ok_or_else(|| format!("there is no {name} in the response").into())
}

/// Reads a document: the content of its root. Elements named `member` are a list, other elements an object, and the rest
/// text. An element without content is null, because the protocol writes an empty list and an empty text alike.
///
/// # Errors
/// When the body is not XML.
pub(super) fn read(body: &[u8]) -> Result<Value, BoxError> {
    // The decoder reads an element's children or its text, and does not tell which there is: so the depths of all
    // elements are read first.
    let (mut document, mut depths) = (Document::try_from(body)?, Vec::new());
    while let Some(start) = document.next_start_element() {
        depths.push(start.depth());
    }
    if depths.iter().any(|depth| *depth > MAX_DEPTH) {
        return Err(format!("elements are nested more than {MAX_DEPTH} deep").into());
    }
    let (_, content) = element(&mut Document::try_from(body)?, &mut depths.into_iter().peekable())?;
    Ok(content)
}

/// Reads the next element, with everything in it.
fn element(
    document: &mut Document<'_>,
    depths: &mut Peekable<impl Iterator<Item = Depth>>,
) -> Result<(String, Value), BoxError> {
    let start = document.next_start_element().ok_or("the response is not XML")?;
    let name = start.local().to_owned();
    let depth = depths.next().unwrap_or_default();
    if depths.peek().is_none_or(|next| *next <= depth) {
        let text = try_data(&mut document.scoped_to(start))?;
        let text = if text.is_empty() { Value::Null } else { Value::String(text.into_owned()) };
        return Ok((name, text));
    }
    let mut members = Vec::new();
    while depths.peek().is_some_and(|next| *next > depth) {
        members.push(element(document, depths)?);
    }
    let content = match members.iter().all(|(name, _)| name == "member") {
        true => members.into_iter().map(|(_, member)| member).collect(),
        false => Value::Object(members.into_iter().collect::<Map<_, _>>()),
    };
    Ok((name, content))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn result_has_lists_objects_and_text() {
        let body = "<?xml version=\"1.0\"?>\n<SimulateResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  \
                    <SimulateResult>\n    <Results>\n      <member>\n        <Name>a &amp; b &#33;</Name>\n        <Missing/>\n      \
                    </member>\n      <member><Name>c</Name></member>\n    </Results>\n    <Empty></Empty>\n    \
                    <IsTruncated>false</IsTruncated>\n  </SimulateResult>\n  <ResponseMetadata><RequestId>1</RequestId>\
                    </ResponseMetadata>\n</SimulateResponse>";
        let wanted = json!({
            "Results": [{ "Name": "a & b !", "Missing": null }, { "Name": "c" }],
            "Empty": null,
            "IsTruncated": "false"
        });
        assert_eq!(result(body.as_bytes(), "Simulate").unwrap(), wanted);
    }

    #[test]
    fn other_documents_are_errors() {
        for body in ["", "busy", "<html><p>busy</p></html>", "{}", "<GetRoleResponse/>", "\u{0}"] {
            assert!(result(body.as_bytes(), "GetRole").is_err(), "{body}");
        }
        assert!(result(b"\xff<a/>", "GetRole").is_err());
        let deep = "<a>".repeat(100_000);
        assert_eq!(read(deep.as_bytes()).unwrap_err().to_string(), "elements are nested more than 32 deep");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in "(<[a-c/]{1,3}>|</[a-c]>|&[a-z#0-9]{0,4};|[a-z ]|<!\\[CDATA\\[|\\]\\]>){0,40}") {
            let _refused = read(body.as_bytes());
        }
    }
}
