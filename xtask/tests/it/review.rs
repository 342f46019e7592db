//! Reviews of typical pull requests, in every form, by the real binary.
//!
//! What a pull request changes is made here from the template of `prod`; what is said of it lies under `tests/it/reviews`,
//! rewritten with `UPDATE_EXPECT=1`. Read the difference before committing it: it is what reviewers will see.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use cfn::{LogicalId, Resource, Template};
use serde_json::{Value, json};

use crate::service::{root, scratch, xtask};

fn prod() -> Template {
    cfn::read::template(&fs::read_to_string(root().join("infra/tests/snapshots/prod.yaml")).unwrap()).unwrap()
}

fn resource<'a>(template: &'a mut Template, id: &str) -> &'a mut Resource {
    template.resources.get_mut(id).unwrap_or_else(|| panic!("prod has no {id}"))
}

/// A copy of everything of `plans-list`, under another name.
fn function_added(template: &mut Template) {
    let text = |value: &str| {
        value
            .replace("PlansList", "RefundsList")
            .replace("plans-list", "refunds-list")
            .replace("plans/list", "refunds/list")
    };
    let own: Vec<_> = template.resources.iter().filter(|(id, _)| id.as_str().starts_with("PlansList")).collect();
    let copies: Vec<(LogicalId, Resource)> = own
        .into_iter()
        .map(|(id, resource)| {
            let copy = serde_json::from_str(&text(&serde_json::to_string(resource).unwrap())).unwrap();
            (LogicalId::parse(&text(id.as_str())).unwrap(), copy)
        })
        .collect();
    copies.into_iter().for_each(|(id, copy)| {
        template.resources.insert(id, copy);
    });
    let parameter = template.parameters["PlansListCode"].clone();
    template.parameters.insert("RefundsListCode".to_owned(), parameter);
}

/// A queue under another name, which is another queue.
fn queue_replaced(template: &mut Template) {
    resource(template, "VerifiedFifoQueue").properties["QueueName"] = json!("paypal-subscriptions-prod-checked.fifo");
}

/// Somebody was in a hurry.
fn permission_widened(template: &mut Template) {
    let role = resource(template, "WebhookVerifyRole");
    let statements = role.properties["Policies"][0]["PolicyDocument"]["Statement"].as_array_mut().unwrap();
    statements.push(json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "*" }));
}

/// Less is kept, and later told.
fn protection_weakened(template: &mut Template) {
    for (id, resource) in template.resources.iter_mut() {
        if resource.kind == "AWS::Logs::LogGroup" && id.as_str() != "ApiLog" {
            resource.properties["RetentionInDays"] = json!(7);
        }
    }
    resource(template, "ErrorsNotEmptyAlarm").properties["Threshold"] = json!(100);
}

struct PullRequest {
    name: &'static str,
    change: fn(&mut Template),
    /// What every form of the review says first.
    first: &'static str,
}

const PULL_REQUESTS: [PullRequest; 4] = [
    PullRequest { name: "function-added", change: function_added, first: "exposure" },
    PullRequest { name: "queue-replaced", change: queue_replaced, first: "destructive" },
    PullRequest { name: "permission-widened", change: permission_widened, first: "access" },
    PullRequest { name: "protection-weakened", change: protection_weakened, first: "protection" },
];

/// Two files, in a folder of their own, under names that are the same in every run.
fn files(test: &str, pull_request: &PullRequest) -> PathBuf {
    let folder = scratch(&format!("{test}-{}", pull_request.name));
    let mut after = prod();
    fs::write(folder.join("before.yaml"), cfn::write::yaml(&after)).unwrap();
    (pull_request.change)(&mut after);
    fs::write(folder.join("after.yaml"), cfn::write::yaml(&after)).unwrap();
    // The project is found from where the call is made.
    fs::create_dir_all(folder.join("environments")).unwrap();
    fs::create_dir_all(folder.join("infra")).unwrap();
    folder
}

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    let output =
        xtask().current_dir(folder).args(["diff", "before.yaml", "after.yaml"]).args(arguments).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn expect(name: &str, said: &str) {
    expect_test::expect_file![root().join("xtask/tests/it/reviews").join(name)].assert_eq(said);
}

