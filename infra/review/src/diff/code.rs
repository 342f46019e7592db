//! Functions that run other code.

use serde_json::Value as Json;

use super::{
    Answer, Code, Detail, Fact, Risk,
    compared::Compared,
    fold::changed_at,
    side::{Pair, Side},
    words::subject,
};
use cfn::{LogicalId, Path, Resource, view::ResourceView};

const FUNCTION: &str = "AWS::Lambda::Function";
/// Where a resource's metadata names the binary that a function runs.
const BINARY: &str = "Binary";

/// What else decides what a function runs: the property, and what it is called.
const AROUND: [(&str, &str); 4] =
    [("Runtime", "runtime"), ("Architectures", "processor"), ("Handler", "handler"), ("Layers", "layers")];

/// Functions that run other code.
pub(super) fn find(compared: &Compared<'_>) -> Answer {
    Answer { facts: facts(compared), unchanged: unchanged(compared) }
}

fn facts(compared: &Compared<'_>) -> Vec<Fact> {
    let functions = || compared.pairs().filter(|pair| pair.old.kind == FUNCTION && pair.new.kind == FUNCTION);
    let mut facts: Vec<Fact> = code(compared, functions().filter_map(|pair| other_code(compared, pair)).collect());
    for pair in functions() {
        for (property, words) in AROUND {
            facts.extend(around(compared, pair, property, words));
        }
    }
    facts
}

/// Functions whose archive lies elsewhere and is the same.
fn unchanged(compared: &Compared<'_>) -> Vec<Path> {
    let functions = compared.pairs().filter(|pair| pair.old.kind == FUNCTION && pair.new.kind == FUNCTION);
    let same = functions.filter(|pair| {
        let old = archive(&compared.old, pair.old_id, pair.old);
        old.zip(archive(&compared.new, pair.new_id, pair.new)).is_some_and(|(old, new)| old.sha256 == new.sha256)
    });
    same.flat_map(|pair| changed_at(compared, pair.new_id, "Code")).collect()
}

/// A function with other code.
struct OtherCode<'a> {
    id: &'a LogicalId,
    binary: Option<String>,
    /// The sizes in bytes before and after, where they are known.
    sizes: Option<(u64, u64)>,
}

/// Whether a function's code differs: by the hash of its archive where it is known on both sides, otherwise by where the
/// template says it lies.
fn other_code<'a>(compared: &Compared<'_>, pair: Pair<'a>) -> Option<OtherCode<'a>> {
    let archives = archive(&compared.old, pair.old_id, pair.old).zip(archive(&compared.new, pair.new_id, pair.new));
    let (differs, sizes) = match archives {
        Some((old, new)) => (old.sha256 != new.sha256, Some((old.size, new.size))),
        None => (pair.old.properties.get("Code") != pair.new.properties.get("Code"), None),
    };
    let binary = pair.new.metadata.get(BINARY).and_then(Json::as_str).map(str::to_owned);
    differs.then_some(OtherCode { id: pair.new_id, binary, sizes })
}

/// What is known of a function's archive: by its id, or by the parameter that names the archive.
fn archive<'s>(side: &Side<'s>, id: &LogicalId, resource: &Resource) -> Option<&'s Code> {
    let by_parameter = || {
        // In normal form, a parameter's value may stand in the place of its name.
        let given = side.given.resources.get(id).unwrap_or(resource);
        let key = given.properties.get("Code")?.get("S3Key")?;
        side.known.code.get(key.get("Ref")?.as_str()?)
    };
    side.known.code.get(id.as_str()).or_else(by_parameter)
}

fn code(compared: &Compared<'_>, changed: Vec<OtherCode<'_>>) -> Vec<Fact> {
    let ids: Vec<&LogicalId> = changed.iter().map(|one| one.id).collect();
    let sentence = match changed.as_slice() {
        [] => return Vec::new(),
        [one] => format!("function {} runs other code{}", one.name(), one.size_words()),
        _ => {
            let sizes: Option<Vec<(u64, u64)>> = changed.iter().map(|one| one.sizes).collect();
            let total = sizes.map(|sizes| {
                let (old, new) = sizes.iter().fold((0, 0), |(old, new), (one, other)| (old + one, new + other));
                format!(", {} in all", difference(old, new, " bytes"))
            });
            format!("{} run other code{}", subject(FUNCTION, &ids), total.unwrap_or_default())
        }
    };
    let details = if changed.len() == 1 { &[] } else { changed.as_slice() };
    let details = details.iter().map(|one| Detail::text(format!("{}{}", one.name(), one.size_words()))).collect();
    let explains = ids.iter().flat_map(|id| changed_at(compared, id, "Code")).collect();
    vec![Fact { details, explains, ..Fact::new("code-changed", Risk::Code, &ids, sentence) }]
}

impl OtherCode<'_> {
    fn name(&self) -> String {
        self.binary.as_ref().map_or_else(|| self.id.to_string(), |binary| format!("{} ({binary})", self.id))
    }

    fn size_words(&self) -> String {
        let Some((old, new)) = self.sizes else { return String::new() };
        format!(": {} bytes, {}", grouped(new), difference(old, new, ""))
    }
}

/// `1,024 bytes more`, with or without its unit.
fn difference(old: u64, new: u64, unit: &str) -> String {
    match new.cmp(&old) {
        std::cmp::Ordering::Equal => "as many as before".to_owned(),
        std::cmp::Ordering::Greater => format!("{}{unit} more", grouped(new - old)),
        std::cmp::Ordering::Less => format!("{}{unit} fewer", grouped(old - new)),
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

fn around(compared: &Compared<'_>, pair: Pair<'_>, property: &str, words: &str) -> Option<Fact> {
    let (old, new) =
        (ResourceView { id: pair.old_id, resource: pair.old }, ResourceView { id: pair.new_id, resource: pair.new });
    let (before, after) = (pair.old.properties.get(property), pair.new.properties.get(property));
    if before == after {
        return None;
    }
    let shown = |thing: ResourceView<'_>| {
        let values = thing.list(property);
        let each = values.into_iter().map(|value| compared.show(&thing.at(property), value).to_string());
        let each: Vec<String> = each.collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    let sentence = format!("function {}: {words} {} instead of {}", pair.new_id, shown(new), shown(old));
    let explains = changed_at(compared, pair.new_id, property);
    Some(Fact { explains, ..Fact::new("runtime-changed", Risk::Code, &[pair.new_id], sentence) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
