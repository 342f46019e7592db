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
    let sections = text.split("\n## ").skip(1).filter(|section| !section.starts_with("Faults\n"));
    let sections = sections.map(|section| section.split_once('\n').unwrap());
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

/// The table of faults is kept true: its alarms exist, and each alarm that it names leads to the runbook beside it. Each
/// alarm is in it, but those that are not about events.
#[test]
fn table_of_faults_names_alarms_that_exist_and_their_runbooks() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("RUNBOOKS.md");
    let text = fs::read_to_string(file).unwrap();
    let template = template("prod");
    let physical = "paypal-subscriptions-prod-";
    let alarms: BTreeSet<(String, String)> = template
        .resources
        .values()
        .filter(|resource| resource.kind == "AWS::CloudWatch::Alarm")
        .map(|alarm| {
            let name = alarm.properties["AlarmName"].as_str().unwrap().strip_prefix(physical).unwrap();
            let runbook = alarm.properties["AlarmDescription"].as_str().unwrap().rsplit('#').next().unwrap();
            (name.to_owned(), runbook.to_owned())
        })
        .collect();
    let table = text.split("| event or fault | outcome | alarm | runbook |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut named = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let [_, outcome, alarm, runbook] = cells[..] else { panic!("{row} has not four cells") };
        let links: BTreeSet<_> = runbook.split("](#").skip(1).map(|link| link.split(')').next().unwrap()).collect();
        let mut led = BTreeSet::new();
        for alarm in alarm.split('`').skip(1).step_by(2) {
            let (_, runbook) =
                alarms.iter().find(|(name, _)| name == alarm).unwrap_or_else(|| panic!("no alarm {alarm}"));
            led.insert(runbook.as_str());
            named.insert(runbook.clone());
        }
        assert_eq!(links, led, "{row}");
        assert!(!outcome.trim().is_empty() && !led.is_empty(), "{row}");
    }
    let all: BTreeSet<_> = alarms.iter().map(|(_, runbook)| runbook.clone()).collect();
    let missing: Vec<_> = all.difference(&named).collect();
    assert_eq!(missing, ["api-5xx", "finished-age"], "alarms that no row names");
}

/// Reasons that the runbook of the error queues explains are ones that events fail for.
#[test]
fn reasons_that_runbooks_explain_are_said_somewhere() {
    let runbooks = runbooks();
    let (_, queues) = runbooks.iter().find(|(heading, _)| heading == "queue-not-empty").unwrap();
    let rows = queues.lines().filter(|line| line.starts_with("| `"));
    let reasons: Vec<_> = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert!(reasons.len() > 10, "{reasons:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<_> =
        ["handlers/src", "handlers/paypal/src", "xtask/deploy/src/errors"].map(|one| root.join(one)).into();
    let mut sources = String::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => sources.push_str(&fs::read_to_string(path).unwrap()),
            }
        }
    }
    for reason in reasons {
        assert!(sources.contains(&format!("\"{reason}\"")), "no event fails for {reason}");
    }
}
