//! What constructs decide for one, and how to decide otherwise.

use cfn::{
    Handle, Stack, Template, Value,
    constructs::{
        Alarm, Code, Comparison, Cors, DeadLetter, Delivery, Encryption, EventSource, Failures, Function, HttpApi, Key,
        LogGroup, Metric, Missing, OnFailure, Queue, Source, Statistic, Subscription, Throttle, Topic, Transport,
    },
};
use serde_json::{Value as Json, json};

fn function(stack: &mut Stack, timeout_seconds: u32) -> Handle<Function> {
    let code = Code { bucket: "zips".into(), key: "work.zip".into() };
    let function =
        Function { timeout_seconds, ..Function::new("work".to_owned(), "work".to_owned(), code, Encryption::Managed) };
    stack.function("Work", &function)
}

fn queue(stack: &mut Stack, visibility_seconds: Option<u32>) -> Handle<Queue> {
    let errors = stack.queue("Errors", &Queue::terminal("errors".to_owned(), Encryption::Managed));
    let dead_letter = DeadLetter { queue: errors, max_receives: 5 };
    let queue = Queue { visibility_seconds, ..Queue::new("jobs".to_owned(), Encryption::Managed, dead_letter) };
    stack.queue("Jobs", &queue)
}

fn property(template: &Template, id: &str, pointer: &str) -> Json {
    let properties = Json::Object(template.resources[id].properties.clone());
    properties.pointer(pointer).cloned().unwrap_or(Json::Null)
}

#[test]
fn a_queue_hides_a_message_for_six_timeouts_of_its_function_unless_it_says_longer() {
    for (given, wanted) in [(None, 180), (Some(180), 180), (Some(900), 900)] {
        let mut stack = Stack::new("test");
        let (queue, function) = (queue(&mut stack, given), function(&mut stack, 30));
        stack.feed("Source", &EventSource::new(&queue, &function));
        assert_eq!(property(&stack.finish().unwrap(), "Jobs", "/VisibilityTimeout"), json!(wanted));
    }
    let mut stack = Stack::new("test");
    let (queue, function) = (queue(&mut stack, Some(179)), function(&mut stack, 30));
    stack.feed("Source", &EventSource::new(&queue, &function));
    let error = stack.finish().unwrap_err().to_string();
    assert!(error.starts_with("Jobs.VisibilityTimeout is 179; it must be at least 180"), "{error}");
}

#[test]
fn a_function_fed_by_a_queue_may_receive_from_it_and_answers_which_messages_failed() {
    let mut stack = Stack::new("test");
    let (queue, function) = (queue(&mut stack, None), function(&mut stack, 30));
    stack.feed("Source", &EventSource::new(&queue, &function));
    let whole = EventSource { failures: Failures::WholeBatch, ..EventSource::new(&queue, &function) };
    stack.feed("Whole", &whole);
    let template = stack.finish().unwrap();
    assert_eq!(property(&template, "Source", "/FunctionResponseTypes"), json!(["ReportBatchItemFailures"]));
    assert_eq!(property(&template, "Whole", "/FunctionResponseTypes"), Json::Null);
    let receive = property(&template, "WorkRole", "/Policies/0/PolicyDocument/Statement/1");
    assert_eq!(receive["Resource"], json!([{"Fn::GetAtt": ["Jobs", "Arn"]}]));
}

#[test]
fn what_fails_for_good_goes_where_the_function_may_send() {
    let mut stack = Stack::new("test");
    let (queue, function) = (queue(&mut stack, None), function(&mut stack, 30));
    stack.on_failure("Failed", &OnFailure { retries: 1, ..OnFailure::new(&function, &queue) });
    let template = stack.finish().unwrap();
    let arn = json!({"Fn::GetAtt": ["Jobs", "Arn"]});
    assert_eq!(property(&template, "Failed", "/DestinationConfig/OnFailure/Destination"), arn);
    assert_eq!(property(&template, "Failed", "/MaximumRetryAttempts"), json!(1));
    let send = property(&template, "WorkRole", "/Policies/0/PolicyDocument/Statement/1");
    assert_eq!((&send["Action"], &send["Resource"]), (&json!(["sqs:SendMessage"]), &json!([arn])));
}

#[test]
fn a_fifo_queue_is_one_by_its_name() {
    let mut stack = Stack::new("test");
    stack.queue("Fifo", &Queue::terminal("errors.fifo".to_owned(), Encryption::Managed));
    stack.queue("Standard", &Queue::terminal("errors".to_owned(), Encryption::Managed));
    let template = stack.finish().unwrap();
    assert_eq!(property(&template, "Fifo", "/FifoQueue"), json!(true));
    assert_eq!(property(&template, "Standard", "/FifoQueue"), Json::Null);
}

#[test]
fn what_does_not_come_over_tls_is_refused_unless_it_may() {
    let mut stack = Stack::new("test");
    let any = Transport::Any;
    stack.queue("Strict", &Queue::terminal("strict".to_owned(), Encryption::Managed));
    let lax = Queue { transport: any, ..Queue::terminal("lax".to_owned(), Encryption::Managed) };
    let lax = stack.queue("Lax", &lax);
    stack.topic("Free", &Topic { transport: any, ..Topic::new("free".to_owned(), Encryption::Managed) });
    let topic = stack.topic("News", &Topic::new("news".to_owned(), Encryption::Managed));
    stack.subscribe("Subscription", &Subscription::new(&topic, &lax, &lax));
    let template = stack.finish().unwrap();
    let statement = "/PolicyDocument/Statement/0";
    assert_eq!(property(&template, "StrictPolicy", statement)["Effect"], json!("Deny"));
    assert_eq!(property(&template, "NewsPolicy", statement)["Sid"], json!("TlsOnly"));
    assert_eq!(property(&template, "LaxPolicy", statement)["Effect"], json!("Allow"));
    assert!(!template.resources.contains_key("FreePolicy"));
}

