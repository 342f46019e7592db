//! What CloudFormation's change set says, beside what the templates say.

use std::collections::HashMap;

use super::{
    Action, Change, Consequence, Context, Detail, Fact, Predicted, Replacement, Risk, compared::Compared,
    consequence::Nature,
};
use cfn::LogicalId;

/// Adds to each change what CloudFormation says about it.
pub(super) fn join(changes: &mut [Change], context: &Context) {
    let predicted = context.change_set.iter().flatten().map(|predicted| (&predicted.id, predicted));
    let predicted: HashMap<&LogicalId, &Predicted> = predicted.collect();
    for change in changes {
        change.predicted = predicted.get(&change.id).map(|predicted| (*predicted).clone());
    }
}

/// Where CloudFormation and the templates do not say the same.
pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let refusal = compared.context.refusal.as_ref();
    let refusal = refusal.map(|said| Fact::new("change-set-refused", Risk::Failure, &[], said.trim_end_matches('.')));
    let mut facts: Vec<Fact> = refusal.into_iter().collect();
    let Some(change_set) = &compared.context.change_set else { return facts };
    for change in &compared.changes {
        let ours = in_words(change.consequence);
        let Some(predicted) = &change.predicted else {
            if change.consequence != Consequence::None {
                let sentence =
                    format!("{} {ours} by the templates; CloudFormation's change set does not name it", change.id);
                facts.push(Fact::new("change-set-without", Risk::Note, &[&change.id], sentence));
            }
            continue;
        };
        if agree(change, predicted) {
            continue;
        }
        let theirs = theirs(predicted);
        let sentence =
            format!("{} {ours} by the templates; CloudFormation's change set says that it {theirs}", change.id);
        let stateful = Nature::of(&change.kind).is_stateful();
        let worse = matches!(predicted.replacement, Some(Replacement::True)) || predicted.action == "Remove";
        let risk = match (worse, stateful) {
            (true, true) => Risk::Destructive,
            (true, false) => Risk::Interruption,
            (false, _) => Risk::Note,
        };
        let mut fact = Fact::new("change-set-differs", risk, &[&change.id], sentence);
        fact.details = predicted.properties.iter().map(Detail::text).collect();
        facts.push(fact);
    }
    for predicted in change_set.iter().filter(|predicted| compared.change(predicted.id.as_str()).is_none()) {
        let sentence = format!(
            "CloudFormation's change set says that {} {}; by the templates nothing happens to it",
            predicted.id,
            theirs(predicted)
        );
        let risk = if predicted.replacement == Some(Replacement::True) { Risk::Interruption } else { Risk::Note };
        facts.push(Fact::new("change-set-only", risk, &[&predicted.id], sentence));
    }
    facts
}

fn agree(change: &Change, predicted: &Predicted) -> bool {
    use Consequence::{
        Creation, Deletion, InPlace, Interruption, None, Replacement as Replaced, ReplacementInSomeCases,
        ReplacementRetained, Retained, Unknown,
    };
    match (predicted.action.as_str(), predicted.replacement) {
        // CloudFormation knows nothing of renames: it adds the one and removes the other.
        ("Add" | "Import", _) => change.consequence == Creation || matches!(change.action, Action::Renamed { .. }),
        ("Remove", _) => matches!(change.consequence, Deletion | Retained),
        ("Modify", Some(Replacement::True)) => matches!(change.consequence, Replaced | ReplacementRetained),
        // What follows a replaced resource gets a value that CloudFormation knows only when it is at it.
        ("Modify", Some(Replacement::Conditional)) if !change.follows.is_empty() => {
            matches!(change.consequence, Replaced | ReplacementRetained | ReplacementInSomeCases | Unknown)
        }
        ("Modify", Some(Replacement::Conditional)) => matches!(change.consequence, ReplacementInSomeCases | Unknown),
        ("Modify", Some(Replacement::False) | Option::None) => {
            matches!(change.consequence, None | InPlace | Interruption | Unknown)
        }
        _ => change.consequence == Unknown,
    }
}

fn in_words(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::None => "is not touched",
        Consequence::Creation => "is made",
        Consequence::InPlace => "changes in place",
        Consequence::Interruption => "changes in place with an interruption",
        Consequence::Unknown => "changes in a way that is not known",
        Consequence::ReplacementInSomeCases => "may be replaced",
        Consequence::Replacement | Consequence::ReplacementRetained => "is replaced",
        Consequence::Retained => "leaves the stack and stays",
        Consequence::Deletion => "is deleted",
    }
}

fn theirs(predicted: &Predicted) -> &'static str {
    match (predicted.action.as_str(), predicted.replacement) {
        ("Add", _) => "is made",
        ("Import", _) => "is imported",
        ("Remove", _) => "is removed",
        ("Modify", Some(Replacement::True)) => "is replaced",
        ("Modify", Some(Replacement::Conditional)) => "may be replaced",
        ("Modify", _) => "changes in place",
        _ => "changes in a way that it does not know yet",
    }
}
