//! A small CloudFormation, S3, SQS and CloudWatch that remember: stacks go through their states as AWS's do, one event each
//! time somebody looks.

mod change_sets;
mod changes;
mod operation;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base64::{Engine, engine::general_purpose::STANDARD};
use cfn::Template;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::endpoint::{Answer, Call};
use changes::{Change, changes, parse};
use operation::thing;

pub(crate) const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-west-1";

/// What the account holds when a scenario begins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Before {
    /// The stack's status; there is none without.
    stack: Option<String>,
    /// Its template, by the name of a file; as `wanted` without.
    deployed: Option<String>,
    /// Parameters of zips that are deployed in another version than the wanted one.
    old_zips: Vec<String>,
    /// Whether the bucket of the zips is there already.
    bucket: bool,
    /// The last operation's events, oldest first: resource, status, reason.
    events: Vec<(String, String, String)>,
    /// Resources with a status of their own, and why.
    resources: BTreeMap<String, (String, String)>,
    /// What is under way: events that are to come, oldest first, the last of them the stack's.
    coming: Vec<(String, String, String)>,
    /// The change set that was executed last: what its maker wrote into it.
    by: Option<String>,
    /// A change set that waits, by somebody else.
    waiting: Option<String>,
    /// Resources that cannot be made, changed or deleted, and why.
    failing: BTreeMap<String, String>,
    /// How often each of them fails; for ever without.
    failing_times: Option<u32>,
    /// Messages in every queue.
    messages: u32,
    /// Alarms that ring.
    ringing: Vec<String>,
    protected: bool,
    /// The stack policy, as it stands.
    policy: Option<String>,
    /// As often as a stack is said to be as it was before an operation, after it was asked for.
    stale: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Cloud {
    stacks: Vec<Stack>,
    /// Objects by bucket and key.
    pub(crate) objects: BTreeMap<String, Object>,
    /// The SHA-256 in base64 of all code that a function ever ran.
    pub(crate) ran: BTreeSet<String>,
    /// The SHA-256 of the code that each function runs, by its name in AWS.
    pub(crate) functions: BTreeMap<String, String>,
    /// Whether the bucket of the zips keeps versions.
    pub(crate) unversioned: bool,
    failing: BTreeMap<String, String>,
    failing_times: Option<u32>,
    messages: u32,
    ringing: Vec<String>,
    stale: u32,
    /// Seconds since the account began.
    clock: u64,
    made: u32,
}

/// An object, as S3 keeps it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    /// In base64; none where it was written without a checksum.
    pub(crate) sha256: Option<String>,
    pub(crate) version: u32,
    pub(crate) tags: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) status: String,
    reason: String,
    pub(crate) template: String,
    pub(crate) parameters: BTreeMap<String, String>,
    resources: BTreeMap<String, Resource>,
    events: Vec<Event>,
    coming: VecDeque<Event>,
    pub(crate) change_sets: Vec<ChangeSet>,
    /// Of the last operation that was executed.
    executed: Option<ChangeSet>,
    before: Option<Box<Stack>>,
    updated: Option<u64>,
    pub(crate) protected: bool,
    pub(crate) policy: Option<String>,
    /// Looks that are still answered as before the operation.
    stale: u32,
    stale_status: String,
}

#[derive(Clone, Debug, Default)]
struct Resource {
    kind: String,
    physical: String,
    status: String,
    reason: String,
}

#[derive(Clone, Debug)]
struct Event {
    resource: String,
    kind: String,
    status: String,
    reason: String,
    time: u64,
    id: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeSet {
    pub(crate) name: String,
    pub(crate) id: String,
    description: String,
    pub(crate) template: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) capabilities: Vec<String>,
    alarms: Vec<String>,
    pub(crate) minutes: u32,
    changes: Vec<Change>,
    status: &'static str,
    execution: &'static str,
    reason: String,
}