#[test]
fn everything_is_encrypted_with_the_customers_key_or_with_awss() {
    let mut stack = Stack::new("test");
    let key = Encryption::CustomerKey(stack.key("Key", &Key { description: "data".to_owned() }));
    for (suffix, encryption) in [("Own", key), ("Aws", Encryption::Managed)] {
        stack.topic(&format!("Topic{suffix}"), &Topic::new(format!("topic-{suffix}"), encryption.clone()));
        stack.queue(&format!("Queue{suffix}"), &Queue::terminal(format!("queue-{suffix}"), encryption));
    }
    let template = stack.finish().unwrap();
    let arn = json!({"Fn::GetAtt": ["Key", "Arn"]});
    assert_eq!(property(&template, "TopicOwn", "/KmsMasterKeyId"), arn);
    assert_eq!(property(&template, "TopicAws", "/KmsMasterKeyId"), json!("alias/aws/sns"));
    assert_eq!(property(&template, "QueueOwn", "/KmsMasterKeyId"), arn);
    assert_eq!(property(&template, "QueueAws", "/SqsManagedSseEnabled"), json!(true));
}

#[test]
fn a_subscription_changes_no_byte_unless_asked_to() {
    let mut stack = Stack::new("test");
    let queue = queue(&mut stack, None);
    let topic = stack.topic("News", &Topic::new("news".to_owned(), Encryption::Managed));
    stack.subscribe("Raw", &Subscription::new(&topic, &queue, &queue));
    let enveloped = Subscription { delivery: Delivery::Enveloped, ..Subscription::new(&topic, &queue, &queue) };
    stack.subscribe("Enveloped", &enveloped);
    let template = stack.finish().unwrap();
    assert_eq!(property(&template, "Raw", "/RawMessageDelivery"), json!(true));
    assert_eq!(property(&template, "Enveloped", "/RawMessageDelivery"), json!(false));
}

#[test]
fn an_api_is_limited_and_logged_and_its_route_lets_only_itself_call_the_function() {
    let mut stack = Stack::new("test");
    let function = function(&mut stack, 10);
    let log = stack.log_group("Log", &LogGroup::new("/api".to_owned(), Encryption::Managed));
    let cors = Cors {
        allow_origins: vec!["https://shop.example.com".to_owned()],
        allow_headers: Vec::new(),
        allow_methods: vec!["GET".to_owned()],
    };
    let api = HttpApi { cors: Some(cors), ..HttpApi::new("api".to_owned(), Throttle { rate: 5, burst: 10 }, log) };
    let api = stack.http_api("Api", &api);
    stack.route(&api, "GET", "/work", &function);
    let template = stack.finish().unwrap();
    assert_eq!(property(&template, "Log", "/RetentionInDays"), json!(90));
    assert_eq!(property(&template, "Api", "/CorsConfiguration/AllowMethods"), json!(["GET"]));
    assert_eq!(property(&template, "ApiStage", "/DefaultRouteSettings/ThrottlingRateLimit"), json!(5));
    let log = json!({"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Log}"});
    assert_eq!(property(&template, "ApiStage", "/AccessLogSettings/DestinationArn"), log);
    let source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/GET/work";
    assert_eq!(property(&template, "WorkPermission", "/SourceArn"), json!({"Fn::Sub": source}));
}

#[test]
fn an_alarm_counts_and_takes_silence_for_peace_unless_told_otherwise() {
    let mut stack = Stack::new("test");
    let topic = stack.topic("Alarms", &Topic::new("alarms".to_owned(), Encryption::Managed));
    let metric = |name: &str| Metric { namespace: "Test".to_owned(), name: name.to_owned(), source: Source::All };
    let errors = Alarm::new("errors".to_owned(), "look".to_owned(), metric("Errors"), Comparison::Above(0), &topic);
    stack.alarm("Errors", &errors);
    let beats = Alarm {
        statistic: Statistic::Percentile(99),
        missing: Missing::Alarming,
        ..Alarm::new("beats".to_owned(), "look".to_owned(), metric("Beats"), Comparison::Below(1), &topic)
    };
    stack.alarm("Beats", &beats);
    let template = stack.finish().unwrap();
    assert_eq!(property(&template, "Errors", "/Statistic"), json!("Sum"));
    assert_eq!(property(&template, "Errors", "/TreatMissingData"), json!("notBreaching"));
    assert_eq!(property(&template, "Beats", "/ExtendedStatistic"), json!("p99"));
    assert_eq!(property(&template, "Beats", "/TreatMissingData"), json!("breaching"));
    assert_eq!(property(&template, "Beats", "/AlarmActions"), json!([{"Ref": "Alarms"}]));
}

#[test]
fn what_a_construct_does_not_offer_is_changed_on_the_resource() {
    let mut stack = Stack::new("test");
    let queue = queue(&mut stack, None);
    stack.change(&queue, |resource| {
        resource.properties.insert("DelaySeconds".to_owned(), json!(5));
    });
    let topic: Value<String> = queue.resource().name().text();
    assert_eq!(topic.json(), json!({"Fn::GetAtt": ["Jobs", "QueueName"]}));
    assert_eq!(property(&stack.finish().unwrap(), "Jobs", "/DelaySeconds"), json!(5));
}
