//! What the generated tables say, where it matters most.

use cfn::schema::{self, Group, Reference, ResourceSchema, Shape};

fn of(kind: &str) -> &'static ResourceSchema {
    schema::of(kind).unwrap()
}

fn shape(schema: &ResourceSchema, name: &str) -> Shape {
    schema.properties.properties.iter().find(|(other, _)| *other == name).unwrap().1
}

#[test]
fn a_queue_is_described() {
    let queue = of("AWS::SQS::Queue");
    assert_eq!(queue.reference, Reference::Url);
    assert!(!queue.properties.open);
    assert!(queue.attributes.iter().any(|(name, gives)| *name == "Arn" && *gives == ["AWS::SQS::Queue.Arn"]));
    let Shape::Object(redrive) = shape(queue, "RedrivePolicy") else { panic!("not an object") };
    assert_eq!(redrive.required, ["deadLetterTargetArn", "maxReceiveCount"]);
    assert!(matches!(shape(queue, "VisibilityTimeout"), Shape::Whole(seconds) if seconds.max == Some(43_200)));
}

#[test]
fn what_is_only_read_cannot_be_set() {
    let all = ["AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::ApiGatewayV2::Api"].map(of);
    for schema in all {
        let lifecycle = schema::lifecycle(schema.kind).unwrap();
        for path in lifecycle.read_only.iter().filter(|path| !path.contains('.')) {
            let listed = schema.properties.properties.iter().any(|(name, _)| *name == path);
            assert!(!listed, "{} {path}", schema.kind);
        }
    }
}

#[test]
fn members_go_together_or_against_each_other() {
    let groups = |kind: &str| of(kind).properties.groups.to_vec();
    let zones = Group::ExactlyOne(&["HostedZoneId", "HostedZoneName"]);
    let alias = Group::Excludes("AliasTarget", &["TTL", "ResourceRecords"]);
    assert_eq!(groups("AWS::Route53::RecordSet"), [zones, alias]);
    let attached = Group::AtLeastOne(&["Users", "Groups", "Roles"]);
    assert_eq!(groups("AWS::IAM::Policy"), [attached]);
    assert!(groups("AWS::CloudWatch::Alarm").contains(&Group::Excludes("Threshold", &["ThresholdMetricId"])));
}

#[test]
fn unknown_types_have_no_schema() {
    assert!(schema::of("AWS::EC2::Instance").is_none() && schema::of("").is_none());
}
