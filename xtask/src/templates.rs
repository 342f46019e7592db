//! Where templates come from: environments, files, revisions of this repository, what is deployed.

mod deployed;
mod revision;

use std::{fs, path::Path};

use cfn::{Template, read};
use review::diff::Known;

pub(crate) use deployed::{Foreseen, foreseen};
pub(crate) use revision::changed_files;

use crate::{
    cli::{Against, Aws},
    context::Context,
    report::Failure,
};

/// The template of an environment, as this program makes it.
pub(crate) fn of_environment(context: &Context, name: &str) -> Result<Template, Failure> {
    infra::service(&context.environment(name)?).map_err(Failure::new)
}

/// The text of a file, and the template that it is.
pub(crate) fn of_file(file: &Path) -> Result<(String, Template), Failure> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(Failure::from(format!("cannot read {name}")))?;
    let template = read::template(&text).map_err(|error| {
        let place = match &error {
            read::ReadError::Syntax { line, column, reason } => format!("{name}:{line}:{column}: {reason}"),
            read::ReadError::Shape(_) => format!("{name}: {error}"),
        };
        Failure::new(place).help("a template is one JSON or YAML document with a section Resources")
    })?;
    Ok((text, template))
}

/// What a template is compared with, and what is known beside it.
#[derive(Default)]
pub(crate) struct Before {
    pub(crate) template: Template,
    pub(crate) known: Known,
}

/// What a template of this environment is compared with.
pub(crate) fn against(context: &Context, against: &Against, aws: Option<&Aws>) -> Result<Before, Failure> {
    let template = match (against, aws) {
        (Against::File(file), _) => of_file(file)?.1,
        (Against::Revision(revision), Some(aws)) => revision::template(context, revision, &aws.env)?,
        (Against::Deployed, Some(aws)) => return deployed::before(context, aws),
        (Against::Revision(_) | Against::Deployed, None) => {
            return Err(Failure::new("a template's file has no revisions and is not deployed")
                .help("name an environment: --env NAME"));
        }
    };
    Ok(Before { template, known: Known::default() })
}

/// What is known beside the template that would take the place of what is deployed.
pub(crate) fn in_place_of(context: &Context, before: &Before, new: &Template) -> Known {
    deployed::after(context, &before.known, new)
}
