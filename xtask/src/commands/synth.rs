//! `synth`: prints an environment's template.

use crate::{
    cli::{Synth, TemplateFormat},
    context::Context,
    report::{self, Failure},
    templates,
};

pub(crate) fn run(context: &Context, options: &Synth) -> Result<(), Failure> {
    let template = templates::of_environment(context, &options.env)?;
    let text = match options.format {
        TemplateFormat::Yaml => cfn::write::yaml(&template),
        TemplateFormat::Json => cfn::write::json(&template),
    };
    report::result(&text, options.out.as_deref())
}
