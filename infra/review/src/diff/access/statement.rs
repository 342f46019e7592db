//! Statements of policies in normal form, from whatever way they are written in.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};

use super::{
    area::{Area, Comparison, Look, Test, Values, Variable},
    names::{Names, Wild, several},
    pattern::{Pattern, Sign, Texts},
};
use crate::diff::compared::Compared;
use cfn::{Path, view::text::function_name};

/// A statement in normal form.
#[derive(Clone)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) who: Part,
    pub(super) actions: Part,
    pub(super) resources: Part,
    pub(super) when: BTreeMap<Variable, Vec<Test>>,
    /// The conditions for people, in alphabetical order.
    pub(super) conditions: Vec<String>,
}

/// One side of a statement: these, or everything but these.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) not: bool,
    pub(super) each: Vec<Named>,
}

/// A pattern with its name for people.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) pattern: Pattern,
    pub(super) shown: String,
    /// The resource of the template that it is about, by its new id.
    pub(super) resource: Option<String>,
}

/// What a policy belongs to: where a statement says nothing, this is meant.
pub(super) struct Owner {
    /// Whose policy it is, where statements name no principal: a role.
    pub(super) who: Vec<Named>,
    /// What it is a policy of, where statements say `*`: a queue, a key.
    pub(super) resource: Option<Named>,
}

/// Reads statements of one template.
pub(super) struct Reader<'a, 'n> {
    pub(super) names: &'n Names<'a>,
    pub(super) compared: &'a Compared<'a>,
}

impl Part {
    pub(super) fn of(each: Vec<Named>) -> Self {
        Self { not: false, each }
    }

    pub(super) fn texts(&self) -> Texts {
        Texts { any_of: self.each.iter().map(|one| one.pattern.clone()).collect(), not: self.not }
    }

    /// Every single one; what is turned round stays together.
    pub(super) fn split(&self) -> Vec<Self> {
        if self.not {
            return vec![self.clone()];
        }
        self.each.iter().map(|one| Self { not: false, each: vec![one.clone()] }).collect()
    }

    pub(super) fn is_everything(&self) -> bool {
        if self.not { self.each.is_empty() } else { self.each.iter().any(|one| one.pattern.is_anything()) }
    }
}

impl Statement {
    pub(super) fn area(&self) -> Area {
        Area {
            who: vec![self.who.texts()],
            actions: vec![self.actions.texts()],
            resources: vec![self.resources.texts()],
            when: self.when.clone(),
        }
    }
}

impl Reader<'_, '_> {
    /// The statements of a policy document.
    pub(super) fn document(&self, document: &Json, path: &Path, owner: &Owner) -> Vec<Statement> {
        let statements = document.get("Statement").map(several).unwrap_or_default();
        let each = statements.into_iter().filter_map(|json| json.as_object());
        each.map(|statement| self.statement(statement, &path.key("Statement"), owner)).collect()
    }

    fn statement(&self, json: &Map<String, Json>, path: &Path, owner: &Owner) -> Statement {
        let who = self.part(json, "Principal", |value| self.principals(value, path));
        let resources = self.part(json, "Resource", |value| self.resources(value, path));
        let (when, conditions) = self.conditions(json.get("Condition"), path);
        let mut resources = resources.unwrap_or_else(|| Part::of(vec![Named::everything()]));
        // In the policy of a thing, `*` is the thing.
        if let (Some(thing), false) = (&owner.resource, resources.not) {
            resources.each.iter_mut().filter(|one| one.pattern.is_anything()).for_each(|one| *one = thing.clone());
        }
        Statement {
            // What is neither is refused by IAM.
            allows: json.get("Effect").and_then(Json::as_str) != Some("Deny"),
            who: who.unwrap_or_else(|| Part::of(owner.who.clone())),
            actions: self
                .part(json, "Action", |value| self.actions(value, path))
                .unwrap_or_else(|| Part::of(Vec::new())),
            resources,
            when,
            conditions,
        }
    }

    fn part(&self, json: &Map<String, Json>, name: &str, read: impl Fn(&Json) -> Vec<Named>) -> Option<Part> {
        if let Some(value) = json.get(name) {
            return Some(Part { not: false, each: read(value) });
        }
        json.get(&format!("Not{name}")).map(|value| Part { not: true, each: read(value) })
    }

    pub(super) fn actions(&self, value: &Json, path: &Path) -> Vec<Named> {
        let read = |one: &Json| match one.as_str() {
            // Actions do not tell capitals from small letters.
            Some(text) => Named {
                pattern: Pattern::glob(&text.to_ascii_lowercase()),
                shown: self.names.action(text),
                resource: None,
            },
            None => Named {
                pattern: self.names.pattern(one, Wild::Yes),
                shown: self.names.shown(self.compared, path, one),
                resource: None,
            },
        };
        several(value).into_iter().map(read).collect()
    }

    pub(super) fn resources(&self, value: &Json, path: &Path) -> Vec<Named> {
        let read = |one: &Json| Named {
            pattern: self.names.pattern(one, Wild::Yes),
            shown: self.names.shown(self.compared, path, one),
            resource: self.names.resource_in(one).map(str::to_owned),
        };
        several(value).into_iter().map(read).collect()
    }

