//! Items of lists and objects, as far as they are known.

use serde_json::Value as Json;

use super::{Field, text::function_name};
use crate::Path;

/// Items of a list, each with the path to it.
pub fn items<'a>(value: &'a Json, path: &Path) -> Vec<(Path, &'a Json)> {
    match value {
        Json::Array(items) => items.iter().enumerate().map(|(at, item)| (path.item(at), item)).collect(),
        one => vec![(path.clone(), one)],
    }
}

/// The object at a place; `None` where an intrinsic function stands for it.
pub fn object<'a>(field: Field<'a>) -> Option<&'a Json> {
    field.value().filter(|value| value.is_object() && function_name(value).is_none())
}

/// The items of a list that are known, each with the path to it, and true if these are all of them. A function in the place
/// of the list, or of an item, is one item: whoever looks at it sees that it is not known.
pub fn known_items<'a>(field: Field<'a>, path: &Path) -> (Vec<(Path, &'a Json)>, bool) {
    let value = match field {
        Field::Absent => return (Vec::new(), true),
        Field::Unknown => return (Vec::new(), false),
        Field::Is(value) => value,
    };
    let mut all = items(value, path);
    let before = all.len();
    all.retain(|(_, item)| !matches!(Field::of(item), Field::Unknown));
    let complete = all.len() == before;
    all.retain(|(_, item)| !matches!(Field::of(item), Field::Absent));
    (all, complete)
}
