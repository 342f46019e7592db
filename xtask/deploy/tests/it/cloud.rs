//! A small CloudFormation, S3, SQS and CloudWatch that remember: stacks go through their states as AWS's do, one event each
//! time somebody looks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cfn::Template;
use serde::Deserialize;

use crate::endpoint::{Answer, Call};

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
    /// Objects by bucket and key, each with the number of its tags.
    pub(crate) objects: BTreeMap<String, u32>,
    failing: BTreeMap<String, String>,
    failing_times: Option<u32>,
    messages: u32,
    ringing: Vec<String>,
    stale: u32,
    /// Seconds since the account began.
    clock: u64,
    made: u32,
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
    id: String,
    description: String,
    template: String,
    parameters: BTreeMap<String, String>,
    changes: Vec<Change>,
    status: &'static str,
    execution: &'static str,
    reason: String,
}

#[derive(Clone, Debug)]
struct Change {
    action: &'static str,
    resource: String,
    kind: String,
    physical: String,
    replacement: &'static str,
    properties: Vec<(String, bool)>,
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
                cloud.objects.insert(format!("artifacts-bucket/{key}"), 0);
            }
            for (id, resource) in parse(&text).resources.iter() {
                stack.resources.insert(id.to_string(), thing(&stack.name, id.as_str(), &resource.kind));
            }
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

    fn create_change_set(&mut self, name: &str, call: &Call) -> Done {
        let kind = call.fields.get("ChangeSetType").map_or("UPDATE", String::as_str);
        if kind == "CREATE" && self.find(name).is_none() {
            let stack = self.named(name, "REVIEW_IN_PROGRESS");
            self.stacks.push(stack);
        }
        let at = self.position(name)?;
        let in_review = self.stacks[at].status == "REVIEW_IN_PROGRESS";
        if (kind == "CREATE") != in_review {
            return Err(("ValidationError", format!("Stack [{name}] already exists and cannot be created again")));
        }
        if !in_review && !self.stacks[at].status.ends_with("_COMPLETE") {
            let status = &self.stacks[at].status;
            return Err(("ValidationError", format!("Stack:{name} is in {status} state and can not be updated.")));
        }
        let set = call.fields.get("ChangeSetName").unwrap().clone();
        if self.stacks[at].change_sets.iter().any(|other| other.name == set) {
            return Err(("AlreadyExistsException", format!("ChangeSet {set} already exists")));
        }
        let template = match call.fields.get("TemplateBody") {
            Some(body) => body.clone(),
            None => return Err(("ValidationError", "the model reads no template's address".to_owned())),
        };
        let parameters: BTreeMap<String, String> = (1..)
            .map_while(|at| {
                let field = |name: &str| call.fields.get(&format!("Parameters.member.{at}.{name}")).cloned();
                field("ParameterKey").zip(field("ParameterValue"))
            })
            .collect();
        let stack = &self.stacks[at];
        let old = if in_review { Template::default() } else { parse(&stack.template) };
        let mut changes = changes(&old, &parse(&template), &stack.parameters, &parameters);
        for change in &mut changes {
            change.physical =
                stack.resources.get(&change.resource).map(|thing| thing.physical.clone()).unwrap_or_default();
        }
        self.made += 1;
        let id = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/{set}/{}", self.made);
        let empty = changes.is_empty();
        let reason =
            "The submitted information didn't contain changes. Submit different information to create a change set.";
        let stack_id = stack.id.clone();
        self.stacks[at].change_sets.push(ChangeSet {
            name: set,
            id: id.clone(),
            description: call.fields.get("Description").cloned().unwrap_or_default(),
            template,
            parameters,
            changes,
            status: if empty { "FAILED" } else { "CREATE_COMPLETE" },
            execution: if empty { "UNAVAILABLE" } else { "AVAILABLE" },
            reason: if empty { reason.to_owned() } else { String::new() },
        });
        Ok(format!("<Id>{id}</Id><StackId>{stack_id}</StackId>"))
    }

    fn change_set(&self, call: &Call) -> Result<(usize, ChangeSet), (&'static str, String)> {
        let name = call.fields.get("ChangeSetName").unwrap();
        let found = self.stacks.iter().enumerate().find_map(|(at, stack)| {
            let sets = stack.change_sets.iter().chain(&stack.executed);
            Some((at, sets.into_iter().find(|set| set.id == *name || set.name == *name)?.clone()))
        });
        found.ok_or_else(|| ("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")))
    }

    fn describe_change_set(&mut self, call: &Call) -> Done {
        let (at, set) = self.change_set(call)?;
        let changes = set.changes.iter().map(|change| {
            let details = change.properties.iter().map(|(name, replaces)| {
                let recreation = if *replaces { "Always" } else { "Never" };
                format!(
                    "<member><Target><Attribute>Properties</Attribute><Name>{name}</Name>\
                     <RequiresRecreation>{recreation}</RequiresRecreation></Target></member>"
                )
            });
            let details: String = details.collect();
            let replacement = if change.replacement.is_empty() {
                String::new()
            } else {
                format!("<Replacement>{}</Replacement>", change.replacement)
            };
            format!(
                "<member><Type>Resource</Type><ResourceChange><Action>{}</Action><LogicalResourceId>{}</LogicalResourceId>\
                 <PhysicalResourceId>{}</PhysicalResourceId><ResourceType>{}</ResourceType>{replacement}\
                 <Details>{details}</Details></ResourceChange></member>",
                change.action, change.resource, change.physical, change.kind
            )
        });
        let changes: String = changes.collect();
        Ok(format!(
            "<ChangeSetName>{}</ChangeSetName><ChangeSetId>{}</ChangeSetId><StackId>{}</StackId>\
             <Description>{}</Description><Status>{}</Status><ExecutionStatus>{}</ExecutionStatus>\
             <StatusReason>{}</StatusReason><Changes>{changes}</Changes>",
            set.name,
            set.id,
            self.stacks[at].id,
            escape(&set.description),
            set.status,
            set.execution,
            set.reason
        ))
    }

    fn delete_change_set(&mut self, call: &Call) -> Done {
        let (at, set) = self.change_set(call)?;
        self.stacks[at].change_sets.retain(|other| other.id != set.id);
        Ok(String::new())
    }

    fn execute(&mut self, call: &Call) -> Done {
        let (at, mut set) = self.change_set(call)?;
        if set.execution != "AVAILABLE" {
            let message = format!("ChangeSet [{}] cannot be executed in its current status", set.id);
            return Err(("InvalidChangeSetStatus", message));
        }
        self.clock += 1;
        let kind = if self.stacks[at].status == "REVIEW_IN_PROGRESS" { "CREATE" } else { "UPDATE" };
        let before = self.stacks[at].clone();
        let stack = &mut self.stacks[at];
        set.execution = "EXECUTE_COMPLETE";
        stack.before = (kind == "UPDATE").then(|| Box::new(before));
        (stack.template, stack.parameters) = (set.template.clone(), set.parameters.clone());
        // Executing one deletes all others.
        stack.change_sets.clear();
        stack.executed = Some(set.clone());
        stack.stale_status = stack.status.clone();
        stack.updated = (kind == "UPDATE").then_some(self.clock);
        stack.stale = self.stale;
        self.begin(at, kind, &set.changes);
        Ok(String::new())
    }

    /// What an operation will do, event by event; its first one at once.
    fn begin(&mut self, at: usize, kind: &str, changes: &[Change]) {
        let mut stack = self.stacks[at].clone();
        for change in changes.iter().filter(|change| change.action == "Add") {
            stack.resources.insert(change.resource.clone(), thing(&stack.name, &change.resource, &change.kind));
        }
        stack.status = format!("{kind}_IN_PROGRESS");
        let mut coming = VecDeque::from([self.event(&stack, "stack", &stack.status, "User Initiated")]);
        let mut done = Vec::new();
        let failing = changes.iter().find(|change| self.fails(&change.resource));
        for change in changes {
            let verb = match change.action {
                "Add" => "CREATE",
                "Remove" => "DELETE",
                _ => "UPDATE",
            };
            coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_IN_PROGRESS"), ""));
            if failing.is_some_and(|failing| failing.resource == change.resource) {
                let reason = self.failing[&change.resource].clone();
                coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_FAILED"), &reason));
                break;
            }
            coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_COMPLETE"), ""));
            done.push((change.resource.clone(), verb));
        }
        if let Some(failing) = failing {
            for change in changes.iter().skip_while(|change| change.resource != failing.resource).skip(1) {
                let verb = if change.action == "Add" { "CREATE" } else { "UPDATE" };
                let reason = format!("Resource {} cancelled", if verb == "CREATE" { "creation" } else { "update" });
                coming.push_back(self.event(&stack, &change.resource, &format!("{verb}_FAILED"), &reason));
            }
            self.undo(&stack, kind, &done, &failing.resource, &mut coming);
        } else {
            if kind == "UPDATE" {
                coming.push_back(self.event(&stack, "stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""));
            }
            coming.push_back(self.event(&stack, "stack", &format!("{kind}_COMPLETE"), ""));
        }
        stack.coming = coming;
        self.stacks[at] = stack;
    }

    fn undo(&mut self, stack: &Stack, kind: &str, done: &[(String, &str)], failed: &str, coming: &mut VecDeque<Event>) {
        let start = if kind == "CREATE" { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        let reason = format!("The following resource(s) failed to {}: [{failed}].", kind.to_lowercase());
        coming.push_back(self.event(stack, "stack", &format!("{start}_IN_PROGRESS"), &reason));
        for (resource, verb) in done.iter().rev() {
            let verb = if *verb == "CREATE" { "DELETE" } else { "UPDATE" };
            coming.push_back(self.event(stack, resource, &format!("{verb}_COMPLETE"), ""));
        }
        coming.push_back(self.event(stack, "stack", &format!("{start}_COMPLETE"), ""));
    }

    /// Whether the resource fails now.
    fn fails(&mut self, resource: &str) -> bool {
        if !self.failing.contains_key(resource) {
            return false;
        }
        match &mut self.failing_times {
            None => true,
            Some(0) => false,
            Some(times) => {
                *times -= 1;
                true
            }
        }
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
        let key = path.trim_start_matches('/').to_owned();
        match method {
            "HEAD" => match self.objects.get(&key) {
                Some(tags) => Answer::headers([
                    ("x-amz-tagging-count".to_owned(), tags.to_string()),
                    ("content-length".to_owned(), "1000".to_owned()),
                ]),
                None => Answer::status(404),
            },
            _ if call.fields.contains_key("tagging") => {
                self.objects.insert(key, 1);
                Answer::default()
            }
            _ => {
                self.objects.insert(key, 0);
                Answer::default()
            }
        }
    }

    /// CloudWatch answers in CBOR.
    fn alarms(&self) -> Answer {
        let alarms = ["Api5xx", "VerifyErrors"].map(|name| {
            let state = if self.ringing.iter().any(|ringing| ringing == name) { "ALARM" } else { "OK" };
            let arn = format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}");
            cbor::map(&[
                ("AlarmName", cbor::text(name)),
                ("AlarmArn", cbor::text(&arn)),
                ("StateValue", cbor::text(state)),
            ])
        });
        let body = cbor::map(&[("MetricAlarms", cbor::array(&alarms))]);
        let mut answer = Answer::bytes(body);
        answer.headers_mut().extend([
            ("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned()),
            ("content-type".to_owned(), "application/cbor".to_owned()),
        ]);
        answer
    }
}

mod cbor {
    fn head(major: u8, length: usize) -> Vec<u8> {
        match length {
            0..24 => vec![major << 5 | length as u8],
            24..256 => vec![major << 5 | 24, length as u8],
            _ => panic!("too long for a test"),
        }
    }

    pub(super) fn text(text: &str) -> Vec<u8> {
        [head(3, text.len()), text.as_bytes().to_vec()].concat()
    }

    pub(super) fn array(items: &[Vec<u8>]) -> Vec<u8> {
        [head(4, items.len()), items.concat()].concat()
    }

    pub(super) fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entries: Vec<_> = entries.iter().map(|(key, value)| [text(key), value.clone()].concat()).collect();
        [head(5, entries.len()), entries.concat()].concat()
    }
}

fn parse(template: &str) -> Template {
    cfn::read::template(template).unwrap()
}

/// A resource that is there.
fn thing(stack: &str, id: &str, kind: &str) -> Resource {
    let physical = match kind {
        "AWS::SQS::Queue" => format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{stack}-{id}"),
        _ => format!("{stack}-{id}"),
    };
    Resource { kind: kind.to_owned(), physical, status: "CREATE_COMPLETE".to_owned(), reason: String::new() }
}

fn changes(
    old: &Template,
    new: &Template,
    old_parameters: &BTreeMap<String, String>,
    new_parameters: &BTreeMap<String, String>,
) -> Vec<Change> {
    let mut found = Vec::new();
    let change = |action, resource: &str, kind: &str| Change {
        action,
        resource: resource.to_owned(),
        kind: kind.to_owned(),
        physical: String::new(),
        replacement: "",
        properties: Vec::new(),
    };
    for (id, resource) in new.resources.iter() {
        let Some(before) = old.resources.get(id.as_str()) else {
            found.push(change("Add", id.as_str(), &resource.kind));
            continue;
        };
        let lifecycle = cfn::schema::lifecycle(&resource.kind);
        let names: BTreeSet<_> = before.properties.keys().chain(resource.properties.keys()).cloned().collect();
        let differs = |name: &String| {
            let values = (before.properties.get(name), resource.properties.get(name));
            let refers = values.1.map(|value| cfn::graph::references(value, "")).unwrap_or_default();
            let moved = refers.iter().any(|(_, name)| old_parameters.get(name) != new_parameters.get(name));
            values.0 != values.1 || moved
        };
        let properties = names.into_iter().filter(differs).map(|name| {
            let replaces = lifecycle.as_ref().is_some_and(|known| known.create_only.contains(&name));
            (name, replaces)
        });
        let properties: Vec<(String, bool)> = properties.collect();
        if !properties.is_empty() {
            let replacement = if properties.iter().any(|(_, replaces)| *replaces) { "True" } else { "False" };
            found.push(Change { replacement, properties, ..change("Modify", id.as_str(), &resource.kind) });
        }
    }
    let gone = old.resources.iter().filter(|(id, _)| new.resources.get(id.as_str()).is_none());
    found.extend(gone.map(|(id, resource)| change("Remove", id.as_str(), &resource.kind)));
    found
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rfc3339(seconds: u64) -> String {
    format!("2026-11-24T12:{:02}:{:02}Z", seconds / 60, seconds % 60)
}