    /// Principals: everyone, accounts, roles, services, whoever is federated.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    pub(super) fn principals(&self, value: &Json, path: &Path) -> Vec<Named> {
        let Some(kinds) = value.as_object().filter(|_| function_name(value).is_none()) else {
            return several(value).into_iter().map(|one| self.principal("AWS", one, path)).collect();
        };
        let each = kinds.iter().flat_map(|(kind, named)| several(named).into_iter().map(move |one| (kind, one)));
        each.map(|(kind, one)| self.principal(kind, one, path)).collect()
    }

    pub(super) fn principal(&self, kind: &str, value: &Json, path: &Path) -> Named {
        let (shown, resource) = (self.names.shown(self.compared, path, value), self.names.resource_in(value));
        let mut pattern = self.names.pattern(value, Wild::No);
        if pattern == Pattern::text("*") {
            return Named { pattern: Pattern::anything(), shown: "everyone".to_owned(), resource: None };
        }
        let mut signs = Pattern::text(&format!("{kind}:")).0;
        if kind != "AWS" {
            let suffix = [Sign::Symbol("AWS::URLSuffix".into())];
            if let Some(before) = pattern.0.strip_suffix(&suffix) {
                pattern.0 = before.iter().cloned().chain(Pattern::text("amazonaws.com").0).collect();
            }
            let shown = shown.replace("${AWS::URLSuffix}", "amazonaws.com");
            signs.extend(pattern.0);
            return Named { pattern: Pattern(signs), shown, resource: None };
        }
        let account = account_of(&pattern);
        signs.extend(account.clone().unwrap_or_else(|| pattern.0.clone()));
        let shown = match account {
            Some(account) if account.last() == Some(&Sign::Many) => self.account_shown(&account),
            _ => shown,
        };
        Named { pattern: Pattern(signs), shown, resource: resource.map(str::to_owned) }
    }

    fn account_shown(&self, account: &[Sign]) -> String {
        let number: Vec<Sign> = account.iter().take_while(|sign| **sign != Sign::Char(':')).cloned().collect();
        if number == self.names.account() {
            return "this account".to_owned();
        }
        let shown = number.iter().map(|sign| match sign {
            Sign::Char(letter) => letter.to_string(),
            Sign::Symbol(name) => format!("${{{name}}}"),
            Sign::One | Sign::Many | Sign::ManyInPart => "*".to_owned(),
        });
        format!("account {}", shown.collect::<String>())
    }

    /// Conditions as tests, and for people.
    pub(super) fn conditions(&self, value: Option<&Json>, path: &Path) -> (BTreeMap<Variable, Vec<Test>>, Vec<String>) {
        let (mut when, mut shown) = (BTreeMap::<Variable, Vec<Test>>::new(), Vec::new());
        let Some(value) = value else { return (when, shown) };
        let Some(operators) = value.as_object().filter(|_| function_name(value).is_none()) else {
            let look = Look::Operator("Condition".into());
            let values = Values::Opaque { any_of: vec![value.to_string()], more_is_more: true, not: false };
            when.insert(Variable { key: "?".into(), look }, vec![Test { values, absent: false }]);
            return (when, vec!["a condition that only a deployment knows".to_owned()]);
        };
        for (operator, keys) in operators {
            for (key, values) in keys.as_object().into_iter().flatten() {
                let (variable, test) = self.test(operator, key, &several(values));
                when.entry(variable).or_default().push(test);
                let path = path.key("Condition").key(operator).key(key);
                let values: Vec<String> =
                    several(values).iter().map(|value| self.names.shown(self.compared, &path, value)).collect();
                shown.push(format!("{key} {} {}", in_words(operator), values.join(" or ")));
            }
        }
        when.values_mut().for_each(|tests| tests.sort());
        shown.sort();
        (when, shown)
    }

    /// One operator on one key.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    fn test(&self, operator: &str, key: &str, values: &[&Json]) -> (Variable, Test) {
        let key: Arc<str> = key.to_ascii_lowercase().into();
        let (base, if_exists) = match operator.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (operator, false),
        };
        let negative = base.contains("Not");
        let absent = if_exists || negative;
        let texts = |look: Look, wild: Wild| {
            let each = values.iter().map(|value| {
                let pattern = self.names.pattern(value, wild);
                if look == Look::SmallLetters { small(pattern) } else { pattern }
            });
            let mut any_of: Vec<Pattern> = each.collect();
            any_of.sort();
            any_of.dedup();
            let values = Values::Texts(Texts { any_of, not: negative });
            (Variable { key: key.clone(), look }, Test { values, absent })
        };
        match base {
            "StringEquals" | "StringNotEquals" => texts(Look::Text, Wild::No),
            "StringLike" | "StringNotLike" => texts(Look::Text, Wild::Yes),
            "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => texts(Look::Text, Wild::InParts),
            "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => texts(Look::SmallLetters, Wild::No),
            "Null" => {
                let wants = |wanted: &str| values.iter().any(|value| text_of(value) == wanted);
                let any_of = if wants("false") { vec![Pattern::anything()] } else { Vec::new() };
                let values = Values::Texts(Texts { any_of, not: false });
                (Variable { key, look: Look::Text }, Test { values, absent: wants("true") })
            }
            _ => numbers(base, &key, values, absent).or_else(|| addresses(base, &key, values, absent)).unwrap_or_else(
                || {
                    let any_of: Vec<String> = values.iter().map(|value| value.to_string()).collect();
                    let absent = if_exists || base.starts_with("ForAllValues:");
                    let values = Values::Opaque { any_of, more_is_more: !negative, not: false };
                    (Variable { key, look: Look::Operator(base.into()) }, Test { values, absent })
                },
            ),
        }
    }
}

