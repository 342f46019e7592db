//! An alias points into the zone of the AWS service, not into one's own.

use cfn::{
    Handle,
    resources::route53::{HostedZone, record_set::AliasTarget},
};

fn wrong(zone: &Handle<HostedZone>) {
    AliasTarget::new("d-1.execute-api.eu-west-1.amazonaws.com".into(), zone.hosted_zone_id());
}

fn main() {}
