//! A domain name takes a certificate.

use cfn::{Handle, constructs::Key, resources::apigatewayv2::domain_name::DomainNameConfiguration};

fn wrong(key: &Handle<Key>) {
    DomainNameConfiguration { certificate_arn: Some(key.arn()), ..DomainNameConfiguration::default() };
}

fn main() {}
