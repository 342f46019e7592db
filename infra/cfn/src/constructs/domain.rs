//! A domain of one's own for an API: certificate, domain name, mapping and address records.

use super::{Construct, HttpApi, http_api};
use crate::{
    Handle, Stack, Url, Value,
    resources::{
        apigatewayv2::{self, domain_name as l1},
        certificatemanager::{
            self,
            certificate::{DomainValidationOption, ValidationMethod},
        },
        route53::{self, record_set},
    },
};

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

impl Construct for Certificate {
    type Resource = certificatemanager::Certificate;
}

/// A custom domain name of API Gateway.
pub struct DomainName;

impl Construct for DomainName {
    type Resource = apigatewayv2::DomainName;
}

impl Domain<'_> {
    /// Where the API answers at this domain.
    #[must_use]
    pub fn url(&self) -> Value<Url<apigatewayv2::Api>> {
        Value::sub(["https://".into(), self.name.as_str().into()])
    }
}

impl Stack {
    /// Adds the domain: `<id>Certificate`, `<id>`, `<id>Mapping`, and records for IPv4 and IPv6.
    #[track_caller]
    pub fn domain(&mut self, id: &str, domain: &Domain<'_>) -> Handle<DomainName> {
        let name = || domain.name.as_str().into();
        // Validation over DNS renews itself, and CloudFormation writes the record where it knows the zone.
        let validation = DomainValidationOption {
            domain_name: Some(name()),
            hosted_zone_id: Some(domain.hosted_zone_id.as_str().into()),
            ..DomainValidationOption::default()
        };
        let certificate = certificatemanager::Certificate {
            validation_method: Some(ValidationMethod::Dns.into()),
            domain_validation_options: Some([validation].into()),
            ..certificatemanager::Certificate::new(name())
        };
        let certificate = self.add(&format!("{id}Certificate"), certificate);
        let configuration = l1::DomainNameConfiguration {
            certificate_arn: Some(certificate.arn()),
            // HTTP APIs have only these two.
            endpoint_type: Some(l1::EndpointType::Regional.into()),
            security_policy: Some(l1::SecurityPolicy::Tls1_2.into()),
            ..l1::DomainNameConfiguration::default()
        };
        let domain_name = apigatewayv2::DomainName {
            domain_name_configurations: Some([configuration].into()),
            ..apigatewayv2::DomainName::new(name())
        };
        let handle = self.add(id, domain_name);
        let stage = http_api::stage(self, domain.api);
        let mapping = apigatewayv2::ApiMapping::new(domain.api.api_id(), handle.name(), stage.name());
        let mapping = self.add(&format!("{id}Mapping"), mapping);
        for (suffix, kind) in [("Ipv4", record_set::Type::A), ("Ipv6", record_set::Type::Aaaa)] {
            let target = record_set::AliasTarget::new(handle.regional_domain_name(), handle.regional_hosted_zone_id());
            let record = route53::RecordSet {
                hosted_zone_id: Some(domain.hosted_zone_id.as_str().into()),
                alias_target: Some(target.into()),
                ..route53::RecordSet::new(name(), kind.into())
            };
            let record = self.add(&format!("{id}{suffix}"), record);
            // Nobody should be sent to the domain before it answers.
            self.change(&record, |resource| resource.depends_on.push(mapping.id.clone()));
        }
        handle.seen_as()
    }
}
