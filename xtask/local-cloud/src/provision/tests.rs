use super::*;

/// Makes a template; answers what it is, or what is said about it.
fn made(template: &str) -> Result<Provisioned, String> {
    let template = cfn::read::template(template).map_err(|error| error.to_string())?;
    let account =
        Account { id: "123456789012".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://aws".to_owned() };
    let (stream, clock) = (Stream::default(), Clock::default());
    let services = Services::new(&account, &clock, &stream, &Chaos::default(), None);
    let given = Given {
        stack_name: "stack".to_owned(),
        parameters: BTreeMap::from([("Given".to_owned(), "given".to_owned())]),
        binaries: PathBuf::from("/bin"),
        secrets: BTreeMap::new(),
        debug: None,
        api_endpoint: "http://api".to_owned(),
        account,
    };
    provision(&template, &services, &given).map_err(|error| error.to_string())
}

/// What the output `Out` is, with these further lines in the template.
fn out(value: &str, further: &str) -> Result<String, String> {
    let template = format!("{further}\nOutputs:\n  Out: {{Value: {value}}}\n");
    made(&template).map(|made| made.outputs["Out"].clone())
}

const QUEUE: &str = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}";

#[test]
fn intrinsic_functions_give_what_cloudformation_says() {
    let further = format!(
        "{QUEUE}\nParameters:\n  Given: {{Type: String, Default: no}}\n  Default: {{Type: Number, Default: 7}}\n  \
         Bare: {{Type: String}}\nMappings: {{M: {{a: {{b: found}}}}}}\nConditions:\n  Is: !Equals [!Ref Given, given]\n  \
         IsNot: !Not [!Condition Is]\n  Both: !And [!Condition Is, !Condition IsNot]\n  Any: !Or [!Condition Is, !Condition IsNot]"
    );
    for (value, wanted) in [
        ("!Ref Q", "http://aws/123456789012/q"),
        ("!GetAtt Q.Arn", "arn:aws:sqs:eu-west-1:123456789012:q"),
        ("!Ref Given", "given"),
        ("!Ref Default", "7"),
        ("!Ref Bare", "Bare"),
        ("!Sub '${Q.QueueName}-${!kept}-${AWS::Region}'", "q-${kept}-eu-west-1"),
        ("!Sub ['${own}-${Given}', {own: !Ref Default}]", "7-given"),
        ("!Join ['-', [a, !Ref 'AWS::NoValue', !Ref Default]]", "a-7"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!FindInMap [M, a, b]", "found"),
        ("!Base64 x", "eA=="),
        ("!If [Is, 1, 2]", "1"),
        ("!If [IsNot, 1, 2]", "2"),
        ("!If [Both, 1, 2]", "2"),
        ("!If [Any, 1, 2]", "1"),
    ] {
        assert_eq!(out(value, &further).as_deref(), Ok(wanted), "{value}");
    }
}

#[test]
fn values_that_cannot_be_worked_out_name_their_place() {
    for (value, wanted) in [
        ("!Ref Gone", "Outputs.Out: there is no Gone to refer to"),
        ("!GetAtt Q.Colour", "Outputs.Out: Q has no attribute Colour here"),
        ("!Select [7, [a]]", "Outputs.Out: Fn::Select takes the number of an item that is there"),
        ("!ImportValue x", "Outputs.Out: Fn::ImportValue is not played here"),
        ("!If [Gone, 1, 2]", "Conditions.Gone: there is no such condition"),
        ("!If [Loop, 1, 2]", "Conditions.Loop: it refers to itself"),
        ("!Sub '${open'", "Outputs.Out: Fn::Sub has a ${ without a }"),
    ] {
        let further = format!("{QUEUE}\nConditions: {{Loop: !Condition Loop}}");
        assert_eq!(out(value, &further), Err(wanted.to_owned()), "{value}");
    }
}

#[test]
fn what_aws_would_refuse_is_refused_with_its_reason() {
    let function =
        "F: {Type: AWS::Lambda::Function, Metadata: {Binary: true}, Properties: {FunctionName: f, Timeout: 60}}";
    for (resources, wanted) in [
        ("Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true, QueueName: q}}".to_owned(), "must end with .fifo"),
        ("Q: {Type: AWS::SQS::Queue, Properties: {Colour: red}}".to_owned(), "Unknown Attribute Colour"),
        ("F: {Type: AWS::Lambda::Function, Metadata: {Binary: ../x}}".to_owned(), "has no executable ../x"),
        (
            "F: {Type: AWS::Lambda::Function, Properties: {FunctionName: nothing-of-the-kind}}".to_owned(),
            "or F; build it",
        ),
        (
            "E: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: x, FunctionName: f}}".to_owned(),
            "there is no queue \"x\"",
        ),
        (
            format!(
                "{function}\n  Q: {{Type: AWS::SQS::Queue}}\n  E: {{Type: AWS::Lambda::EventSourceMapping, \
                 Properties: {{EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref F}}}}"
            )
            .replace("Binary: true", "Binary: 'true'"),
            "visibility timeout of 30 s is less than the function's timeout of 60 s",
        ),
        (
            "F: {Type: AWS::Lambda::Function, Metadata: {Binary: 'true'}, Properties: {Timeout: 901}}".to_owned(),
            "its Timeout is 901; AWS takes 1 to 900",
        ),
        (
            format!(
                "{function}\n  Q: {{Type: AWS::SQS::Queue, Properties: {{VisibilityTimeout: 360}}}}\n  \
                 E: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{EventSourceArn: !GetAtt Q.Arn, FunctionName: \
                 !Ref F, ScalingConfig: {{MaximumConcurrency: 0}}}}}}"
            )
            .replace("Binary: true", "Binary: 'true'"),
            "its MaximumConcurrency is 0; AWS takes 2 to 1000",
        ),
        ("A: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}".to_owned(), "only HTTP is played"),
        ("A: {Type: X, DependsOn: B}\n  B: {Type: X, DependsOn: A}".to_owned(), "circle: A -> B -> A"),
    ] {
        let said = made(&format!("Resources:\n  {resources}\n")).err().unwrap_or_default();
        assert!(said.contains(wanted), "{resources}: {said}");
    }
}

#[test]
fn errors_and_types_that_are_not_played_have_a_place_in_the_template() {
    let place = |path: &str| ProvisionError::Value { path: path.to_owned(), reason: String::new() }.place();
    let wanted = Path::resource("Q").key("Properties").key("Tags").item(1).item(0).key("Value");
    assert_eq!(place("Resources.Q.Properties.Tags[1][0].Value"), Some(wanted));
    assert_eq!(place("Outputs.Out"), Some(Path::default().key("Outputs").key("Out")));
    let template =
        "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  R: {Type: AWS::IAM::Role}\n  D: {Type: AWS::DynamoDB::Table}\n";
    let template = cfn::read::template(template).unwrap();
    let named: Vec<_> = unsupported(&template).iter().map(|(id, kind)| format!("{id} {kind}")).collect();
    assert_eq!(named, ["D AWS::DynamoDB::Table"]);
}

#[test]
fn what_has_no_effect_is_named_and_what_is_left_out_by_its_condition_is_not_made() {
    let template = "Conditions: {IsNot: !Equals [a, b]}\nResources:\n  T: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: k}}\n  \
                    B: {Type: AWS::S3::Bucket}\n  R: {Type: AWS::IAM::Role}\n  \
                    Q: {Type: AWS::SQS::Queue, Condition: IsNot, Properties: {SqsManagedSseEnabled: true}}\nOutputs:\n  \
                    Role: {Value: !GetAtt R.Arn}\n";
    let made = made(template).unwrap();
    let named: Vec<_> = made.not_honoured.values().flatten().map(String::as_str).collect();
    assert_eq!(named, ["AWS::SNS::Topic KmsMasterKeyId", "AWS::IAM::Role", "AWS::S3::Bucket"]);
    assert_eq!(made.outputs["Role"], "R.Arn");
}
