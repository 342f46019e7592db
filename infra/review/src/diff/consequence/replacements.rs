//! Properties of which AWS says that a change replaces the resource, and that its schemas do not list as create-only.
//!
//! Source: the page of each type below <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>, and AWS's older
//! resource specification, which calls them Immutable.

/// Type and property.
const REPLACEMENTS: &[(&str, &str)] =
    &[("AWS::CertificateManager::Certificate", "ValidationMethod"), ("AWS::Route53::RecordSet", "Name")];

/// Whether a change at this place replaces.
pub(super) fn replaces(kind: &str, place: &[&str]) -> bool {
    matches!(place, [property] if REPLACEMENTS.contains(&(kind, property)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::schema;

    #[test]
    fn what_is_listed_here_is_not_in_the_schemas() {
        for (kind, property) in REPLACEMENTS {
            let lifecycle = schema::lifecycle(kind).unwrap_or_else(|| panic!("{kind} is no type"));
            assert!(!lifecycle.create_only.contains(property), "{kind} {property} is create-only by the schema too");
        }
    }
}
