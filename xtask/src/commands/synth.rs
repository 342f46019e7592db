//! `synth`: prints an environment's template.

use infra::Environment;

use crate::{
    cli::{Synth, TemplateFormat},
    context::{Context, write_whole},
    report::{Failure, print},
};

pub(crate) fn run(context: &Context, options: &Synth) -> Result<(), Failure> {
    let environment = context.environment(&options.env)?;
    let moved = |environment: Environment, (old, new): &(String, String)| environment.moved(old, new);
    let environment = options.moved.iter().fold(environment, moved);
    let template = infra::service(&environment).map_err(Failure::new)?;
    let text = match options.format {
        TemplateFormat::Yaml => cfn::write::yaml(&template),
        TemplateFormat::Json => cfn::write::json(&template),
    };
    match &options.out {
        Some(file) => write_whole(file, &text),
        None => print(text),
    }
}
