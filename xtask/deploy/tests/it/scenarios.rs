//! Every state that a stack can be in, and everything that can go wrong on the way: a file each under `tests/script/`, with
//! what the terminal showed and what AWS was asked beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    cloud::{Before, Cloud},
    endpoint::{Endpoint, Script},
    program::{Said, run},
};

/// A scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it shows, in a sentence.
    about: String,
    #[serde(default)]
    before: Before,
    /// The template that is wanted, by its name.
    #[serde(default = "base")]
    wanted: String,
    /// What AWS answers in other words than the account would.
    #[serde(default)]
    answers: Script,
    /// What the environment's guards deny and allow.
    #[serde(default)]
    guards: Option<serde_json::Value>,
    /// The parameters of which nobody knows a value, for `foresee`.
    #[serde(default)]
    unknown: Vec<String>,
    /// The command, without what every command has.
    run: Vec<String>,
}

fn base() -> String {
    "base".to_owned()
}

impl Scenario {
    pub(crate) fn read(yaml: &str) -> Self {
        serde_saphyr::from_str(yaml).unwrap()
    }

    pub(crate) async fn endpoint(&self, zips: &Zips) -> Endpoint {
        let cloud = Cloud::new(&self.before, &self.wanted, template, &zips.keys());
        Endpoint::with(self.answers.clone(), cloud).await
    }

    /// The whole command: with template and zips, where it takes them.
    pub(crate) fn arguments(&self, zips: &Zips) -> Vec<String> {
        let mut arguments = self.run.clone();
        if matches!(arguments[0].as_str(), "deploy" | "plan") {
            let template = zips.folder.join(format!("{}.json", self.wanted));
            fs::write(&template, self::template(&self.wanted)).unwrap();
            let manifest = zips.folder.join("manifest.json");
            for (option, file) in [("--template", &template), ("--manifest", &manifest)] {
                arguments.extend([option.to_owned(), file.to_str().unwrap().to_owned()]);
            }
            if let Some(guards) = &self.guards {
                let context = zips.folder.join("context.json");
                fs::write(&context, serde_json::json!({ "guards": guards }).to_string()).unwrap();
                arguments.extend(["--context".to_owned(), context.to_str().unwrap().to_owned()]);
            }
        }
        if arguments[0] == "foresee" {
            let (template, parameters) = (zips.folder.join("wanted.json"), zips.folder.join("parameters.json"));
            fs::write(&template, self::template(&self.wanted)).unwrap();
            let mut values = zips.keys();
            values.insert("ArtifactBucket".to_owned(), "artifacts-bucket".to_owned());
            values.insert("AWS::Region".to_owned(), "eu-west-1".to_owned());
            values.retain(|name, _| !self.unknown.contains(name));
            fs::write(&parameters, serde_json::to_string(&values).unwrap()).unwrap();
            for (option, file) in [("--template", &template), ("--parameters", &parameters)] {
                arguments.extend([option.to_owned(), file.to_str().unwrap().to_owned()]);
            }
        }
        arguments
    }
}

/// A template as it is deployed: JSON without spaces.
fn template(name: &str) -> String {
    let file = folder("templates").join(format!("{name}.yaml"));
    let template = cfn::read::template(&fs::read_to_string(file).unwrap()).unwrap();
    serde_json::to_string(&template).unwrap()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Zips of two functions with their manifest, in a folder of their own.
pub(crate) struct Zips {
    pub(crate) folder: PathBuf,
    hashes: BTreeMap<String, String>,
}

impl Zips {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        fs::create_dir_all(&folder).unwrap();
        let mut zips = Self { folder, hashes: BTreeMap::new() };
        zips.build("plans-list", "one");
        zips.build("webhook-verify", "two");
        zips
    }

    /// A function as if it were built from this source.
    pub(crate) fn build(&mut self, function: &str, source: &str) {
        let bytes = source.repeat(500);
        fs::write(self.folder.join(format!("{function}.zip")), &bytes).unwrap();
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        self.hashes.insert(function.to_owned(), hash);
        let functions: BTreeMap<_, _> = self
            .hashes
            .iter()
            .map(|(function, sha256)| {
                let file = format!("{function}.zip");
                (function, serde_json::json!({ "file": file, "size": 1500, "binary_size": 3000, "sha256": sha256 }))
            })
            .collect();
        let manifest = serde_json::json!({ "architecture": "arm64", "functions": functions });
        fs::write(self.folder.join("manifest.json"), manifest.to_string()).unwrap();
    }

    /// The keys in the bucket, by the parameters that take them.
    pub(crate) fn keys(&self) -> BTreeMap<String, String> {
        let parameter = |function: &str| if function == "plans-list" { "PlansListCode" } else { "WebhookVerifyCode" };
        let key =
            |(function, hash): (&String, &String)| (parameter(function).to_owned(), format!("{function}/{hash}.zip"));
        self.hashes.iter().map(key).collect()
    }
}

