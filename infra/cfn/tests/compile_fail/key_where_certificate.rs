//! A domain name takes a certificate.

use cfn::{
    Arn, Handle, Value,
    constructs::Key,
    resources::{apigatewayv2::domain_name::DomainNameConfiguration, certificatemanager::Certificate},
};

fn wrong(key: &Handle<Key>) {
    let certificate: Value<Arn<Certificate>> = key.arn();
    DomainNameConfiguration { certificate_arn: Some(certificate), ..DomainNameConfiguration::default() };
}

fn main() {}
