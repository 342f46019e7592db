//! Domains of one's own: certificates and records.

use super::{
    Fault, Rule,
    Severity::{Error, Warning},
};
use crate::check::context::Facts;
use cfn::view::{Field, ResourceView, items, known_items, text::Text};

const CERTIFICATE: &str = "AWS::CertificateManager::Certificate";
const DOMAIN: &str = "AWS::ApiGatewayV2::DomainName";
const RECORD: &str = "AWS::Route53::RecordSet";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DOM-1",
        severity: Error,
        title: "a certificate covers its domain",
        why: "API Gateway refuses a domain that its certificate does not name",
        mend: "add the domain to the certificate's DomainName or SubjectAlternativeNames; *.example.com covers one level",
        find: covers_domain,
    },
    Rule {
        id: "DOM-2",
        severity: Warning,
        title: "a domain takes TLS 1.2 and later only",
        why: "TLS 1.0 and 1.1 are broken",
        mend: "set SecurityPolicy to TLS_1_2",
        find: tls,
    },
    Rule {
        id: "DOM-3",
        severity: Warning,
        title: "a certificate validates itself",
        why: "without a hosted zone, CloudFormation waits until somebody has made the record or answered the mail, for hours \
              if it must, and then fails",
        mend: "set ValidationMethod to DNS, and a HostedZoneId for every name in DomainValidationOptions",
        find: validates_itself,
    },
    Rule {
        id: "DOM-4",
        severity: Error,
        title: "a certificate is validated for its own names",
        why: "ACM refuses options for names that the certificate does not have, and domains that are not above the name",
        mend: "name the certificate's own domain in DomainValidationOptions",
        find: validation_names,
    },
    Rule {
        id: "DOM-5",
        severity: Error,
        title: "a record is an alias, or has values and a TTL",
        why: "Route 53 refuses a record with both or with neither",
        mend: "keep AliasTarget, or ResourceRecords with TTL",
        find: record,
    },
];

/// The names of a certificate, where all of them are known.
fn names_of(certificate: ResourceView<'_>) -> Option<Vec<String>> {
    let mut names = vec![certificate.literal("DomainName")?];
    match certificate.field("SubjectAlternativeNames") {
        Field::Absent => {}
        Field::Is(list) => {
            for (_, name) in items(list, &certificate.path()) {
                names.push(Text::of(name).literal()?.to_owned());
            }
        }
        Field::Unknown => return None,
    }
    Some(names)
}

/// Whether a certificate's name, which may begin with `*.`, covers a domain.
fn covers(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(above) => domain.split_once('.').is_some_and(|(_, rest)| rest == above),
        None => name == domain,
    }
}

fn covers_domain(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for domain in facts.all(DOMAIN) {
        let Some(name) = domain.literal("DomainName") else { continue };
        let Field::Is(configurations) = domain.field("DomainNameConfigurations") else { continue };
        for (path, configuration) in items(configurations, &domain.at("DomainNameConfigurations")) {
            let Field::Is(arn) = Field::of(configuration).member("CertificateArn") else { continue };
            let Some(certificate) = facts.target(arn, CERTIFICATE) else { continue };
            let Some(names) = names_of(certificate) else { continue };
            if !names.iter().any(|covered| covers(covered, &name)) {
                let message = format!("{} is for {}, not for {name}", certificate.id, names.join(", "));
                faults.push(Fault::new(path.key("CertificateArn"), message));
            }
        }
    }
    faults
}

fn tls(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for domain in facts.all(DOMAIN) {
        let Field::Is(configurations) = domain.field("DomainNameConfigurations") else { continue };
        for (path, configuration) in items(configurations, &domain.at("DomainNameConfigurations")) {
            match Field::of(configuration).member("SecurityPolicy") {
                Field::Is(policy) if Text::of(policy).literal() == Some("TLS_1_0") => {
                    faults.push(Fault::new(path.key("SecurityPolicy"), "TLS 1.0 is taken"));
                }
                _ => {}
            }
        }
    }
    faults
}

