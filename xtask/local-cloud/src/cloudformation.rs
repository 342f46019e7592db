//! CloudFormation, to be read only: the template that runs is a stack, so that tools find what it consists of.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html>

use std::collections::BTreeMap;

use cfn::Template;
use uuid::Uuid;

use crate::{
    account::Account,
    live::Live,
    wire::{ApiError, query::Query, xml::Xml},
};

/// What every resource is, and the stack until it is changed.
const STATUS: &str = "CREATE_COMPLETE";
/// What the stack is once it was changed.
const CHANGED: &str = "UPDATE_COMPLETE";

/// What can be asked.
const READS: [&str; 7] = [
    "DescribeStacks",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "GetTemplate",
    "ListChangeSets",
    "ListStackResources",
];

/// How many resources a page of `ListStackResources` has, and how many `DescribeStackResources` answers at most.
const PAGE: usize = 100;

/// A resource that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StackResource {
    /// Its logical id.
    pub(crate) id: String,
    /// Its type.
    pub(crate) kind: String,
    /// What its service calls it.
    pub(crate) physical: String,
}

/// The one stack of the account. Clones share it.
#[derive(Clone)]
pub struct CloudFormation(Live<Stack>);

struct Stack {
    name: String,
    /// The stack's ARN.
    id: String,
    description: String,
    template: String,
    parameters: Vec<(String, String)>,
    resources: Vec<StackResource>,
    /// Names, values and descriptions.
    outputs: Vec<(String, String, String)>,
    made_at: String,
    changed_at: Option<String>,
}

/// What was made of a template.
pub(crate) struct StackParts<'a> {
    pub(crate) name: &'a str,
    pub(crate) template: &'a Template,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) resources: Vec<StackResource>,
    /// The outputs' values by their names.
    pub(crate) outputs: &'a BTreeMap<String, String>,
}

impl CloudFormation {
    /// The stack that was made.
    pub(crate) fn new(account: &Account, parts: StackParts<'_>) -> Self {
        let id = account.arn("cloudformation", &format!("stack/{}/{}", parts.name, Uuid::new_v4()));
        Self(Live::new(Stack::new(id, parts)))
    }

    /// The stack was changed to be this.
    pub(crate) fn change(&self, parts: StackParts<'_>) {
        let old = self.0.get();
        let (made_at, changed_at) = (old.made_at.clone(), Some(jiff::Timestamp::now().to_string()));
        self.0.set(Stack { made_at, changed_at, ..Stack::new(old.id.clone(), parts) });
    }

    /// Does one action; answers what stands in its result.
    pub(crate) fn run(&self, action: &str, query: &Query) -> Result<Xml, ApiError> {
        self.0.get().run(action, query)
    }
}

impl Stack {
    fn new(id: String, parts: StackParts<'_>) -> Self {
        let StackParts { name, template, parameters, resources, outputs } = parts;
        let described = |name: &str| template.outputs.get(name).and_then(|output| output.description.clone());
        let outputs = outputs
            .iter()
            .map(|(name, value)| (name.clone(), value.clone(), described(name).unwrap_or_default()))
            .collect();
        Self {
            name: name.to_owned(),
            id,
            description: template.description.clone().unwrap_or_default(),
            template: cfn::write::yaml(template),
            parameters: parameters.clone().into_iter().collect(),
            resources,
            outputs,
            made_at: jiff::Timestamp::now().to_string(),
            changed_at: None,
        }
    }

