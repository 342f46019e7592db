//! The statements of a policy. Each question is answered for certain, or with `None` where the answer is unknown.

use std::str::Chars;

use serde_json::Value as Json;

use super::{
    Field, ResourceView, TemplateView,
    items::{items, known_items, object},
    text::{Piece, Text},
};
use crate::Path;

/// A statement of a policy.
pub struct Statement<'a> {
    /// The path to the statement.
    pub path: Path,
    /// The statement, as the template has it.
    pub json: &'a Json,
}

/// True or false where that is certain, `None` where it is unknown.
pub type Certain = Option<bool>;

/// Returns true if all of these hold.
pub fn every(parts: impl IntoIterator<Item = Certain>) -> Certain {
    let mut all = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// Returns true if one of these holds.
pub fn any(parts: impl IntoIterator<Item = Certain>) -> Certain {
    every(parts.into_iter().map(|part| part.map(|holds| !holds))).map(|none| !none)
}

impl<'a> Statement<'a> {
    /// Returns the element of this name, such as `Principal`.
    #[must_use]
    pub fn field(&self, name: &str) -> Field<'a> {
        Field::of(self.json).member(name)
    }

    /// Returns true if it certainly allows.
    pub fn allows(&self) -> bool {
        self.effect() == Some(true)
    }

    /// Returns true if its effect is `Allow`.
    pub fn effect(&self) -> Certain {
        match self.field("Effect").value()?.as_str()? {
            "Allow" => Some(true),
            _ => Some(false),
        }
    }

    /// Returns true if it has a condition, or may have one.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !matches!(self.field("Condition"), Field::Absent)
    }

    /// The actions that are known as text, each with the path to it.
    pub fn actions(&self) -> Vec<(Path, String)> {
        let (known, _) = known_items(self.field("Action"), &self.path.key("Action"));
        known.into_iter().filter_map(|(path, action)| Some((path, Text::of(action).literal()?.to_owned()))).collect()
    }

    /// Returns true if it covers an action.
    pub fn is_about_action(&self, action: &str) -> Certain {
        if matches!(self.field("Action"), Field::Absent) {
            return None;
        }
        let (known, complete) = known_items(self.field("Action"), &self.path);
        let each = known.iter().map(|(_, pattern)| Some(covers(Text::of(pattern).literal()?, action)));
        any(each.chain([if complete { Some(false) } else { None }]))
    }

    /// The resources that are known, each with the path to it.
    pub fn resources(&self) -> Vec<(Path, &'a Json)> {
        known_items(self.field("Resource"), &self.path.key("Resource")).0
    }

    /// Returns true if it covers a resource of the template.
    pub fn is_about(&self, facts: &TemplateView<'_>, target: ResourceView<'_>) -> Certain {
        if matches!(self.field("Resource"), Field::Absent) {
            return None;
        }
        let (known, complete) = known_items(self.field("Resource"), &self.path);
        let each = known.iter().map(|(_, resource)| match is_about(facts, resource, target) {
            About::It => Some(true),
            About::Other => Some(false),
            About::Unknown => None,
        });
        any(each.chain([if complete { Some(false) } else { None }]))
    }

    /// Returns true if its principal is certainly everyone, `*`.
    pub fn is_for_everyone(&self) -> bool {
        let Field::Is(principal) = self.field("Principal") else { return false };
        let aws = if principal.is_object() { principal.get("AWS") } else { Some(principal) };
        aws.is_some_and(|aws| items(aws, &self.path).iter().any(|(_, one)| one.as_str() == Some("*")))
    }

    /// Returns true if its principal is this service, such as `sns.amazonaws.com`.
    pub fn is_for_service(&self, service: &str) -> Certain {
        if self.is_for_everyone() {
            return Some(true);
        }
        let principal = object(self.field("Principal"))?;
        let (named, complete) = known_items(Field::of(principal).member("Service"), &self.path);
        let each = named.iter().map(|(_, one)| {
            let text = Text::of(one);
            let shown = text.shown();
            // In whatever partition: amazonaws.com, amazonaws.com.cn.
            let same =
                shown == service || shown.strip_suffix("${AWS::URLSuffix}") == service.strip_suffix("amazonaws.com");
            if same { Some(true) } else { is_literal(&text).then_some(false) }
        });
        any(each.chain([if complete { Some(false) } else { None }]))
    }
}

