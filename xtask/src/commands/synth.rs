//! `synth`: prints an environment's template.

use std::io::{ErrorKind, Write, stdout};

use crate::{
    cli::{Synth, TemplateFormat},
    context::{Context, write_whole},
    report::Failure,
};

pub(crate) fn run(context: &Context, options: &Synth) -> Result<(), Failure> {
    let environment = context.environment(&options.env)?;
    let template = infra::service(&environment).map_err(Failure::new)?;
    let text = match options.format {
        TemplateFormat::Yaml => cfn::write::yaml(&template),
        TemplateFormat::Json => cfn::write::json(&template),
    };
    match &options.out {
        Some(file) => write_whole(file, &text),
        None => match stdout().write_all(text.as_bytes()) {
            // Whoever read has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(Failure::from("cannot print the template")),
        },
    }
}