    fn run(&self, action: &str, query: &Query) -> Result<Xml, ApiError> {
        let stack = self;
        if !READS.contains(&action) {
            let message = format!("{action} is not played here: what runs is the template that it was started with");
            return Err(ApiError::caller("InvalidAction", message));
        }
        match query.get("StackName") {
            None if action == "DescribeStacks" => {}
            Some(name) if name == stack.name || name == stack.id => {}
            name => {
                let message = format!("Stack with id {} does not exist", name.unwrap_or_default());
                return Err(ApiError::caller("ValidationError", message));
            }
        }
        match action {
            "DescribeStacks" => {
                Ok(Xml::default().element("Stacks", |xml| xml.element("member", |xml| stack.describe(xml))))
            }
            // Nothing waits to be changed.
            "ListChangeSets" => Ok(Xml::default().element("Summaries", |xml| xml)),
            "DescribeStackEvents" => Ok(stack.events()),
            "ListStackResources" => stack.list(query.get("NextToken")),
            "DescribeStackResource" => stack.one(query.get("LogicalResourceId").unwrap_or_default()),
            "GetTemplate" => Ok(Xml::default()
                .text("TemplateBody", &stack.template)
                .element("StagesAvailable", |xml| xml.text("member", "Original").text("member", "Processed"))),
            _ => {
                let only = query.get("LogicalResourceId");
                let wanted = stack.resources.iter().filter(|resource| only.is_none_or(|only| only == resource.id));
                let wanted = wanted.take(PAGE);
                Ok(Xml::default().element("StackResources", |xml| {
                    xml.each("member", wanted, |xml, resource| stack.resource(xml, resource, "Timestamp"))
                }))
            }
        }
    }

    fn describe(&self, xml: Xml) -> Xml {
        xml.text("StackName", &self.name)
            .text("StackId", &self.id)
            .text("Description", &self.description)
            .element("Parameters", |xml| {
                xml.each("member", &self.parameters, |xml, (name, value)| {
                    xml.text("ParameterKey", name).text("ParameterValue", value)
                })
            })
            .text("CreationTime", &self.made_at)
            .texts("LastUpdatedTime", self.changed_at.as_deref())
            .text("StackStatus", self.changed_at.as_ref().map_or(STATUS, |_| CHANGED))
            .text("DisableRollback", "false")
            .text("EnableTerminationProtection", "false")
            .element("DriftInformation", |xml| xml.text("StackDriftStatus", "NOT_CHECKED"))
            .element("Outputs", |xml| {
                xml.each("member", &self.outputs, |xml, (name, value, description)| {
                    xml.text("OutputKey", name).text("OutputValue", value).text("Description", description)
                })
            })
    }

    /// A page; the token is the number of the next one's first resource.
    fn list(&self, token: Option<&str>) -> Result<Xml, ApiError> {
        let start: usize = token
            .map_or(Ok(0), str::parse)
            .map_err(|_| ApiError::caller("ValidationError", "NextToken is none of those that were given out"))?;
        let page = self.resources.iter().skip(start).take(PAGE);
        let xml = Xml::default().element("StackResourceSummaries", |xml| {
            xml.each("member", page, |xml, resource| self.resource(xml, resource, "LastUpdatedTimestamp"))
        });
        let next = start + PAGE;
        Ok(if next < self.resources.len() { xml.text("NextToken", &next.to_string()) } else { xml })
    }

    /// That everything was made, the newest first; all at once, as it was.
    fn events(&self) -> Xml {
        const STACK: &str = "AWS::CloudFormation::Stack";
        let own = |status: &'static str| (self.name.as_str(), self.id.as_str(), STACK, status);
        let resources = self.resources.iter().rev();
        let resources = resources.map(|made| (made.id.as_str(), made.physical.as_str(), made.kind.as_str(), STATUS));
        let events = [own(STATUS)].into_iter().chain(resources).chain([own("CREATE_IN_PROGRESS")]);
        Xml::default().element("StackEvents", |xml| {
            xml.each("member", events, |xml, (id, physical, kind, status)| {
                xml.text("StackName", &self.name)
                    .text("StackId", &self.id)
                    .text("EventId", &format!("{id}-{status}"))
                    .text("LogicalResourceId", id)
                    .text("PhysicalResourceId", physical)
                    .text("ResourceType", kind)
                    .text("ResourceStatus", status)
                    .text("Timestamp", &self.made_at)
            })
        })
    }

    fn one(&self, id: &str) -> Result<Xml, ApiError> {
        let resource = self.resources.iter().find(|resource| resource.id == id).ok_or_else(|| {
            let message = format!("Resource {id} does not exist for stack {}", self.name);
            ApiError::caller("ValidationError", message)
        })?;
        Ok(Xml::default().element("StackResourceDetail", |xml| self.resource(xml, resource, "LastUpdatedTimestamp")))
    }