fn validates_itself(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for certificate in facts.all(CERTIFICATE) {
        let method = match certificate.field("ValidationMethod") {
            // ACM's own default.
            Field::Absent => "EMAIL".to_owned(),
            Field::Is(method) => match Text::of(method).literal() {
                Some(method) => method.to_owned(),
                None => continue,
            },
            Field::Unknown => continue,
        };
        if certificate.has("CertificateAuthorityArn") {
            // A private authority asks nobody.
            continue;
        }
        if method == "EMAIL" {
            faults.push(Fault::new(certificate.path(), "somebody must answer ACM's mail"));
            continue;
        }
        let Some(names) = names_of(certificate) else { continue };
        let place = "DomainValidationOptions";
        let (options, complete) = known_items(certificate.field(place), &certificate.at(place));
        // Options for other names are a mistake of their own: DOM-1 or DOM-4.
        let strange = options.iter().any(|(_, option)| match Field::of(option).member("DomainName") {
            Field::Is(name) => Text::of(name).literal().is_some_and(|name| !names.iter().any(|own| own == name)),
            Field::Absent | Field::Unknown => false,
        });
        if !complete || strange {
            continue;
        }
        let zoned: Vec<String> = options
            .iter()
            .filter(|(_, option)| !matches!(Field::of(option).member("HostedZoneId"), Field::Absent))
            .map(|(_, option)| match Field::of(option).member("DomainName") {
                Field::Is(name) => Text::of(name).shown(),
                Field::Absent | Field::Unknown => "${?}".to_owned(),
            })
            .collect();
        // One record validates a name and its wildcard.
        let bare = |name: &str| name.strip_prefix("*.").unwrap_or(name).to_owned();
        for name in names {
            if !zoned.iter().any(|zoned| bare(zoned) == bare(&name) || zoned.contains("${")) {
                let message = format!("somebody must make the record for {name}: it has no HostedZoneId");
                faults.push(Fault::new(certificate.path(), message));
            }
        }
    }
    faults
}

fn validation_names(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for certificate in facts.all(CERTIFICATE) {
        let Some(names) = names_of(certificate) else { continue };
        let Field::Is(options) = certificate.field("DomainValidationOptions") else { continue };
        for (path, option) in items(options, &certificate.at("DomainValidationOptions")) {
            let text = |name: &str| Some(Text::of(Field::of(option).member(name).value()?).literal()?.to_owned());
            let Some(name) = text("DomainName") else { continue };
            if !names.contains(&name) && !is_of_a_domain(facts, certificate, &name) {
                let message = format!("{name} is not a name of the certificate, which has {}", names.join(", "));
                faults.push(Fault::new(path.key("DomainName"), message));
            }
            let Some(above) = text("ValidationDomain") else { continue };
            if name != above && !name.ends_with(&format!(".{above}")) {
                faults.push(Fault::new(path.key("ValidationDomain"), format!("{name} does not lie in {above}")));
            }
        }
    }
    faults
}

/// Whether a name is that of a domain which uses the certificate: then the certificate's own name is wrong, as DOM-1 says.
fn is_of_a_domain(facts: &Facts<'_>, certificate: ResourceView<'_>, name: &str) -> bool {
    facts.all(DOMAIN).filter(|domain| domain.literal("DomainName").as_deref() == Some(name)).any(|domain| {
        let configurations = domain.list("DomainNameConfigurations").into_iter();
        let arns = configurations.filter_map(|one| Field::of(one).member("CertificateArn").value());
        arns.filter_map(|arn| facts.target(arn, CERTIFICATE)).any(|used| used.id == certificate.id)
    })
}

fn record(facts: &Facts<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for record in facts.all(RECORD) {
        let mut say = |message: &str| faults.push(Fault::new(record.path().key("Properties"), message));
        if record.has("AliasTarget") {
            if record.has("ResourceRecords") {
                say("the record is an alias and has values of its own");
            } else if record.has("TTL") {
                say("the record is an alias and has a TTL, which comes with the target");
            }
        } else if record.is_absent("AliasTarget") {
            if record.is_absent("ResourceRecords") {
                say("the record has neither an alias nor values");
            } else if record.is_absent("TTL") {
                say("the record has values and no TTL");
            }
        }
    }
    faults
}
