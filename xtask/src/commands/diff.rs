//! `diff`: what a change does to the running system, for a reviewer.

mod compared;
mod handlers;

use std::io::{IsTerminal, stdout};

use review::{
    diff::diff,
    render::{self, Review, Style},
};

use crate::{
    cli::{Diff, DiffFormat},
    context::{Context, write_whole},
    report::{Failure, has_colour, print, print_text},
};

/// With `--exit-code`: something changes.
const CHANGES: i32 = 2;
/// With `--exit-code`: a guard blocks it.
const BLOCKED: i32 = 3;
/// How wide the text is where there is no terminal.
const WIDTH: usize = 100;

pub(crate) fn run(context: &Context, options: &Diff) -> Result<(), Failure> {
    let mut compared = compared::all(context, options)?;
    let mut diffs = Vec::new();
    for one in &mut compared {
        let mut found = diff(&one.old, &one.new, &one.context);
        found.facts.append(&mut one.sources);
        found.facts.sort_by_key(|fact| fact.risk);
        diffs.push(found);
    }
    let reviews: Vec<Review<'_>> = compared.iter().zip(&diffs).map(|(one, diff)| one.review(diff)).collect();
    let text = match options.format {
        DiffFormat::Text => render::terminal(&reviews, style(options.out.is_none(), options.details)),
        DiffFormat::Markdown => render::markdown(&reviews),
        DiffFormat::Json => render::json(&reviews).map_err(Failure::from("cannot write the review as JSON"))?,
        DiffFormat::Sarif => render::sarif(&reviews),
    };
    match &options.out {
        Some(file) => write_whole(file, text)?,
        None if options.format == DiffFormat::Text => print_text(&text)?,
        None => print(text)?,
    }
    let is_blocked = diffs.iter().any(|diff| !diff.verdict.blocked.is_empty());
    match (options.exit_code, is_blocked) {
        (true, true) => std::process::exit(BLOCKED),
        (true, false) if diffs.iter().any(|diff| !diff.is_empty()) => std::process::exit(CHANGES),
        _ => Ok(()),
    }
}

/// How a review looks on standard output, or in a file.
pub(crate) fn style(is_printed: bool, unfolded: bool) -> Style {
    let colour = is_printed && has_colour(&stdout());
    let is_terminal = is_printed && stdout().is_terminal();
    let width = if is_terminal { terminal_size::terminal_size().map(|(width, _)| width.0.into()) } else { None };
    Style { width: width.unwrap_or(WIDTH), colour, unfolded }
}
