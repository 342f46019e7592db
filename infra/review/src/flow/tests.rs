use super::*;

/// The edges of a template, one a line.
fn shown(template: &str) -> String {
    let template = cfn::read::template(template).unwrap();
    let each = edges(&template).into_iter().map(|Edge { from, to, kind, by, only }| {
        let only = only.map(|only| format!(" only {only}")).unwrap_or_default();
        format!("{from} -> {to}: {kind:?} by {by}{only}\n")
    });
    each.collect()
}

#[test]
fn the_way_of_a_webhook_is_followed_from_route_to_queue() {
    let template = r#"
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Receiver.Arn}
  Hook:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: POST /hook, Target: !Sub 'integrations/${Integration}'}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: p
        PolicyDocument:
          Statement: {Effect: Allow, Action: 'sns:Pub*', Resource: !Ref Topic}
  Receiver: {Type: AWS::Lambda::Function, Properties: {Role: !GetAtt Role.Arn}}
  Topic: {Type: AWS::SNS::Topic}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Topic
      Protocol: sqs
      Endpoint: !GetAtt Queue.Arn
      FilterPolicy: {kind: [sale]}
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Dead: {Type: AWS::SQS::Queue}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Queue.Arn, FunctionName: !Ref Live}
  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Worker, Name: live, FunctionVersion: '1'}}
  Worker: {Type: AWS::Lambda::Function, Properties: {FunctionName: worker}}
"#;
    insta::assert_snapshot!(shown(template), @r#"
    Receiver -> Topic: Sends by Receiver
    Topic -> Queue: Subscription by Subscription only {"kind":["sale"]}
    Topic -> Dead: DeadLetter by Subscription
    Queue -> Dead: DeadLetter by Queue
    Queue -> Worker: EventSource by Source
    Api -> Receiver: Route("POST /hook") by Hook
    "#);
}

#[test]
fn what_is_switched_off_is_no_edge_and_what_is_outside_has_its_name() {
    let template = r#"
Resources:
  On:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [a]}
      Targets: [{Id: f, Arn: 'arn:aws:lambda:eu-west-1:111111111111:function:worker'}, {Id: g, Arn: 'arn:aws:sqs:eu-west-1:1:far'}]
  Off: {Type: AWS::Events::Rule, Properties: {State: DISABLED, Targets: [{Id: f, Arn: !GetAtt Worker.Arn}]}}
  Source:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Queue.Arn, FunctionName: worker, Enabled: 'false'}
  Queue: {Type: AWS::SQS::Queue}
  Worker: {Type: AWS::Lambda::Function, Properties: {FunctionName: worker}}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!Ref Topic]}}
  Topic: {Type: AWS::SNS::Topic}
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {NotificationConfiguration: {QueueConfigurations: [{Event: 's3:ObjectCreated:*', Queue: !GetAtt Queue.Arn}]}}
"#;
    insta::assert_snapshot!(shown(template), @r#"
    On -> Worker: Rule by On
    On -> arn:aws:sqs:eu-west-1:1:far: Rule by On
    Alarm -> Topic: Alarm by Alarm
    Bucket -> Queue: Notification("s3:ObjectCreated:*") by Bucket
    "#);
}

#[test]
fn routes_of_rest_apis_and_documents_have_path_and_authorization() {
    let template = cfn::read::template(
        r#"
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
  Pets: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: pets}}
  Pet: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !Ref Pets, PathPart: '{id}'}}
  GetPet:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Pet
      HttpMethod: GET
      AuthorizationType: AWS_IAM
      Integration: {Uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Worker.Arn}/invocations'}
  Worker: {Type: AWS::Lambda::Function}
  Documented:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Body:
        security: [{pool: []}]
        paths:
          /a: {get: {}, post: {security: []}}
"#,
    )
    .unwrap();
    let routes = routes(&template);
    let shown: Vec<String> = routes
        .iter()
        .map(|Route { api, key, authorization, to, .. }| {
            let to = to.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{api} {key}: {authorization} -> {to}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Api GET /pets/{id}: IAM -> Worker",
            "Documented GET /a: the authorizer pool -> ",
            "Documented POST /a: no authorization -> ",
        ]
    );
}