type Done = Result<String, (&'static str, String)>;

impl Cloud {
    /// The account as a scenario wants it. `template` reads a template's file, `zips` are the keys that are wanted.
    pub(crate) fn new(
        before: &Before,
        wanted: &str,
        template: impl Fn(&str) -> String,
        zips: &BTreeMap<String, String>,
    ) -> Self {
        let mut cloud = Self {
            failing: before.failing.clone(),
            failing_times: before.failing_times,
            messages: before.messages,
            ringing: before.ringing.clone(),
            stale: before.stale,
            ..Self::default()
        };
        if before.bucket || before.stack.as_deref().is_some_and(|status| status != "REVIEW_IN_PROGRESS") {
            cloud.bucket_is_there();
        }
        let Some(status) = &before.stack else { return cloud };
        let mut stack = cloud.named("paypal-subscriptions-prod", status);
        let text = template(before.deployed.as_deref().unwrap_or(wanted));
        if status != "REVIEW_IN_PROGRESS" {
            stack.parameters = zips.clone();
            for parameter in &before.old_zips {
                let key = stack.parameters.get_mut(parameter).unwrap();
                *key = key.replace(".zip", "-old.zip");
            }
            stack.parameters.insert("ArtifactBucket".to_owned(), "artifacts-bucket".to_owned());
            for key in stack.parameters.values() {
                cloud.write(&format!("artifacts-bucket/{key}"), Some(of_key(key)));
            }
            for (id, resource) in parse(&text).resources.iter() {
                stack.resources.insert(id.to_string(), thing(&stack.name, id.as_str(), &resource.kind));
            }
            cloud.load_code(&text, &stack);
            stack.updated = Some(0);
        }
        stack.template = text;
        for (id, (status, reason)) in &before.resources {
            let resource = stack.resources.get_mut(id).unwrap();
            (resource.status, resource.reason) = (status.clone(), reason.clone());
        }
        stack.protected = before.protected;
        stack.policy = before.policy.clone();
        let change_set = |description: &str| ChangeSet {
            name: "theirs".to_owned(),
            id: format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/theirs/0"),
            description: description.to_owned(),
            status: "CREATE_COMPLETE",
            execution: "EXECUTE_COMPLETE",
            ..ChangeSet::default()
        };
        stack.executed = before.by.as_deref().map(change_set);
        if let Some(by) = &before.waiting {
            let id = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/plan/0");
            let name = "plan".to_owned();
            stack.change_sets.push(ChangeSet { id, name, execution: "AVAILABLE", ..change_set(by) });
        }
        for (resource, status, reason) in &before.events {
            let event = cloud.event(&stack, resource, status, reason);
            stack.events.push(event);
        }
        for (resource, status, reason) in &before.coming {
            let event = cloud.event(&stack, resource, status, reason);
            stack.coming.push_back(event);
        }
        cloud.stacks.push(stack);
        cloud
    }

    /// Writes an object over what is there, as its bucket's owner may, or somebody who may write code.
    pub(crate) fn write(&mut self, object: &str, sha256: Option<String>) {
        self.made += 1;
        let object = self.objects.entry(object.to_owned()).or_default();
        *object = Object { sha256, version: self.made, tags: 0 };
    }

    /// Lambda fetches the code of each function, as the stack's parameters name it.
    fn load_code(&mut self, template: &str, stack: &Stack) {
        for (id, resource) in parse(template).resources.iter().filter(|(_, each)| each.kind == "AWS::Lambda::Function")
        {
            let references = cfn::graph::names(&resource.properties["Code"]["S3Key"]).join("");
            let Some(key) = stack.parameters.get(&references) else { continue };
            let object = self.objects.get(&format!("artifacts-bucket/{key}"));
            let code = object.and_then(|object| object.sha256.clone()).unwrap_or_else(|| "unknown".to_owned());
            self.ran.insert(code.clone());
            self.functions.insert(stack.resources[id.as_str()].physical.clone(), code);
        }
    }

    fn bucket_is_there(&mut self) {
        let mut stack = self.named("paypal-subscriptions-prod-artifacts", "CREATE_COMPLETE");
        stack.template = "{}".to_owned();
        self.stacks.push(stack);
    }

    fn named(&mut self, name: &str, status: &str) -> Stack {
        self.made += 1;
        Stack {
            name: name.to_owned(),
            id: format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{}", self.made),
            status: status.to_owned(),
            ..Stack::default()
        }
    }

    fn event(&mut self, stack: &Stack, resource: &str, status: &str, reason: &str) -> Event {
        self.clock += 1;
        self.made += 1;
        let kind = if resource == stack.name || resource == "stack" {
            "AWS::CloudFormation::Stack".to_owned()
        } else {
            stack.resources.get(resource).map(|resource| resource.kind.clone()).unwrap_or_default()
        };
        let resource = if resource == "stack" { stack.name.clone() } else { resource.to_owned() };
        Event { resource, kind, status: status.to_owned(), reason: reason.to_owned(), time: self.clock, id: self.made }
    }

    /// The stack of the environment, to be changed.
    pub(crate) fn environment(&mut self) -> &mut Stack {
        let at = self.position("paypal-subscriptions-prod").unwrap();
        &mut self.stacks[at]
    }

    /// A change set like the one that waits, for a stack of another name; its ARN.
    pub(crate) fn change_set_of_another_stack(&mut self) -> String {
        let mut set = self.environment().change_sets[0].clone();
        set.id = set.id.replace("changeSet/", "changeSet/other-");
        let mut other = self.named("other", "CREATE_COMPLETE");
        let id = set.id.clone();
        other.change_sets.push(set);
        self.stacks.push(other);
        id
    }

    /// The stack of the environment, if it is there.
    pub(crate) fn stack(&self) -> Option<&Stack> {
        self.find("paypal-subscriptions-prod")
    }

    fn find(&self, name: &str) -> Option<&Stack> {
        let live = |stack: &&Stack| stack.status != "DELETE_COMPLETE" && stack.name == name;
        self.stacks.iter().find(live).or_else(|| self.stacks.iter().find(|stack| stack.id == name))
    }

    fn position(&self, name: &str) -> Result<usize, (&'static str, String)> {
        let id = self.find(name).map(|stack| stack.id.clone());
        let position = id.and_then(|id| self.stacks.iter().position(|stack| stack.id == id));
        position.ok_or_else(|| ("ValidationError", format!("Stack with id {name} does not exist")))
    }

    /// What the account answers.
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        if call.action.contains(' ') {
            return self.object(call);
        }
        if call.action == "DescribeAlarms" {
            return self.alarms();
        }
        if call.action == "GetQueueAttributes" {
            let body =
                serde_json::json!({ "Attributes": { "ApproximateNumberOfMessages": self.messages.to_string() } });
            return Answer::body(body.to_string());
        }
        match self.cloudformation(call) {
            Ok(result) => Answer::result(result),
            Err((code, message)) => Answer::error(code, &message),
        }
    }

    fn cloudformation(&mut self, call: &Call) -> Done {
        let name = || call.fields.get("StackName").cloned().unwrap_or_default();
        match call.action.as_str() {
            "GetCallerIdentity" => {
                Ok(format!("<Arn>arn:aws:iam::{ACCOUNT}:user/ops</Arn><Account>{ACCOUNT}</Account>"))
            }
            "DescribeStacks" => self.describe(&name()),
            "DescribeStackEvents" => self.events(&name()),
            "GetTemplate" if call.fields.contains_key("ChangeSetName") => {
                let (_, set) = self.change_set(call)?;
                Ok(format!("<TemplateBody>{}</TemplateBody>", escape(&set.template)))
            }
            "GetTemplate" => {
                let at = self.position(&name())?;
                Ok(format!("<TemplateBody>{}</TemplateBody>", escape(&self.stacks[at].template)))
            }
            "GetStackPolicy" => {
                let at = self.position(&name())?;
                let policy = self.stacks[at].policy.as_deref().map(escape);
                Ok(policy.map(|body| format!("<StackPolicyBody>{body}</StackPolicyBody>")).unwrap_or_default())
            }
            "SetStackPolicy" => {
                let at = self.position(&name())?;
                self.stacks[at].policy = call.fields.get("StackPolicyBody").cloned();
                Ok(String::new())
            }
            "UpdateTerminationProtection" => {
                let at = self.position(&name())?;
                self.stacks[at].protected = call.fields.get("EnableTerminationProtection").unwrap() == "true";
                Ok(String::new())
            }
            "ListStackResources" => self.list(&name()),
            "CreateStack" => self.create_stack(&name(), call),
            "CreateChangeSet" => self.create_change_set(&name(), call),
            "DescribeChangeSet" => self.describe_change_set(call),
            "DeleteChangeSet" => self.delete_change_set(call),
            "ListChangeSets" => {
                let at = self.position(&name())?;
                let sets = self.stacks[at].change_sets.iter().map(|set| {
                    format!(
                        "<member><ChangeSetName>{}</ChangeSetName><Description>{}</Description><Status>{}</Status>\
                         <CreationTime>2026-11-24T12:00:00Z</CreationTime></member>",
                        set.name,
                        escape(&set.description),
                        set.status
                    )
                });
                Ok(format!("<Summaries>{}</Summaries>", sets.collect::<String>()))
            }
            "ExecuteChangeSet" => self.execute(call),
            "DeleteStack" => self.delete(&name(), call),
            "RollbackStack" | "ContinueUpdateRollback" | "CancelUpdateStack" => self.roll_back(&name(), call),
            other => Err(("NotInTheModel", format!("{other} is not known"))),
        }
    }

    fn describe(&mut self, name: &str) -> Done {
        let at = self.position(name)?;
        let stack = &mut self.stacks[at];
        let status = if stack.stale > 0 {
            stack.stale -= 1;
            stack.stale_status.clone()
        } else {
            stack.status.clone()
        };
        let parameters = stack.parameters.iter().map(|(name, value)| {
            format!("<member><ParameterKey>{name}</ParameterKey><ParameterValue>{value}</ParameterValue></member>")
        });
        let outputs = if name.ends_with("-artifacts") || stack.name.ends_with("-artifacts") {
            "<member><OutputKey>Bucket</OutputKey><OutputValue>artifacts-bucket</OutputValue></member>".to_owned()
        } else {
            "<member><OutputKey>ApiUrl</OutputKey><OutputValue>https://subscriptions.example.com</OutputValue>\
             <Description>where the API answers</Description></member>"
                .to_owned()
        };
        let outputs =
            if status.ends_with("_COMPLETE") && !status.starts_with("ROLLBACK") { outputs } else { String::new() };
        let change_set = stack.executed.as_ref().map(|set| format!("<ChangeSetId>{}</ChangeSetId>", set.id));
        let updated = stack.updated.map(|time| format!("<LastUpdatedTime>{}</LastUpdatedTime>", rfc3339(time)));
        Ok(format!(
            "<Stacks><member><StackId>{}</StackId><StackName>{}</StackName><StackStatus>{status}</StackStatus>\
             <StackStatusReason>{}</StackStatusReason><CreationTime>{}</CreationTime>{}{}\
             <EnableTerminationProtection>{}</EnableTerminationProtection>\
             <Parameters>{}</Parameters><Outputs>{outputs}</Outputs></member></Stacks>",
            stack.id,
            stack.name,
            escape(&stack.reason),
            rfc3339(0),
            updated.unwrap_or_default(),
            change_set.unwrap_or_default(),
            stack.protected,
            parameters.collect::<String>(),
        ))
    }

    /// One more event each time somebody looks; with the stack's own last one, the operation is over.
    fn events(&mut self, name: &str) -> Done {
        let at = self.position(name)?;
        if self.stacks[at].stale == 0 {
            self.step(at);
        }
        let stack = &self.stacks[at];
        let events = stack.events.iter().rev().map(|event| {
            let physical = if event.kind == "AWS::CloudFormation::Stack" { stack.id.as_str() } else { "physical" };
            format!(
                "<member><StackId>{}</StackId><EventId>{}</EventId><StackName>{}</StackName>\
                 <LogicalResourceId>{}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <ResourceType>{}</ResourceType><Timestamp>{}</Timestamp><ResourceStatus>{}</ResourceStatus>\
                 <ResourceStatusReason>{}</ResourceStatusReason></member>",
                stack.id,
                event.id,
                stack.name,
                event.resource,
                event.kind,
                rfc3339(event.time),
                event.status,
                escape(&event.reason)
            )
        });
        Ok(format!("<StackEvents>{}</StackEvents>", events.collect::<String>()))
    }

    fn step(&mut self, at: usize) {
        let stack = &mut self.stacks[at];
        let Some(event) = stack.coming.pop_front() else { return };
        if let Some(resource) = stack.resources.get_mut(&event.resource) {
            (resource.status, resource.reason) = (event.status.clone(), event.reason.clone());
        }
        if event.kind == "AWS::CloudFormation::Stack" {
            stack.status.clone_from(&event.status);
            stack.reason.clone_from(&event.reason);
            match event.status.as_str() {
                "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {
                    let stack = stack.clone();
                    self.load_code(&stack.template, &stack);
                    self.stacks[at].events.push(event);
                    return;
                }
                "UPDATE_ROLLBACK_COMPLETE" => {
                    if let Some(before) = stack.before.take() {
                        (stack.template, stack.parameters, stack.resources) =
                            (before.template, before.parameters, before.resources);
                    }
                }
                "ROLLBACK_COMPLETE" | "DELETE_COMPLETE" => stack.resources.clear(),
                _ => {}
            }
        }
        stack.events.push(event);
    }

    fn list(&mut self, name: &str) -> Done {
        let at = self.position(name)?;
        let all = self.stacks[at].resources.iter().map(|(id, resource)| {
            format!(
                "<member><LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{}</PhysicalResourceId>\
                 <ResourceType>{}</ResourceType><ResourceStatus>{}</ResourceStatus>\
                 <ResourceStatusReason>{}</ResourceStatusReason></member>",
                escape(&resource.physical),
                resource.kind,
                resource.status,
                escape(&resource.reason)
            )
        });
        Ok(format!("<StackResourceSummaries>{}</StackResourceSummaries>", all.collect::<String>()))
    }

    fn create_stack(&mut self, name: &str, call: &Call) -> Done {
        if self.find(name).is_some() {
            return Err(("AlreadyExistsException", format!("Stack [{name}] already exists")));
        }
        let mut stack = self.named(name, "CREATE_IN_PROGRESS");
        stack.template = call.fields.get("TemplateBody").unwrap().clone();
        let id = stack.id.clone();
        self.stacks.push(stack);
        let at = self.stacks.len() - 1;
        let changes =
            changes(&Template::default(), &parse(&self.stacks[at].template), &BTreeMap::new(), &BTreeMap::new());
        self.begin(at, "CREATE", &changes);
        Ok(format!("<StackId>{id}</StackId>"))
    }

    fn delete(&mut self, name: &str, call: &Call) -> Done {
        let Ok(at) = self.position(name) else { return Ok(String::new()) };
        if self.stacks[at].protected {
            let message = format!("Stack [{name}] cannot be deleted while TerminationProtection is enabled");
            return Err(("ValidationError", message));
        }
        if self.stacks[at].status == "REVIEW_IN_PROGRESS" {
            self.stacks[at].status = "DELETE_COMPLETE".to_owned();
            let stack = self.stacks[at].clone();
            let event = self.event(&stack, "stack", "DELETE_COMPLETE", "");
            self.stacks[at].events.push(event);
            return Ok(String::new());
        }
        let retained: BTreeSet<_> =
            (1..).map_while(|at| call.fields.get(&format!("RetainResources.member.{at}")).cloned()).collect();
        let mut stack = self.stacks[at].clone();
        stack.status = "DELETE_IN_PROGRESS".to_owned();
        let mut coming = VecDeque::from([self.event(&stack, "stack", "DELETE_IN_PROGRESS", "User Initiated")]);
        let ids: Vec<_> = stack.resources.keys().cloned().collect();
        let mut failed = Vec::new();
        for id in ids.iter().filter(|id| !retained.contains(*id)) {
            if self.fails(id) {
                let reason = self.failing[id].clone();
                coming.push_back(self.event(&stack, id, "DELETE_FAILED", &reason));
                failed.push(id.clone());
            } else {
                coming.push_back(self.event(&stack, id, "DELETE_COMPLETE", ""));
            }
        }
        let (end, reason) = if failed.is_empty() {
            ("DELETE_COMPLETE", String::new())
        } else {
            ("DELETE_FAILED", format!("The following resource(s) failed to delete: [{}].", failed.join(", ")))
        };
        coming.push_back(self.event(&stack, "stack", end, &reason));
        stack.coming = coming;
        self.stacks[at] = stack;
        Ok(String::new())
    }

    fn roll_back(&mut self, name: &str, call: &Call) -> Done {
        let at = self.position(name)?;
        let mut stack = self.stacks[at].clone();
        let start = if stack.status.starts_with("CREATE") { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        stack.status = format!("{start}_IN_PROGRESS");
        let skipped: Vec<_> =
            (1..).map_while(|at| call.fields.get(&format!("ResourcesToSkip.member.{at}")).cloned()).collect();
        let mut coming = VecDeque::from([self.event(&stack, "stack", &stack.status, "User Initiated")]);
        let failed: Vec<_> = stack
            .resources
            .iter()
            .filter(|(_, thing)| thing.status.ends_with("FAILED"))
            .map(|(id, _)| id.clone())
            .collect();
        let mut end = format!("{start}_COMPLETE");
        for id in failed.iter().filter(|id| !skipped.contains(id)) {
            if self.fails(id) {
                let reason = self.failing[id].clone();
                coming.push_back(self.event(&stack, id, "UPDATE_FAILED", &reason));
                end = format!("{start}_FAILED");
            } else {
                coming.push_back(self.event(&stack, id, "UPDATE_COMPLETE", ""));
            }
        }
        coming.push_back(self.event(&stack, "stack", &end, ""));
        stack.coming = coming;
        self.stacks[at] = stack;
        Ok(String::new())
    }

    fn object(&mut self, call: &Call) -> Answer {
        let (method, path) = call.action.split_once(' ').unwrap();
        if let Some(function) = path.strip_prefix("/2015-03-31/functions/") {
            let code = self.functions.get(function.trim_end_matches("/configuration"));
            return match code {
                Some(code) => Answer::body(serde_json::json!({ "CodeSha256": code }).to_string()),
                None => Answer::status(404),
            };
        }
        let key = path.trim_start_matches('/').to_owned();
        match method {
            "HEAD" => match self.objects.get(&key) {
                Some(Object { sha256, version, tags }) => {
                    let mut headers = vec![
                        ("x-amz-tagging-count".to_owned(), tags.to_string()),
                        ("content-length".to_owned(), "1000".to_owned()),
                    ];
                    headers.extend(sha256.clone().map(|sha256| ("x-amz-checksum-sha256".to_owned(), sha256)));
                    let version = (!self.unversioned).then(|| ("x-amz-version-id".to_owned(), version.to_string()));
                    headers.extend(version);
                    Answer::headers(headers)
                }
                None => Answer::status(404),
            },
            _ if call.fields.contains_key("tagging") => {
                let tags = u32::from(method == "PUT");
                self.objects.get_mut(&key).unwrap().tags = tags;
                Answer::default()
            }
            _ if self.objects.contains_key(&key) && call.fields.get("if-none-match").is_some_and(|all| all == "*") => {
                Answer::error("PreconditionFailed", "the object exists").with_status(412)
            }
            _ => {
                let sha256 = STANDARD.encode(Sha256::digest(&call.body));
                self.write(&key, Some(sha256));
                let version = self.objects[&key].version.to_string();
                let version = (!self.unversioned).then(|| ("x-amz-version-id".to_owned(), version));
                Answer::headers(version)
            }
        }
    }

    fn alarms(&self) -> Answer {
        let alarms = ["Api5xx", "VerifyErrors"].map(|name| {
            let state = if self.ringing.iter().any(|ringing| ringing == name) { "ALARM" } else { "OK" };
            let arn = format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}");
            serde_json::json!({ "AlarmName": name, "AlarmArn": arn, "StateValue": state })
        });
        Answer::body(serde_json::json!({ "MetricAlarms": alarms }).to_string())
    }
}

/// The checksum that belongs to a key, which has it in its name; of an old zip one that is its own.
fn of_key(key: &str) -> String {
    let hex = key.rsplit(['/', '.']).nth(1).unwrap_or_default();
    if hex.len() != 64 {
        return STANDARD.encode(key);
    }
    let byte = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    STANDARD.encode((0..hex.len()).step_by(2).filter_map(byte).collect::<Vec<_>>())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rfc3339(seconds: u64) -> String {
    format!("2026-11-24T12:{:02}:{:02}Z", seconds / 60, seconds % 60)
}
