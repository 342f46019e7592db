use std::collections::BTreeMap;

use super::hops::curl_line;
use crate::{
    account::Account,
    record::{Hop, Kind, Payload, RequestHead},
    sqs::MessageAttribute,
};

fn hop(kind: Kind, to: &str, payload: &str) -> Hop {
    Hop { payload: Payload::copied(payload), ..Hop::new(1, kind, "outside", to, String::new()) }
}

fn line(hop: &Hop) -> Option<String> {
    let account = Account { id: "1".to_owned(), region: "eu-west-1".to_owned(), endpoint: "http://aws".to_owned() };
    curl_line(hop, "http://api", &account).ok()
}

#[test]
fn a_hop_is_a_line_for_a_shell_whatever_stands_in_it() {
    let mut headers = http::HeaderMap::new();
    headers.insert("host", "127.0.0.1:3000".parse().unwrap());
    headers.insert("x-one", "it's".parse().unwrap());
    let head = RequestHead {
        method: http::Method::POST,
        target: "/a?b=c&d".to_owned(),
        headers: (&headers).into(),
        route: "POST /a".to_owned(),
    };
    let request = Hop { head: Some(head), ..hop(Kind::Request, "api", r#"{"a":"it's"}"#) };
    let quoted = r#"curl -X POST 'http://api/a?b=c&d' -H 'x-one: it'\''s' --data-binary '{"a":"it'\''s"}'"#;
    assert_eq!(line(&request).unwrap(), quoted);

    let invoked = line(&hop(Kind::Invoked, "function:f", "{}")).unwrap();
    assert_eq!(invoked, "curl 'http://aws/2015-03-31/functions/f/invocations' --data-binary '{}'");

    let attributes = BTreeMap::from([("kind".to_owned(), MessageAttribute::text("new"))]);
    let published = Hop { attributes, ..hop(Kind::Published, "topic:t", "a b") };
    let published = line(&published).unwrap();
    assert!(published.contains("TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3At&Message=a+b"), "{published}");
    assert!(published.contains("MessageAttributes.entry.1.Value.StringValue=new"), "{published}");

    let sent = Hop { group: Some("g".to_owned()), ..hop(Kind::Sent, "queue:q.fifo", "x") };
    let sent = line(&sent).unwrap();
    assert!(sent.contains(r#""QueueUrl":"http://aws/1/q.fifo","MessageBody":"x""#), "{sent}");
    assert!(sent.contains(r#""MessageGroupId":"g","MessageDeduplicationId":"again-1-"#), "{sent}");
}

#[test]
fn what_cannot_be_done_again_has_no_line() {
    assert!(line(&hop(Kind::GivenUp, "queue:q", "")).is_none());
    assert!(line(&hop(Kind::Sent, "queue:q", &"x".repeat(300_000))).is_none());
    assert!(line(&hop(Kind::Request, "api", "")).is_none());
}
