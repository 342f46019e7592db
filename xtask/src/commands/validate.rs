//! `validate`: what is wrong with the templates of environments, or with any template.

mod json;
mod text;

use std::{
    fs,
    io::{ErrorKind, Write, stdout},
    path::Path,
};

use cfn::{check, read};

use crate::{
    cli::{ReportFormat, Validate},
    context::Context,
    report::Failure,
};

/// A template that was checked.
struct Checked {
    /// The environment's name, or the file's.
    name: String,
    report: check::Report,
    /// Where things stand in the file, when the template was one.
    positions: Option<read::Positions>,
}

impl Checked {
    /// The line and column of a place, counted from 1, where the template was a file.
    fn position(&self, path: &cfn::Path) -> Option<read::Position> {
        self.positions.as_ref().map(|positions| positions.find(path))
    }
}

pub(crate) fn run(context: &Context, options: &Validate) -> Result<(), Failure> {
    let checked = match (&options.template, &options.env) {
        (Some(file), _) => vec![file_checked(file)?],
        (None, Some(name)) => vec![environment_checked(context, name)?],
        (None, None) => {
            let names = context.environments();
            names.iter().map(|name| environment_checked(context, name)).collect::<Result<_, _>>()?
        }
    };
    let said = match options.format {
        ReportFormat::Text => text::render(&checked, context.quiet),
        ReportFormat::Json => json::render(&checked),
    };
    match stdout().write_all(said.as_bytes()) {
        // Whoever read has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        other => other.map_err(Failure::from("cannot print the findings"))?,
    }
    match checked.iter().map(|one| one.report.findings.len()).sum() {
        0 => Ok(()),
        count => Err(Failure::new(text::counted(count, "finding"))
            .help("mend them, or waive them beside the resource with a reason: cargo xtask validate --help")),
    }
}

fn environment_checked(context: &Context, name: &str) -> Result<Checked, Failure> {
    let environment = context.environment(name)?;
    let template = infra::service(&environment).map_err(Failure::new)?;
    Ok(Checked { name: name.to_owned(), report: check::template(&template), positions: None })
}

fn file_checked(file: &Path) -> Result<Checked, Failure> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(Failure::from(format!("cannot read {name}")))?;
    let template = read::template(&text).map_err(|error| {
        let place = match &error {
            read::ReadError::Syntax { line, column, reason } => format!("{name}:{line}:{column}: {reason}"),
            read::ReadError::Shape(_) => format!("{name}: {error}"),
        };
        Failure::new(place).help("a template is one JSON or YAML document with a section Resources")
    })?;
    let report = check::template(&template);
    let found = !(report.findings.is_empty() && report.waived.is_empty());
    let positions = found.then(|| read::Positions::of(&text));
    Ok(Checked { name, report, positions })
}
