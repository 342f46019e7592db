//! From two templates to their changes: the first half of the pipeline. The second half, from changes to facts, is in
//! [`diff`](super::diff).

use std::thread;

use cfn::Template;

use super::{Context, compared::Compared, hidden::Hidden, predicted, propagate, resources, sections, side::Side};
use crate::check;

/// Compares two templates: normal forms, then changes with what follows from them.
pub(super) fn compare<'a>(old: &'a Template, new: &'a Template, context: &'a Context) -> Compared<'a> {
    // The rules take as long as everything else together.
    let (hidden, sides, found, checked) = thread::scope(|scope| {
        let checked = scope.spawn(|| check::template(new));
        let hidden = Hidden::of(old, new, context);
        let (old, new) = (Side::of(old, &context.old), Side::of(new, &context.new));
        let found = resources::compare(&old, &new, &hidden);
        (hidden, (old, new), found, checked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let ((old, new), (mut changes, pairs)) = (sides, found);
    propagate::follow(&mut changes, &pairs, &old.template, &new.template);
    predicted::join(&mut changes, context);
    for change in &mut changes {
        change.source = context.sources.get(&change.id).cloned();
        change.properties.iter_mut().for_each(|property| property.source.clone_from(&change.source));
    }
    let sections = sections::compare(&old, &new, &hidden);
    let by_id = changes.iter().enumerate().rev().map(|(at, change)| (change.id.clone(), at)).collect();
    Compared { old, new, changes, sections, checked, context, pairs, by_id, hidden }
}
