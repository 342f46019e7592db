//! `validate`: what is wrong with the templates of environments, or with any template.

mod json;
mod text;

use std::path::Path;

use cfn::read;
use review::check;

use crate::{
    cli::{ReportFormat, Validate},
    context::Context,
    report::{Failure, print, print_text},
    templates,
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
    match options.format {
        ReportFormat::Text => print_text(&text::render(&checked, context.quiet))?,
        ReportFormat::Json => print(json::render(&checked)?)?,
    }
    match checked.iter().map(|one| one.report.findings.len()).sum() {
        0 => Ok(()),
        count => Err(Failure::new(text::counted(count, "finding"))
            .help("mend them, or waive them beside the resource with a reason: cargo xtask validate --help")),
    }
}

fn environment_checked(context: &Context, name: &str) -> Result<Checked, Failure> {
    let template = templates::of_environment(context, name)?;
    Ok(Checked { name: name.to_owned(), report: check::template(&template), positions: None })
}

fn file_checked(file: &Path) -> Result<Checked, Failure> {
    let (text, template) = templates::of_file(file)?;
    let report = check::template(&template);
    let found = !(report.findings.is_empty() && report.waived.is_empty());
    let positions = found.then(|| read::Positions::of(&text));
    Ok(Checked { name: file.display().to_string(), report, positions })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails panics")]

    use super::*;

    const TEMPLATE: &str = "\
Resources:
  Topic:
    Type: AWS::SNS::Topic
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Metadata: {Waivers: {SNS-9: nothing secret, SNS-11: read by everyone}}
    Properties:
      TopicName: orders
      FifoTopic: true
      DisplayName: [orders]
";

    fn checked(text: &str) -> Checked {
        let report = check::template(&read::template(text).unwrap());
        Checked { name: "orders.yaml".to_owned(), report, positions: Some(read::Positions::of(text)) }
    }

    #[test]
    fn people_see_the_place_the_mend_and_what_was_waived() {
        let said = text::render(&[checked(TEMPLATE)], false);
        let expected = "\
error SCHEMA-3 orders.yaml:10:7 Resources.Topic.Properties.DisplayName: a list where a text belongs
  mend: write a value of the type that is named
error SNS-7 orders.yaml:8:7 Resources.Topic.Properties.TopicName: orders does not end in .fifo
  mend: change the name, or FifoTopic
waived SNS-9 orders.yaml:2:3 Resources.Topic: messages are kept in clear
  reason: nothing secret
waived SNS-11 orders.yaml:2:3 Resources.Topic: plain HTTP is taken
  reason: read by everyone
orders.yaml: 2 findings, 2 waived
";
        assert_eq!(said, expected);
        let quiet = text::render(&[checked(TEMPLATE)], true);
        assert_eq!(quiet.lines().count(), 4, "{quiet}");
    }

    #[test]
    fn programs_see_the_same_by_names_that_do_not_change() {
        let said: serde_json::Value = serde_json::from_str(&json::render(&[checked(TEMPLATE)]).unwrap()).unwrap();
        let keys = |pointer: &str| -> Vec<String> {
            let mut keys: Vec<_> = said.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let finding = ["column", "line", "mend", "message", "path", "rule", "severity", "title", "why"];
        assert_eq!(keys(""), ["templates"]);
        assert_eq!(keys("/templates/0"), ["findings", "template", "unknown_macro", "waived"]);
        assert_eq!(keys("/templates/0/findings/0"), finding);
        let mut waived = [&finding[..], &["reason"]].concat();
        waived.sort_unstable();
        assert_eq!(keys("/templates/0/waived/0"), waived);
        assert_eq!(said["templates"][0]["findings"][1]["rule"], "SNS-7");
        assert_eq!(said["templates"][0]["findings"][1]["severity"], "error");
        assert_eq!(said["templates"][0]["findings"][1]["line"], 8);
    }

    #[test]
    fn a_macro_that_nobody_knows_is_named() {
        let said = text::render(&[checked("Transform: Company::Macro\nResources: {A: {Type: X}}\n")], false);
        assert_eq!(said, "orders.yaml: not checked: the macro Company::Macro may make anything of it\n");
    }
}
