//! What boxes are called.

use cfn::{LogicalId, Resource, Template, view::name_property};

/// The names of a template's resources, without what all of them begin with.
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn of(template: &Template, counts: impl Fn(&Resource) -> bool) -> Self {
        let named = template.resources.values().filter(|resource| counts(resource));
        let names: Vec<&str> = named.filter(|resource| !is_domain(resource)).filter_map(own).collect();
        let [first, rest @ ..] = names.as_slice() else { return Self { prefix: String::new() } };
        let common = rest.iter().fold(first.len(), |common, name| {
            let same = first.bytes().zip(name.bytes()).take(common).take_while(|(one, other)| one == other);
            same.count()
        });
        // Whole words only, and never a whole name.
        let hyphen = first.get(..common).and_then(|begin| begin.rfind('-')).filter(|_| !rest.is_empty());
        Self { prefix: hyphen.and_then(|hyphen| first.get(..=hyphen)).unwrap_or_default().to_owned() }
    }

    /// The name of its own that a resource has, as text.
    pub(super) fn short(&self, resource: &Resource) -> Option<String> {
        own(resource)
            .map(|name| name.strip_prefix(&self.prefix).filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned())
    }
}

fn own(resource: &Resource) -> Option<&str> {
    resource.properties.get(name_property(&resource.kind)?)?.as_str()
}

fn is_domain(resource: &Resource) -> bool {
    resource.kind.ends_with("::DomainName")
}

/// Everything that tells it from others.
pub(super) fn whole(id: &LogicalId, resource: &Resource) -> String {
    match own(resource) {
        Some(name) => format!("{id} ({}): {name}", resource.kind),
        None => format!("{id} ({})", resource.kind),
    }
}

/// `AWS::Logs::LogGroup` as `Logs LogGroup`.
pub(super) fn kind_in_words(kind: &str) -> String {
    kind.strip_prefix("AWS::").unwrap_or(kind).replace("::", " ")
}

/// What stands outside of the template. Of addresses only that they are there: they are people's, or hold keys.
pub(super) fn outside(name: &str) -> String {
    if !name.starts_with("arn:") {
        let scheme = name.split_once("://").map_or("an", |(scheme, _)| scheme);
        return format!("{scheme} address");
    }
    name.splitn(6, ':').last().unwrap_or(name).to_owned()
}
