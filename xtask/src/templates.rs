//! Where templates come from: environments, files, revisions of this repository, what is deployed.

mod revision;

use std::{fs, path::Path};

use cfn::{Template, read};

pub(crate) use revision::changed_files;

use crate::{cli::Against, context::Context, report::Failure};

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

/// What a template of this environment is compared with.
pub(crate) fn against(context: &Context, against: &Against, environment: Option<&str>) -> Result<Template, Failure> {
    match (against, environment) {
        (Against::File(file), _) => of_file(file).map(|(_, template)| template),
        (Against::Revision(revision), Some(environment)) => revision::template(context, revision, environment),
        (Against::Deployed, Some(_)) => Err(Failure::new("what is deployed cannot be asked for yet")),
        (Against::Revision(_) | Against::Deployed, None) => {
            Err(Failure::new("a template's file has no revisions and is not deployed")
                .help("name an environment: --env NAME"))
        }
    }
}
