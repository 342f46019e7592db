//! A domain of one's own for an API: certificate, domain name, mapping and address records.

use serde_json::json;

use super::{HttpApi, http_api};
use crate::{Arn, Handle, Kind, Stack, Value};

/// A domain in a hosted zone of Route 53, for one API.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html>
pub struct Domain<'a> {
    /// Such as `subscriptions.example.com`.
    pub name: String,
    /// The hosted zone that the name lies in.
    pub hosted_zone_id: String,
    /// What answers there.
    pub api: &'a Handle<HttpApi>,
}

/// A certificate of ACM, which validates itself over the hosted zone.
pub struct Certificate;

impl Kind for Certificate {
    const TYPE: &'static str = "AWS::CertificateManager::Certificate";
    const STATEFUL: bool = true;
}

/// A custom domain name of API Gateway.
pub struct DomainName;

impl Kind for DomainName {
    const TYPE: &'static str = "AWS::ApiGatewayV2::DomainName";
    const STATEFUL: bool = true;
}

struct ApiMapping;

impl Kind for ApiMapping {
    const TYPE: &'static str = "AWS::ApiGatewayV2::ApiMapping";
}

struct RecordSet;

impl Kind for RecordSet {
    const TYPE: &'static str = "AWS::Route53::RecordSet";
}

impl Stack {
    /// Adds the domain: `<id>Certificate`, `<id>`, `<id>Mapping`, and records for IPv4 and IPv6.
    pub fn domain(&mut self, id: &str, domain: &Domain<'_>) -> Handle<DomainName> {
        let certificate = self.add::<Certificate>(
            &format!("{id}Certificate"),
            json!({
                "DomainName": domain.name,
                "ValidationMethod": "DNS",
                "DomainValidationOptions": [{ "DomainName": domain.name, "HostedZoneId": domain.hosted_zone_id }],
            }),
        );
        let handle = self.add::<DomainName>(
            id,
            json!({
                "DomainName": domain.name,
                "DomainNameConfigurations": [{
                    "CertificateArn": certificate.reference::<Arn<Certificate>>(),
                    "EndpointType": "REGIONAL",
                    "SecurityPolicy": "TLS_1_2",
                }],
            }),
        );
        let mapping = self.add::<ApiMapping>(
            &format!("{id}Mapping"),
            json!({
                "ApiId": domain.api.api_id(),
                "DomainName": handle.reference::<String>(),
                "Stage": Value::<String>::reference(http_api::stage_id(domain.api)),
            }),
        );
        for (suffix, kind) in [("Ipv4", "A"), ("Ipv6", "AAAA")] {
            let record = self.add::<RecordSet>(
                &format!("{id}{suffix}"),
                json!({
                    "HostedZoneId": domain.hosted_zone_id,
                    "Name": domain.name,
                    "Type": kind,
                    "AliasTarget": {
                        "DNSName": handle.attribute::<String>("RegionalDomainName"),
                        "HostedZoneId": handle.attribute::<String>("RegionalHostedZoneId"),
                    },
                }),
            );
            // Nobody should be sent to the domain before it answers.
            self.change(&record, |resource| resource.depends_on.push(mapping.id.clone()));
        }
        handle
    }
}