/// Returns true if a text holds nothing but literals and pseudo parameters.
fn is_literal(text: &Text) -> bool {
    text.pieces().iter().all(|piece| match piece {
        Piece::Literal(_) => true,
        Piece::Ref(name) => name.starts_with("AWS::"),
        Piece::Attribute(..) | Piece::Unknown => false,
    })
}

/// Relation of an element of `Resource` to a resource of the template.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// It names another resource.
    Other,
    /// Only the deployment tells.
    Unknown,
    /// It names this resource, or covers it.
    It,
}

/// Compares an element of `Resource` with a resource of the template.
#[must_use]
pub fn is_about(facts: &TemplateView<'_>, resource: &Json, target: ResourceView<'_>) -> About {
    let text = Text::of(resource);
    if text.literal() == Some("*") {
        return About::It;
    }
    let refers = |piece: &Piece| matches!(piece, Piece::Ref(id) | Piece::Attribute(id, _) if id == target.id.as_str());
    if text.pieces().iter().any(refers) {
        return About::It;
    }
    if let Some(Piece::Ref(id) | Piece::Attribute(id, _)) = text.only() {
        return if facts.resource(id).is_some() { About::Other } else { About::Unknown };
    }
    // An ARN as text: the name tells, where both names are known and there is no pattern in it.
    match (text.arn(), target.name()) {
        (Some([_, _, _, _, _, rest]), Some(name)) => match rest.literal() {
            Some(rest) if rest.contains(['*', '?']) => {
                if covers(rest, name) {
                    About::It
                } else {
                    About::Other
                }
            }
            Some(rest) if rest == name => About::It,
            Some(_) => About::Other,
            None => About::Unknown,
        },
        _ => About::Unknown,
    }
}

/// Returns true if a pattern of actions, such as `sqs:Send*`, covers an action. The case of letters does not matter.
pub fn covers(pattern: &str, action: &str) -> bool {
    fits(pattern, action, |wanted, letter| wanted.eq_ignore_ascii_case(&letter))
}

/// Returns true if a pattern with `*` for anything and `?` for one character covers a text.
pub fn matches(pattern: &str, text: &str) -> bool {
    fits(pattern, text, |wanted, letter| wanted == letter)
}

fn fits(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What stands behind the last `*`, and the text behind that which it has been taken to cover.
    let mut star: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let (mut rest, mut behind) = (pattern.clone(), text.clone());
        let Some(letter) = behind.next() else { break };
        match (rest.next(), &mut star) {
            (Some('*'), _) => {
                star = Some((rest.clone(), text.clone()));
                pattern = rest;
            }
            (Some(wanted), _) if wanted == '?' || same(wanted, letter) => (pattern, text) = (rest, behind),
            (_, Some((its, reach))) => {
                reach.next();
                (pattern, text) = (its.clone(), reach.clone());
            }
            (_, None) => return false,
        }
    }
    pattern.all(|rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_reaches_as_far_as_it_must_and_never_takes_long() {
        for (pattern, text, fits) in [
            ("sqs:*", "sqs:SendMessage", true),
            ("sqs:Send*", "sqs:SendMessage", true),
            ("sqs:*Message", "sqs:SendMessage", true),
            ("sqs:?end*", "sqs:SendMessage", true),
            ("sqs:Send", "sqs:SendMessage", false),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcb", false),
            ("", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(50), &"a".repeat(40)));
    }
}
