//! Conditions, as far as they are known.

use serde_json::Value as Json;

use super::{Guide, values::Values};
use cfn::view::{
    statements::{any, every},
    text::function,
};

/// Whether an expression holds; nothing where that is not known.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>
pub(super) fn holds(values: &Values<'_>, expression: &Json) -> Option<bool> {
    let (name, argument) = function(expression.as_object()?)?;
    let parts = || argument.as_array().into_iter().flatten().map(|part| holds(values, part));
    match name {
        "Condition" => values.holds(argument.as_str()?),
        "Fn::And" => every(parts()),
        "Fn::Or" => any(parts()),
        "Fn::Not" => holds(values, argument.get(0)?).map(|holds| !holds),
        "Fn::Equals" => {
            let value = |at: usize| values.normal(argument.get(at)?, &Guide::default());
            let (one, other) = (value(0)?, value(1)?);
            // What is written alike is alike; literals that are not, are not.
            if one == other { Some(true) } else { (one.is_string() && other.is_string()).then_some(false) }
        }
        _ => None,
    }
}
