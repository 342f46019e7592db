//! `--template`: a template that is not this project's, and where in its file a mistake is.

use std::path::Path;

use cfn::{Template, read::Positions};
use local_cloud::{StartError, provision};

use crate::{report::Failure, templates};

/// Reads a template that can be run here.
pub(super) fn read(file: &Path, skip_unsupported: bool) -> Result<Template, Failure> {
    let (text, template) = templates::of_file(file)?;
    let unsupported = provision::unsupported(&template);
    if skip_unsupported || unsupported.is_empty() {
        return Ok(template);
    }
    let positions = Positions::of(&text);
    let places = unsupported.iter().map(|(id, kind)| {
        let place = positions.find(&cfn::Path::resource(id.as_str()));
        format!("\n  {}:{}:{}: {id} is of the type {kind}", file.display(), place.line, place.column)
    });
    let places: String = places.collect();
    Err(Failure::new(format!("the template has resources that are not played here:{places}"))
        .help("take them out, or run without them: --skip-unsupported"))
}

/// Why a template does not run, with the place in its file.
pub(super) fn placed(file: Option<&Path>, error: &StartError) -> Failure {
    let place = match error {
        StartError::Provision(error) => error.place(),
        _ => None,
    };
    let found = file.zip(place).and_then(|(file, place)| {
        let text = std::fs::read_to_string(file).ok()?;
        let position = Positions::of(&text).find(&place);
        Some(format!("{}:{}:{}: ", file.display(), position.line, position.column))
    });
    Failure::new(format!("{}{error}", found.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_played_is_named_with_its_line_and_may_be_left_out() {
        let file = std::env::temp_dir().join(format!("xtask-foreign-{}.yaml", std::process::id()));
        let text = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n  D:\n    Type: AWS::DynamoDB::Table\n";
        std::fs::write(&file, text).unwrap();
        let refused = read(&file, false).unwrap_err();
        let wanted = format!(
            "the template has resources that are not played here:\n  {}:4:3: D is of the type AWS::DynamoDB::Table",
            file.display()
        );
        assert_eq!(refused.message(), wanted);
        assert_eq!(read(&file, true).unwrap().resources.len(), 2);
        std::fs::remove_file(file).unwrap();
    }
}