    fn resource(&self, xml: Xml, resource: &StackResource, time: &str) -> Xml {
        let StackResource { id, kind, physical } = resource;
        xml.text("StackName", &self.name)
            .text("StackId", &self.id)
            .text("LogicalResourceId", id)
            .text("PhysicalResourceId", physical)
            .text("ResourceType", kind)
            .text("ResourceStatus", STATUS)
            .text(time, &self.made_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(count: usize) -> CloudFormation {
        let account = Account { id: "1".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://aws".to_owned() };
        let template = "Description: a <shop>\nResources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {Url: {Value: !Ref Q, Description: here}}";
        let template = cfn::read::template(template).unwrap();
        let resource = |at: usize| StackResource {
            id: format!("Q{at}"),
            kind: "AWS::SQS::Queue".to_owned(),
            physical: format!("http://aws/1/q-{at}"),
        };
        CloudFormation::new(
            &account,
            StackParts {
                name: "shop-local",
                template: &template,
                parameters: &BTreeMap::from([("Key".to_owned(), "k".to_owned())]),
                resources: (0..count).map(resource).collect(),
                outputs: &BTreeMap::from([("Url".to_owned(), "http://aws/1/q".to_owned())]),
            },
        )
    }

    fn ask(stack: &CloudFormation, query: &str) -> String {
        let query = Query::parse("", query.as_bytes());
        stack.run(query.get("Action").unwrap(), &query).map_or_else(|error| error.to_string(), Xml::finish)
    }

    #[test]
    fn the_stack_says_what_it_is_and_what_came_of_it() {
        let said = ask(&stack(1), "Action=DescribeStacks&StackName=shop-local");
        for part in [
            "<StackName>shop-local</StackName><StackId>arn:aws:cloudformation:eu-west-1:1:stack/shop-local/",
            "<Description>a &lt;shop&gt;</Description>",
            "<ParameterKey>Key</ParameterKey><ParameterValue>k</ParameterValue>",
            "<OutputKey>Url</OutputKey><OutputValue>http://aws/1/q</OutputValue><Description>here</Description>",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(
            ask(&stack(1), "Action=DescribeStacks&StackName=else"),
            "ValidationError: Stack with id else does not exist"
        );
        let template = ask(&stack(1), "Action=GetTemplate&StackName=shop-local");
        assert!(template.contains("Type: AWS::SQS::Queue"), "{template}");
    }

    #[test]
    fn resources_come_in_pages_until_all_are_told() {
        let stack = stack(205);
        let (mut token, mut count) = (String::new(), 0);
        for page in 0..3 {
            let said = ask(&stack, &format!("Action=ListStackResources&StackName=shop-local{token}"));
            count += said.matches("<LogicalResourceId>").count();
            assert_eq!(said.contains("<NextToken>"), page < 2);
            token = format!("&NextToken={}", (page + 1) * PAGE);
        }
        assert_eq!(count, 205);
        let one = ask(&stack, "Action=DescribeStackResources&StackName=shop-local&LogicalResourceId=Q7");
        assert!(one.contains("<PhysicalResourceId>http://aws/1/q-7<") && one.matches("<member>").count() == 1, "{one}");
        assert!(
            ask(&stack, "Action=ListStackResources&StackName=shop-local&NextToken=x").starts_with("ValidationError")
        );
        let one = ask(&stack, "Action=DescribeStackResource&StackName=shop-local&LogicalResourceId=Q300");
        assert_eq!(one, "ValidationError: Resource Q300 does not exist for stack shop-local");
    }

    #[test]
    fn its_events_are_one_creation_the_newest_first() {
        let said = ask(&stack(2), "Action=DescribeStackEvents&StackName=shop-local");
        let statuses: Vec<_> = said.split("<EventId>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        let wanted =
            ["shop-local-CREATE_COMPLETE", "Q1-CREATE_COMPLETE", "Q0-CREATE_COMPLETE", "shop-local-CREATE_IN_PROGRESS"];
        assert_eq!(statuses, wanted);
        assert_eq!(ask(&stack(2), "Action=ListChangeSets&StackName=shop-local"), "<Summaries></Summaries>");
    }

    #[test]
    fn what_would_change_it_is_refused() {
        assert!(
            ask(&stack(1), "Action=DeleteStack&StackName=shop-local")
                .starts_with("InvalidAction: DeleteStack is not played")
        );
    }
}
