//! Networks that are open to the internet.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value as Json;

use super::fact;
use crate::diff::{Fact, Guard, compared::Compared, fold::changed_at, words::subject};
use cfn::{
    LogicalId, Path,
    view::{Field, ResourceView, TemplateView, text::Text},
};

const GROUP: &str = "AWS::EC2::SecurityGroup";

/// Every address.
const INTERNET: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Switches that put a thing into the internet: type, place, what it says then, whether it is so by default.
const SWITCHES: [(&str, &str, &str, bool); 8] = [
    ("AWS::RDS::DBInstance", "PubliclyAccessible", "true", false),
    ("AWS::RDS::DBCluster", "PubliclyAccessible", "true", false),
    ("AWS::Redshift::Cluster", "PubliclyAccessible", "true", false),
    ("AWS::DMS::ReplicationInstance", "PubliclyAccessible", "true", true),
    ("AWS::AmazonMQ::Broker", "PubliclyAccessible", "true", false),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Scheme", "internet-facing", true),
    ("AWS::ElasticLoadBalancing::LoadBalancer", "Scheme", "internet-facing", true),
    ("AWS::EKS::Cluster", "ResourcesVpcConfig.EndpointPublicAccess", "true", true),
];

pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let (mut facts, mut told) = (Vec::new(), HashSet::new());
    let old = openings(&compared.old.facts(), |id| {
        compared
            .pairs()
            .find(|pair| pair.old_id.as_str() == id)
            .map_or_else(|| id.to_owned(), |pair| pair.new_id.to_string())
    });
    for opening in openings(&compared.new.facts(), str::to_owned) {
        if old.iter().any(|before| before.covers(&opening))
            || !told.insert((opening.group.clone(), opening.ports.clone()))
        {
            continue;
        }
        let Some((id, _)) = compared.new.template.resources.get_key_value(opening.by.as_str()) else { continue };
        let explains = changed_at(compared, id, "SecurityGroupIngress");
        let explains = if explains.is_empty() { vec![Path::resource(id.as_str())] } else { explains };
        let sentence =
            format!("the whole internet may newly reach {} of security group {}", opening.ports, opening.group);
        facts.push(fact("open-network", id, sentence, &[Guard::OpenNetwork], explains));
    }
    for (kind, place, on, default) in SWITCHES {
        for new in compared.new.facts().all(kind) {
            let is_on = |thing: ResourceView<'_>| match thing.field(place) {
                Field::Absent => default,
                Field::Is(value) => Text::of(value).literal() == Some(on),
                Field::Unknown => false,
            };
            let before =
                compared.pair(new.id.as_str()).map(|pair| ResourceView { id: pair.old_id, resource: pair.old });
            if is_on(new) && !before.is_some_and(is_on) {
                let sentence = format!("{} is newly in reach of the whole internet", subject(kind, &[new.id]));
                let explains = changed_at(compared, new.id, place);
                facts.push(fact("open-network", new.id, sentence, &[Guard::OpenNetwork], explains));
            }
        }
    }
    facts.extend(private_apis(compared));
    facts
}

/// REST APIs that were in reach of a private network only.
fn private_apis(compared: &Compared<'_>) -> Vec<Fact> {
    let is_private = |thing: ResourceView<'_>| {
        let types = thing.list("EndpointConfiguration.Types");
        types.iter().any(|one| one.as_str() == Some("PRIVATE"))
    };
    let apis = compared.pairs().filter(|pair| pair.new.kind == "AWS::ApiGateway::RestApi").filter(|pair| {
        is_private(ResourceView { id: pair.old_id, resource: pair.old })
            && !is_private(ResourceView { id: pair.new_id, resource: pair.new })
    });
    let facts = apis.map(|pair| {
        let sentence = format!("{} is newly in reach of the whole internet", subject(&pair.new.kind, &[pair.new_id]));
        let explains = changed_at(compared, pair.new_id, "EndpointConfiguration");
        fact("open-network", pair.new_id, sentence, &[Guard::OpenNetwork], explains)
    });
    facts.collect()
}

/// Ports of a security group that are open to every address.
struct Opening {
    group: String,
    ports: String,
    /// The least and the greatest, with the protocol.
    range: (String, i64, i64),
    by: String,
}

impl Opening {
    fn covers(&self, other: &Self) -> bool {
        let ((protocol, from, to), (its, its_from, its_to)) = (&self.range, &other.range);
        self.group == other.group && (protocol == its || protocol == "-1") && from <= its_from && to >= its_to
    }
}

fn openings(facts: &TemplateView<'_>, new_id: impl Fn(&str) -> String) -> Vec<Opening> {
    let mut found = Vec::new();
    for group in facts.all(GROUP) {
        for rule in group.list("SecurityGroupIngress") {
            found.extend(opening(rule, new_id(group.id.as_str()), group.id));
        }
    }
    for ingress in facts.all("AWS::EC2::SecurityGroupIngress") {
        let group = ingress.field("GroupId").value().or_else(|| ingress.field("GroupName").value());
        let Some(group) = group else { continue };
        let named = facts.target(group, GROUP).map(|group| new_id(group.id.as_str()));
        let whole = Json::Object(ingress.resource.properties.clone());
        found.extend(opening(&whole, named.unwrap_or_else(|| Text::of(group).shown()), ingress.id));
    }
    found
}

fn opening(rule: &Json, group: String, by: &LogicalId) -> Option<Opening> {
    let text = |name: &str| rule.get(name).map(Text::of).and_then(|text| text.literal().map(str::to_owned));
    let addresses: BTreeSet<String> = ["CidrIp", "CidrIpv6"].iter().filter_map(|name| text(name)).collect();
    if !addresses.iter().any(|address| INTERNET.contains(&address.as_str())) {
        return None;
    }
    let protocol = text("IpProtocol").unwrap_or_else(|| "-1".to_owned());
    let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok());
    let (from, to) = match protocol.as_str() {
        "-1" => (0, 65_535),
        _ => (number("FromPort").unwrap_or(0), number("ToPort").unwrap_or(65_535)),
    };
    let ports = match (protocol.as_str(), from == to) {
        ("-1", _) => "every port".to_owned(),
        (_, true) => format!("port {from} ({protocol})"),
        (_, false) => format!("ports {from} to {to} ({protocol})"),
    };
    Some(Opening { group, ports, range: (protocol, from, to), by: by.to_string() })
}
