//! The rules that follow from AWS's own description of its resource types.

use super::{Fault, Rule, Severity::Error, context::Facts, kinds, misfits::Asked};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SCHEMA-1",
        severity: Error,
        title: "a property is one that the type has",
        why: "CloudFormation refuses properties that it does not know, and those that can only be read",
        mend: "correct the name, or remove the property",
        find: |facts| faults(facts, Asked::Unknown),
    },
    Rule {
        id: "SCHEMA-2",
        severity: Error,
        title: "what must be there is there",
        why: "CloudFormation refuses a resource without it",
        mend: "add the property",
        find: |facts| faults(facts, Asked::Missing),
    },
    Rule {
        id: "SCHEMA-3",
        severity: Error,
        title: "a value is of its property's type",
        why: "CloudFormation refuses a text in the place of a list, and the like",
        mend: "write a value of the type that is named",
        find: |facts| faults(facts, Asked::Type),
    },
    Rule {
        id: "SCHEMA-4",
        severity: Error,
        title: "a value is one of those that are known",
        why: "AWS refuses every other",
        mend: "choose one of the values that are named",
        find: |facts| faults(facts, Asked::Choice),
    },
    Rule {
        id: "SCHEMA-5",
        severity: Error,
        title: "a text has the form and length that AWS wants",
        why: "AWS refuses every other",
        mend: "change the text so that it fits",
        find: |facts| faults(facts, Asked::Form),
    },
    Rule {
        id: "SCHEMA-6",
        severity: Error,
        title: "a number is within its range",
        why: "AWS refuses every other",
        mend: "choose a number within the range",
        find: |facts| faults(facts, Asked::Range),
    },
    Rule {
        id: "SCHEMA-7",
        severity: Error,
        title: "a list has as many items as AWS wants, each once where it must be",
        why: "AWS refuses every other",
        mend: "remove or add items",
        find: |facts| faults(facts, Asked::Count),
    },
    Rule {
        id: "SCHEMA-8",
        severity: Error,
        title: "properties that go together stand together, and others do not",
        why: "AWS refuses contradictions",
        mend: "keep the properties that are meant",
        find: |facts| faults(facts, Asked::Group),
    },
    Rule {
        id: "SCHEMA-9",
        severity: Error,
        title: "a reference gives what its property wants",
        why: "a URL or a name is not an ARN, and AWS refuses one for the other",
        mend: "use Ref, or Fn::GetAtt with the attribute that gives it",
        find: |facts| faults(facts, Asked::Kind),
    },
    Rule {
        id: "REF-8",
        severity: Error,
        title: "a resource has the attribute",
        why: "CloudFormation refuses Fn::GetAtt of an attribute that the type does not answer",
        mend: "use one of the attributes that are named",
        find: |facts| kinds::unknown_attribute(facts),
    },
];

fn faults(facts: &Facts<'_>, asked: Asked) -> Vec<Fault> {
    let those = facts.misfits().iter().filter(|(of, _)| *of == asked);
    those.map(|(_, fault)| fault.clone()).collect()
}