/// The shape that `--format json` has.
pub(crate) fn schema() -> jsonschema::Validator {
    let schema = fs::read_to_string(root().join("infra/review/schema/diff.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

/// Asserts that a document has a shape.
pub(crate) fn check_json(validator: &jsonschema::Validator, said: &str) -> Value {
    let document: Value = serde_json::from_str(said).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    document
}

/// The schema of SARIF 2.1.0, as schemastore.org and Microsoft's SDK for JavaScript have it (under the MIT licence).
fn check_sarif(said: &str) -> Value {
    let schema = fs::read_to_string(root().join("xtask/tests/it/sarif-2.1.0-rtm.5.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&schema).unwrap();
    for with_language in ["run", "toolComponent"] {
        // A bracket too many: it is no regular expression.
        let language = &mut schema["definitions"][with_language]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    check_json(&jsonschema::validator_for(&schema).unwrap(), said)
}

/// The risk is on the first screen, a fact takes three lines at most, and all of it 60 before the folds.
fn check_page(page: &str) {
    let visible = page.split("<details>").next().unwrap();
    assert!(visible.lines().count() <= 60 && page.lines().all(|line| line.chars().count() <= 100), "{page}");
    // What a browser of 1280 by 800 shows of it, as it was seen in one.
    let first_screen: Vec<&str> = visible.lines().take(22).collect();
    assert!(first_screen.iter().any(|line| line.starts_with("### ")), "{page}");
    let facts = visible.split_once("\n### ").unwrap().1;
    for fact in facts.split("\n- ").skip(1) {
        let lines = fact.lines().take_while(|line| !line.is_empty()).count();
        assert!(lines <= 3, "{fact}");
    }
}

#[test]
fn typical_pull_requests_are_reviewed_in_every_form() {
    let validator = schema();
    for pull_request in &PULL_REQUESTS {
        let PullRequest { name, first, .. } = pull_request;
        let folder = files("forms", pull_request);
        expect(&format!("{name}.txt"), &text(&diff(&folder, &[])));
        expect(&format!("{name}.details.txt"), &text(&diff(&folder, &["--details"])));
        let page = text(&diff(&folder, &["--format", "markdown"]));
        expect(&format!("{name}.md"), &page);
        check_page(&page);
        let document = check_json(&validator, &text(&diff(&folder, &["--format", "json"])));
        assert_eq!(document.pointer("/reviews/0/facts/0/risk").unwrap(), first, "{name}: {document:#}");
        check_sarif(&text(&diff(&folder, &["--format", "sarif"])));
    }
}

#[test]
fn the_exit_code_tells_whether_anything_changes_if_it_is_asked_to() {
    let folder = files("exit-code", &PULL_REQUESTS[1]);
    assert_eq!(diff(&folder, &[]).status.code(), Some(0));
    assert_eq!(diff(&folder, &["--exit-code"]).status.code(), Some(2));
    fs::copy(folder.join("before.yaml"), folder.join("after.yaml")).unwrap();
    let same = diff(&folder, &["--exit-code"]);
    assert_eq!(same.status.code(), Some(0));
    assert_eq!(text(&same), "after.yaml against before.yaml: nothing changes\n");
}

/// A project with a history of its own: its environments are this one's, and its handlers two lines.
fn project(test: &str) -> PathBuf {
    let folder = scratch(&format!("review-{test}"));
    fs::create_dir_all(folder.join("environments")).unwrap();
    fs::create_dir_all(folder.join("infra")).unwrap();
    fs::create_dir_all(folder.join("handlers/src/bin")).unwrap();
    for name in ["local", "dev", "prod"] {
        let file = format!("environments/{name}.yaml");
        fs::copy(root().join(&file), folder.join(&file)).unwrap();
    }
    fs::write(folder.join("infra/empty"), "").unwrap();
    fs::write(folder.join("handlers/src/bin/webhook-process.rs"), "fn main() {}\n").unwrap();
    fs::write(folder.join("handlers/src/batch.rs"), "\n").unwrap();
    fs::create_dir_all(folder.join("handlers/paypal/fuzz/corpus")).unwrap();
    fs::write(folder.join("handlers/paypal/fuzz/corpus/seed"), "\n").unwrap();
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first"]);
    folder
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    let output = git.arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn in_project(folder: &Path, arguments: &[&str]) -> Output {
    xtask().current_dir(folder).arg("diff").args(arguments).output().unwrap()
}

#[test]
fn code_alone_is_told_by_the_functions_name_and_file() {
    let folder = project("code");
    fs::write(folder.join("handlers/src/bin/webhook-process.rs"), "fn main() { todo!() }\n").unwrap();
    // What no function is made of.
    fs::write(folder.join("handlers/paypal/fuzz/corpus/seed"), "another\n").unwrap();
    let against = ["--env", "prod", "--against", "git:HEAD"];
    let said = in_project(&folder, &against);
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    expect("code-only.txt", &text(&said));
    let page = in_project(&folder, &[&against[..], &["--format", "markdown"]].concat());
    expect("code-only.md", &text(&page));
    check_page(&text(&page));
    let json = in_project(&folder, &[&against[..], &["--format", "json", "--exit-code"]].concat());
    assert_eq!(json.status.code(), Some(2));
    check_json(&schema(), &text(&json));
}

#[test]
fn all_environments_are_one_review() {
    let folder = project("all");
    for name in ["dev", "prod"] {
        let file = folder.join(format!("environments/{name}.yaml"));
        let before = fs::read_to_string(&file).unwrap();
        let changed: Vec<String> = before
            .lines()
            .map(|line| match line.strip_prefix("log_retention_days:") {
                Some(_) => "log_retention_days: 3".to_owned(),
                None => line.to_owned(),
            })
            .collect();
        assert_ne!(changed.join("\n"), before.trim_end(), "{name} keeps its logs for 3 days already");
        fs::write(&file, changed.join("\n") + "\n").unwrap();
    }
    let file = folder.join("environments/prod.yaml");
    let prod = fs::read_to_string(&file).unwrap();
    fs::write(&file, prod.replacen("requests_per_second: 50", "requests_per_second: 900", 1)).unwrap();
    let said = in_project(&folder, &["--all", "--against", "git:HEAD"]);
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    expect("all-environments.txt", &text(&said));
    let page = in_project(&folder, &["--all", "--against", "git:HEAD", "--format", "markdown"]);
    expect("all-environments.md", &text(&page));
    check_page(&text(&page));
    let json = in_project(&folder, &["--all", "--against", "git:HEAD", "--format", "json"]);
    let document = check_json(&schema(), &text(&json));
    assert_eq!(document["reviews"].as_array().unwrap().len(), 2);
}

/// What is built of a revision whose code is another, without waiting for a compiler: a program in cargo's place says what the
/// revision's program would, and fails where it does not stand in that revision's files.
#[test]
fn a_revision_with_other_code_is_asked_for_its_template_once() {
    let folder = project("built");
    let synth = xtask().current_dir(&folder).args(["synth", "--env", "prod", "--format", "json"]).output().unwrap();
    fs::write(folder.join("template.json"), synth.stdout).unwrap();
    let cargo = folder.join("cargo");
    let script = "#!/bin/sh\necho \"$@\" >> ../../../calls\n[ -s infra/empty ] && exit 3\ncat ../../../template.json\n";
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("infra/empty"), "other code").unwrap();
    let file = folder.join("environments/prod.yaml");
    let prod = fs::read_to_string(&file).unwrap();
    fs::write(&file, prod.replacen("requests_per_second: 50", "requests_per_second: 900", 1)).unwrap();
    let against = |revision: &str| {
        let mut command = xtask();
        command.current_dir(&folder).env("CARGO", &cargo).args(["diff", "--env", "prod", "--against", revision]);
        let output = command.output().unwrap();
        (output.status.code(), text(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said, progress) = against("git:HEAD");
    assert_eq!(code, Some(0), "{progress}");
    assert!(progress.starts_with("building what HEAD ("), "{progress}");
    assert!(said.contains("stage ApiStage: requests 900 a second instead of 50 a second"), "{said}");
    assert_eq!(against("git:HEAD"), (Some(0), said, String::new()), "it was asked before");
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    assert_eq!(calls, "run --bin xtask -- synth --env prod --format json\n");
    // A revision that does not build is an error that says so.
    git(&folder, &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-am", "second"]);
    fs::write(folder.join("infra/empty"), "code of today").unwrap();
    let (code, _, errors) = against("git:HEAD");
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("of that revision ended with exit status: 3"), "{errors}");
    assert!(errors.contains("help: HEAD itself must build"), "{errors}");
}

#[test]
fn what_a_guard_blocks_ends_with_3_until_it_is_allowed_by_name_which_is_recorded() {
    let folder = project("guards");
    let file = folder.join("environments/dev.yaml");
    let unguarded = fs::read_to_string(&file).unwrap();
    let unguarded = unguarded.split("\nguards:\n").next().unwrap();
    fs::write(&file, format!("{unguarded}\nguards:\n  deny: [weaken-protection]\n")).unwrap();
    git(&folder, &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-am", "guards"]);
    let guarded = fs::read_to_string(&file).unwrap();
    let against = ["--env", "dev", "--against", "git:HEAD", "--exit-code"];
    let code = |more: &[&str]| in_project(&folder, &[&against[..], more].concat()).status.code();
    assert_eq!(code(&[]), Some(0));
    // More memory is nothing that a guard minds.
    fs::write(&file, guarded.replace("default: { memory_mb: 256", "default: { memory_mb: 384")).unwrap();
    assert_eq!(code(&[]), Some(2));
    fs::write(&file, guarded.replace("requests_per_second: ", "requests_per_second: 9")).unwrap();
    for format in ["text", "markdown", "json"] {
        assert_eq!(code(&["--format", format]), Some(3), "{format}");
    }
    let blocked = in_project(&folder, &[&against[..], &["--format", "sarif"]].concat());
    assert_eq!(blocked.status.code(), Some(3));
    let log = check_sarif(&text(&blocked));
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "weaken-protection", "{log:#}");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "infra/src/service.rs", "{log:#}");
    assert!(place["region"]["startLine"].is_number(), "{log:#}");
    assert_eq!(in_project(&folder, &against[..4]).status.code(), Some(0), "nobody asked for the exit code");
    let another = ["--allow", "weaken-protection=PlansList"];
    assert_eq!(code(&another), Some(3));
    let allowed = ["--allow", "weaken-protection=ApiStage"];
    assert_eq!(code(&allowed), Some(2));
    let json = in_project(&folder, &[&against[..], &allowed, &["--format", "json"]].concat());
    let verdict = check_json(&schema(), &text(&json))["reviews"][0]["verdict"].clone();
    assert_eq!(verdict["blocked"], json!([]));
    assert_eq!(verdict["allowed"][0]["allowance"]["resource"], "ApiStage", "{verdict}");
    assert_eq!(verdict["allowed"][0]["allowance"]["reason"], "allowed on the command line");
    let log = check_sarif(&text(&in_project(&folder, &[&against[..], &allowed, &["--format", "sarif"]].concat())));
    let suppression = &log["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppression["justification"], "allowed on the command line", "{log:#}");
    let page = text(&in_project(&folder, &[&against[..], &allowed, &["--format", "markdown"]].concat()));
    assert!(page.contains("**Allowed:** weaken-protection of ApiStage: allowed on the command line"), "{page}");
}

#[test]
fn an_environment_that_a_revision_did_not_have_is_new() {
    let folder = project("new");
    fs::copy(folder.join("environments/dev.yaml"), folder.join("environments/staging.yaml")).unwrap();
    let said = in_project(&folder, &["--env", "staging", "--against", "git:HEAD", "--exit-code"]);
    assert_eq!(said.status.code(), Some(2));
    let progress = String::from_utf8(said.stderr.clone()).unwrap();
    assert_eq!(progress, "HEAD has no environments/staging.yaml: everything is new\n");
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    let folder = project("wrong");
    for (arguments, code, wanted) in [
        (&["--env", "prod", "--against", "git:nowhere"][..], 1, "nowhere is no revision of this repository"),
        (&["--env", "prod", "--against", "git:--output=x"], 2, "name a revision, such as git:origin/main"),
        (&["--env", "prod", "--against", "missing.yaml"], 1, "cannot read missing.yaml"),
        (&["--all", "--against", "one.yaml"], 1, "help: compare one environment with it"),
        (&["only.yaml"], 2, "<NEW>"),
        (&[], 2, "<OLD|--env <NAME>|--all>"),
        (&["--env", "prod", "--allow", "anything=Queue"], 2, "replace-stateful"),
        (&["--env", "prod", "--allow", "will-fail"], 2, "is not GUARD=LOGICALID"),
    ] {
        let output = in_project(&folder, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
}

#[test]
fn the_picture_of_a_change_marks_what_differs() {
    let folder = files("picture", &PULL_REQUESTS[0]);
    let draw = |arguments: &[&str]| {
        let mut command = xtask();
        command.current_dir(&folder).args(["diagram", "--template", "after.yaml", "--against", "before.yaml"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        text(&output)
    };
    let picture = draw(&[]);
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert!(
        picture.contains("added: route GET /refunds/list")
            || picture.contains("GET /refunds/list reaches refunds-list")
    );
    let flowchart = draw(&["--format", "mermaid"]);
    assert!(flowchart.starts_with("flowchart LR\n") && flowchart.contains("+ refunds-list"), "{flowchart}");
    let plain = xtask().args(["diagram", "--env", "prod"]).output().unwrap();
    assert!(plain.status.success() && text(&plain).contains(">webhook-receiver</text>"));
}
