//! `diagram`: the architecture's picture, and what a change does to it.

use review::diagram;

use crate::{
    cli::{Aws, Diagram, DiagramFormat},
    context::{Context, write_whole},
    report::{Failure, print},
    templates,
};

/// What is drawn when nobody says what.
const ENVIRONMENT: &str = "local";

pub(crate) fn run(context: &Context, options: &Diagram) -> Result<(), Failure> {
    let environment = options.env.as_deref().or(options.template.is_none().then_some(ENVIRONMENT));
    let template = match (&options.template, environment) {
        (Some(file), _) => templates::of_file(file)?.1,
        (None, name) => templates::of_environment(context, name.unwrap_or(ENVIRONMENT))?,
    };
    let picture = match &options.against {
        Some(against) => {
            let aws = environment.map(Aws::of);
            diagram::compared(&templates::against(context, against, aws.as_ref())?.template, &template)
        }
        None => diagram::picture(&template),
    };
    let text = match options.format {
        DiagramFormat::Svg => diagram::svg(&picture),
        DiagramFormat::Mermaid => diagram::mermaid(&picture),
    };
    match &options.out {
        Some(file) => write_whole(file, text),
        None => print(text),
    }
}
