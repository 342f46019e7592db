//! Each alarm leads whoever it wakes to a runbook, and each runbook has an alarm.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{ENVIRONMENTS, template};

/// What each runbook says, in this order.
const PARTS: [&str; 5] = ["**What rang.**", "**For customers.**", "**First look.**", "**Mend.**", "**Over when**"];

/// What CloudWatch keeps of a description.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
const DESCRIPTION_CHARACTERS: usize = 1024;

/// The runbooks, by their headings as links have them: small letters, digits and hyphens.
fn runbooks() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("RUNBOOKS.md");
    let text = fs::read_to_string(file).unwrap();
    let sections = text.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap());
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase();
        let kept = kept.chars().filter(|letter| letter.is_ascii_alphanumeric() || " -".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    sections.map(|(heading, section)| (anchor(heading), section.to_owned())).collect()
}

#[test]
fn every_alarm_has_a_runbook_and_every_runbook_an_alarm() {
    let known: BTreeSet<_> = runbooks().into_iter().map(|(heading, _)| heading).collect();
    for environment in ENVIRONMENTS {
        let base = match environment {
            "prod" => "https://github.com/example/paypal-subscriptions/blob/main/infra/RUNBOOKS.md#",
            _ => "infra/RUNBOOKS.md#",
        };
        let template = template(environment);
        let alarms = template.resources.iter().filter(|(_, resource)| resource.kind == "AWS::CloudWatch::Alarm");
        let mut linked = BTreeSet::new();
        for (id, alarm) in alarms {
            let description = alarm.properties["AlarmDescription"].as_str().unwrap();
            assert!(description.chars().count() <= DESCRIPTION_CHARACTERS, "{id}: {description}");
            let (_, runbook) = description.split_once(&format!(" Runbook: {base}")).unwrap_or_else(|| {
                panic!("{environment}, {id} ends with no runbook: {description}");
            });
            linked.insert(runbook.to_owned());
        }
        assert_eq!(linked, known, "{environment}: on the left what alarms link to, on the right the runbooks");
    }
}

#[test]
fn every_runbook_says_what_rang_what_it_means_and_what_to_do() {
    for (heading, text) in runbooks() {
        let places: Vec<_> =
            PARTS.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{heading} lacks {part}"))).collect();
        assert!(places.is_sorted(), "{heading} says it in another order");
        assert!(text.contains("```sh\ncargo xtask ") || text.contains("```sh\ncurl "), "{heading} has no command");
    }
}

#[test]
fn links_between_runbooks_lead_somewhere() {
    let runbooks = runbooks();
    for (heading, text) in &runbooks {
        for link in text.split("](#").skip(1).map(|link| link.split(')').next().unwrap()) {
            assert!(runbooks.iter().any(|(known, _)| known == link), "{heading} links to #{link}");
        }
    }
}