impl Named {
    pub(super) fn everything() -> Self {
        Self { pattern: Pattern::anything(), shown: "*".to_owned(), resource: None }
    }
}

/// `account:rest` of a principal that is an account or an ARN; everybody in it where the account itself is meant.
fn account_of(pattern: &Pattern) -> Option<Vec<Sign>> {
    let is_number = pattern.0.len() == 12 && pattern.0.iter().all(|sign| matches!(sign, Sign::Char('0'..='9')));
    let everybody = |account: &[Sign]| account.iter().cloned().chain([Sign::Char(':'), Sign::Many]).collect();
    if is_number || matches!(pattern.0.as_slice(), [Sign::Symbol(name)] if &**name == "AWS::AccountId") {
        return Some(everybody(&pattern.0));
    }
    let parts: Vec<&[Sign]> = pattern.0.splitn(6, |sign| *sign == Sign::Char(':')).collect();
    match parts.as_slice() {
        [arn, _, _, _, account, rest] if **arn == Pattern::text("arn").0 => {
            if **rest == Pattern::text("root").0 {
                return Some(everybody(account));
            }
            Some(account.iter().chain([&Sign::Char(':')]).chain(rest.iter()).cloned().collect())
        }
        _ => None,
    }
}

fn small(pattern: Pattern) -> Pattern {
    let signs = pattern.0.into_iter().map(|sign| match sign {
        Sign::Char(letter) => Sign::Char(letter.to_ascii_lowercase()),
        other => other,
    });
    Pattern(signs.collect())
}

fn text_of(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_ascii_lowercase()
}

fn numbers(base: &str, key: &Arc<str>, values: &[&Json], absent: bool) -> Option<(Variable, Test)> {
    let thousandths = |value: &&Json| {
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
        // Beyond that, neighbours would become the same.
        (number.abs() < 9e12).then_some((number * 1000.0).round() as i64)
    };
    let mut any_of: Vec<i64> = values.iter().map(thousandths).collect::<Option<_>>()?;
    any_of.sort_unstable();
    // Greater than one of several is greater than the least of them.
    let least: Vec<i64> = any_of.iter().take(1).copied().collect();
    let (comparison, any_of, not) = match base {
        "NumericEquals" => (Comparison::Equal, any_of, false),
        "NumericNotEquals" => (Comparison::Equal, any_of, true),
        "NumericLessThan" => (Comparison::Less, any_of, false),
        "NumericLessThanEquals" => (Comparison::LessOrEqual, any_of, false),
        "NumericGreaterThan" => (Comparison::LessOrEqual, least, true),
        "NumericGreaterThanEquals" => (Comparison::Less, least, true),
        _ => return None,
    };
    let values = Values::Numbers { comparison, any_of, not };
    Some((Variable { key: key.clone(), look: Look::Number }, Test { values, absent }))
}

fn addresses(base: &str, key: &Arc<str>, values: &[&Json], absent: bool) -> Option<(Variable, Test)> {
    let not = match base {
        "IpAddress" => false,
        "NotIpAddress" => true,
        _ => return None,
    };
    let any_of = values.iter().map(|value| block(value.as_str()?)).collect::<Option<_>>()?;
    let values = Values::Blocks { any_of, not };
    Some((Variable { key: key.clone(), look: Look::Address }, Test { values, absent }))
}

/// The first and the last address of a block, in IPv6, of which IPv4 is a part.
fn block(text: &str) -> Option<(u128, u128)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (address, bits) = match address.trim().parse().ok()? {
        std::net::IpAddr::V4(address) => (address.to_ipv6_mapped(), 32),
        std::net::IpAddr::V6(address) => (address, 128),
    };
    let free = bits - length.unwrap_or(bits).min(bits);
    let rest = if free == 128 { u128::MAX } else { (1 << free) - 1 };
    let address = u128::from(address);
    Some((address & !rest, address | rest))
}

fn in_words(operator: &str) -> &str {
    match operator {
        "StringEquals" | "ArnEquals" | "ArnLike" | "Bool" | "NumericEquals" | "StringEqualsIgnoreCase" => "is",
        "StringNotEquals" | "ArnNotEquals" | "ArnNotLike" => "is not",
        "StringLike" => "is like",
        "StringNotLike" => "is not like",
        "IpAddress" => "is in",
        "NotIpAddress" => "is not in",
        other => other,
    }
}