/// What is other in every run, in words.
fn steady(text: &str, zips: &Zips, endpoint: &Endpoint) -> String {
    let mut text = text.replace(&endpoint.url, "ENDPOINT").replace(zips.folder.to_str().unwrap(), "FOLDER");
    for hash in zips.hashes.values() {
        text = text.replace(hash, "SHA256");
    }
    let mut steady = String::new();
    // What is waited for depends on how busy the machine is.
    for line in text.lines().filter(|line| !line.starts_with("waiting for ")) {
        let line = match line.split_once("user/ops on ") {
            Some((before, after)) => {
                format!("{before}user/ops on HOST, TIME{}", after.split_once(" UTC").map_or("", |(_, rest)| rest))
            }
            None => line.to_owned(),
        };
        steady += &uuids(&line);
        steady += "\n";
    }
    steady
}

/// The line with `UUID` for every one.
fn uuids(line: &str) -> String {
    let is_uuid = |text: &str| {
        text.len() == 36
            && text.char_indices().all(|(at, letter)| match at {
                8 | 13 | 18 | 23 => letter == '-',
                _ => letter.is_ascii_hexdigit(),
            })
    };
    let mut found = line.to_owned();
    let mut at = 0;
    while at + 36 <= found.len() {
        if found.get(at..at + 36).is_some_and(is_uuid) {
            found.replace_range(at..at + 36, "UUID");
        }
        at += 1;
    }
    found
}

/// The calls, those that are repeated once with their number; what is uploaded at once in a steady order.
fn calls(endpoint: &Endpoint) -> String {
    let mut actions = endpoint.actions();
    for group in actions.chunk_by_mut(|one, other| one.contains(' ') && other.contains(' ')) {
        group.sort();
    }
    let grouped = actions.chunk_by(|one, other| one == other);
    grouped
        .map(|group| {
            format!("  {}{}\n", group[0], if group.len() > 1 { format!(" x{}", group.len()) } else { String::new() })
        })
        .collect()
}

fn shown(scenario: &Scenario, said: &Said, zips: &Zips, endpoint: &Endpoint) -> String {
    let Said { code, out, errors } = said;
    let command = scenario.run.join(" ");
    // How long a call takes is this machine's; `outputs` tests what is told of one that takes long.
    let told = errors.lines().filter(|line| !line.starts_with("waiting for AWS to answer "));
    let mut errors: Vec<_> = told.map(str::to_owned).collect();
    // Uploads end in any order, and each is counted when it ends.
    for group in errors.chunk_by_mut(|one, other| one.starts_with("  uploaded ") && other.starts_with("  uploaded ")) {
        let counted =
            |line: &String| line.rsplit_once(" (").map(|(upload, count)| (upload.to_owned(), count.to_owned()));
        let Some((mut uploads, mut counts)) = group.iter().map(counted).collect::<Option<(Vec<_>, Vec<_>)>>() else {
            continue;
        };
        uploads.sort();
        counts.sort();
        for ((line, upload), count) in group.iter_mut().zip(uploads).zip(counts) {
            *line = format!("{upload} ({count}");
        }
    }
    let errors = errors.join("\n");
    let text = format!(
        "$ {command}\n{errors}\n\n-- standard output\n{out}\n-- exit code {}\n-- calls\n{}",
        code.map_or("none".to_owned(), |code| code.to_string()),
        calls(endpoint)
    );
    steady(&text, zips, endpoint)
}

/// All scenarios, by their names.
pub(crate) fn scenarios() -> Vec<(String, Scenario)> {
    let mut files: Vec<_> = fs::read_dir(folder("script")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    assert!(files.len() > 20, "the scenarios are gone");
    let read = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Scenario::read(&fs::read_to_string(file).unwrap()))
    };
    files.iter().map(read).collect()
}

#[tokio::test]
async fn every_state_and_failure_is_answered_as_reviewed() {
    for (name, scenario) in scenarios() {
        let zips = Zips::new(&format!("scenario-{name}"));
        let endpoint = scenario.endpoint(&zips).await;
        let arguments = scenario.arguments(&zips);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let said = run(&endpoint, &arguments).await;
        let shown = shown(&scenario, &said, &zips, &endpoint);
        let snapshot = folder("script").join(format!("{name}.txt"));
        // Seen where it fails.
        println!("{name}: {}", scenario.about);
        expect_test::expect_file![snapshot].assert_eq(&shown);
    }
}
