//! Change sets: asked for, described, thrown away.

use super::*;

impl Cloud {
    pub(super) fn create_change_set(&mut self, name: &str, call: &Call) -> Done {
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
        let stack = &self.stacks[at];
        let parameters: BTreeMap<String, String> = (1..)
            .map_while(|at| {
                let field = |name: &str| call.fields.get(&format!("Parameters.member.{at}.{name}")).cloned();
                let name = field("ParameterKey")?;
                let kept = field("UsePreviousValue").is_some_and(|keeps| keeps == "true");
                let value = if kept { stack.parameters.get(&name).cloned() } else { field("ParameterValue") };
                Some((name, value?))
            })
            .collect();
        let old = if in_review { Template::default() } else { parse(&stack.template) };
        let mut changes = changes(&old, &parse(&template), &stack.parameters, &parameters);
        for change in &mut changes {
            change.physical =
                stack.resources.get(&change.resource).map(|thing| thing.physical.clone()).unwrap_or_default();
        }
        let list = |name: &str| (1..).map_while(|at| call.fields.get(&format!("{name}{at}")).cloned()).collect();
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
            tags: BTreeMap::new(),
            capabilities: list("Capabilities.member."),
            alarms: (1..)
                .map_while(|at| {
                    call.fields.get(&format!("RollbackConfiguration.RollbackTriggers.member.{at}.Arn")).cloned()
                })
                .collect(),
            minutes: call.fields["RollbackConfiguration.MonitoringTimeInMinutes"].parse().unwrap(),
            changes,
            status: if empty { "FAILED" } else { "CREATE_COMPLETE" },
            execution: if empty { "UNAVAILABLE" } else { "AVAILABLE" },
            reason: if empty { reason.to_owned() } else { String::new() },
        });
        Ok(format!("<Id>{id}</Id><StackId>{stack_id}</StackId>"))
    }

    pub(super) fn change_set(&self, call: &Call) -> Result<(usize, ChangeSet), (&'static str, String)> {
        let name = call.fields.get("ChangeSetName").unwrap();
        let found = self.stacks.iter().enumerate().find_map(|(at, stack)| {
            let sets = stack.change_sets.iter().chain(&stack.executed);
            Some((at, sets.into_iter().find(|set| set.id == *name || set.name == *name)?.clone()))
        });
        found.ok_or_else(|| ("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")))
    }

    pub(super) fn describe_change_set(&mut self, call: &Call) -> Done {
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
        let pairs = |[key, content]: [&str; 2], of: &BTreeMap<String, String>| {
            let pair = |(name, value): (&String, &String)| {
                format!("<member><{key}>{name}</{key}><{content}>{}</{content}></member>", escape(value))
            };
            of.iter().map(pair).collect::<String>()
        };
        let parameters = pairs(["ParameterKey", "ParameterValue"], &set.parameters);
        let tags = pairs(["Key", "Value"], &set.tags);
        let capabilities: String = set.capabilities.iter().map(|each| format!("<member>{each}</member>")).collect();
        let triggers: String = set
            .alarms
            .iter()
            .map(|arn| format!("<member><Arn>{arn}</Arn><Type>AWS::CloudWatch::Alarm</Type></member>"))
            .collect();
        let rollback = format!(
            "<RollbackTriggers>{triggers}</RollbackTriggers><MonitoringTimeInMinutes>{}</MonitoringTimeInMinutes>",
            set.minutes
        );
        Ok(format!(
            "<ChangeSetName>{}</ChangeSetName><ChangeSetId>{}</ChangeSetId><StackId>{}</StackId>\
             <Description>{}</Description><Status>{}</Status><ExecutionStatus>{}</ExecutionStatus>\
             <StatusReason>{}</StatusReason><Parameters>{parameters}</Parameters>\
             <Capabilities>{capabilities}</Capabilities><Tags>{tags}</Tags>\
             <RollbackConfiguration>{rollback}</RollbackConfiguration><Changes>{changes}</Changes>",
            set.name,
            set.id,
            self.stacks[at].id,
            escape(&set.description),
            set.status,
            set.execution,
            set.reason
        ))
    }

    pub(super) fn delete_change_set(&mut self, call: &Call) -> Done {
        let (at, set) = self.change_set(call)?;
        self.stacks[at].change_sets.retain(|other| other.id != set.id);
        Ok(String::new())
    }
}
