//! How each runner answers where AWS's documentation says how AWS does: the same requests to the same function. The table
//! stands in the local cloud's README, with the pages that say so.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{
    report::Table,
    runners::{ACCOUNT, Runner, Workshop, sqs},
};
use xtask::{context::Context, report::Failure};

/// A function's time is over after one second; who has not answered after three does not know that.
const PATIENCE: Duration = Duration::from_secs(3);

struct Probe {
    what: &'static str,
    /// What AWS does.
    aws: &'static str,
    ask: fn(&Runner) -> Result<String, Failure>,
}

/// In this order: what ends or stops a process comes last.
const PROBES: &[Probe] = &[
    Probe { what: "the answer is a text, `\"text\"`", aws: "200 `text`", ask: |it| answer(it, "/?do=text") },
    Probe {
        what: "the answer is an object without `statusCode`",
        aws: "200 `{\"a\":1}`",
        ask: |it| answer(it, "/?do=object"),
    },
    Probe { what: "the answer has no `cookies`", aws: "200 `plain`", ask: |it| answer(it, "/?do=plain") },
    Probe {
        what: "a header twice, `a` and `b`",
        aws: "`\"a,b\"`",
        ask: |it| told(it, "GET", "/?do=tell", &[("x-multi", "a"), ("x-multi", "b")], "", "/event/headers/x-multi"),
    },
    Probe {
        what: "a parameter twice, `x=1&x=2`",
        aws: "`\"1,2\"`",
        ask: |it| told(it, "GET", "/?do=tell&x=1&x=2", &[], "", "/event/queryStringParameters/x"),
    },
    Probe {
        what: "cookies",
        aws: "`[\"c=1\",\"d=2\"]`",
        ask: |it| told(it, "GET", "/?do=tell", &[("cookie", "c=1; d=2")], "", "/event/cookies"),
    },
    Probe {
        what: "`routeKey` of `GET /items/{id}`",
        aws: "`\"GET /items/{id}\"`",
        ask: |it| told(it, "GET", "/items/7?do=tell", &[], "", "/event/routeKey"),
    },
    Probe {
        what: "its path parameter",
        aws: "`\"7\"`",
        ask: |it| told(it, "GET", "/items/7?do=tell", &[], "", "/event/pathParameters/id"),
    },
    Probe {
        what: "its path parameter `a%20b`",
        aws: "`\"a b\"`",
        ask: |it| told(it, "GET", "/items/a%20b?do=tell", &[], "", "/event/pathParameters/id"),
    },
    Probe { what: "`accountId`", aws: "a text", ask: |it| kind(it, "/event/requestContext/accountId") },
    Probe {
        what: "`timeEpoch`",
        aws: "milliseconds",
        ask: |it| {
            let at = tell(it, "GET", "/?do=tell", &[], "")?
                .pointer("/event/requestContext/timeEpoch")
                .and_then(Value::as_u64);
            Ok(at.map_or("absent", |at| if at > 100_000_000_000 { "milliseconds" } else { "seconds" }).to_owned())
        },
    },
    Probe { what: "`body` of a request without one", aws: "absent", ask: |it| kind(it, "/event/body") },
    Probe { what: "`pathParameters` without any", aws: "absent", ask: |it| kind(it, "/event/pathParameters") },
    Probe { what: "the deadline, from now", aws: "the timeout, 1 s", ask: deadline },
    Probe {
        what: "the function's ARN",
        aws: "an ARN",
        ask: |it| told(it, "GET", "/?do=tell", &[], "", "/headers/lambda-runtime-invoked-function-arn"),
    },
    Probe {
        what: "`AWS_LAMBDA_LOG_GROUP_NAME`",
        aws: "`\"/aws/lambda/echo\"`",
        ask: |it| told(it, "GET", "/?do=tell", &[], "", "/variables/AWS_LAMBDA_LOG_GROUP_NAME"),
    },
    Probe {
        what: "`AWS_LAMBDA_MAX_CONCURRENCY`",
        aws: "absent",
        ask: |it| kind(it, "/variables/AWS_LAMBDA_MAX_CONCURRENCY"),
    },
    Probe {
        what: "the shell's own variables, `CARGO_HOME`",
        aws: "absent",
        ask: |it| kind(it, "/variables/CARGO_HOME"),
    },
    Probe {
        what: "SQS: a batch with one id twice",
        aws: "BatchEntryIdsNotDistinct",
        ask: |it| {
            let entry = json!({ "Id": "a", "MessageBody": "x" });
            refused(it, "SendMessageBatch", &json!({ "Entries": [entry, entry] }))
        },
    },
    Probe {
        what: "SQS: eleven messages at once",
        aws: "refused",
        ask: |it| refused(it, "ReceiveMessage", &json!({ "MaxNumberOfMessages": 11 })).map(|code| any(&code)),
    },
    Probe {
        what: "SQS: a delay of 901 seconds",
        aws: "refused",
        ask: |it| {
            refused(it, "SendMessage", &json!({ "MessageBody": "x", "DelaySeconds": 901 })).map(|code| any(&code))
        },
    },
    Probe {
        what: "SQS: an invalid letter, `\\u0000`",
        aws: "InvalidMessageContents",
        ask: |it| refused(it, "SendMessage", &json!({ "MessageBody": "\u{0}" })),
    },
    Probe {
        what: "SQS: a receipt handle that is none",
        aws: "ReceiptHandleIsInvalid",
        ask: |it| refused(it, "DeleteMessage", &json!({ "ReceiptHandle": "none" })),
    },
    Probe { what: "the function answers with an error", aws: FAILED, ask: |it| answer(it, "/?do=fail") },
    Probe { what: "the function does not answer in time", aws: FAILED, ask: |it| answer(it, "/?do=hang") },
    Probe { what: "and the next request", aws: "200 `ok`", ask: |it| answer(it, "/") },
];

/// What whoever hangs after a timeout is asked once it was started again.
const LAST: &[Probe] = &[
    Probe { what: "the process ends while it works", aws: FAILED, ask: |it| answer(it, "/?do=exit") },
    Probe { what: "and the next request", aws: "200 `ok`", ask: |it| answer(it, "/") },
];

const CARGO_LAMBDA: &str = "cargo lambda watch";
const NO_SQS: &str = "has no SQS";
const TAKEN: &str = "taken";

/// What an HTTP API answers for whatever goes wrong in a function.
const FAILED: &str = "500 `{\"message\":\"Internal Server Error\"}`";

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let workshop = Workshop::set_up(context)?;
    workshop.missing().into_iter().for_each(|(peer, why)| table.missing(peer, why));
    let (ours, ministack) = (workshop.ours(context)?, workshop.ministack()?);
    let cargo_lambda = workshop.cargo_lambda(CARGO_LAMBDA, 1)?;
    let runners: Vec<&Runner> = std::iter::once(&ours).chain(&ministack).chain(&cargo_lambda).collect();
    let names: String = runners.iter().map(|runner| format!(" {} |", runner.name)).collect();
    let mut lines = format!("| probe | AWS |{names}\n| --- | --- |{}\n", " --- |".repeat(runners.len()));
    answers(PROBES, &runners, &mut lines)?;
    drop(cargo_lambda);
    let cargo_lambda = workshop.cargo_lambda(CARGO_LAMBDA, 1)?;
    let runners: Vec<&Runner> = std::iter::once(&ours).chain(&ministack).chain(&cargo_lambda).collect();
    answers(LAST, &runners, &mut lines)?;
    table.block(lines);
    Ok(())
}

/// A line for each probe.
fn answers(probes: &[Probe], runners: &[&Runner], lines: &mut String) -> Result<(), Failure> {
    for Probe { what, aws, ask } in probes {
        let answers: Result<Vec<_>, Failure> = runners.iter().map(|runner| ask(runner)).collect();
        let answers: String = answers?.iter().map(|answer| format!(" {} |", answer.replace('|', "\\|"))).collect();
        lines.push_str(&format!("| {what} | {aws} |{answers}\n"));
    }
    Ok(())
}

/// Status and body of the answer to `GET`.
fn answer(runner: &Runner, target: &str) -> Result<String, Failure> {
    let mut connection = runner.api.connect().patient(PATIENCE);
    Ok(match connection.exchange(&runner.get(target)) {
        Ok(answer) => {
            let text = answer.text();
            let short: String = text.chars().take(80).collect();
            let more = if short.len() < text.len() { "..." } else { "" };
            format!("{} `{}{more}`", answer.status, short.replace('\n', " "))
        }
        Err(_) => format!("no answer in {} s", PATIENCE.as_secs()),
    })
}

/// What the function was given.
fn tell(runner: &Runner, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Result<Value, Failure> {
    let mut connection = runner.api.connect().patient(PATIENCE);
    let request = runner.request(method, target, headers, body.as_bytes());
    let answer = connection.exchange(&request).map_err(Failure::from(runner.name))?;
    Ok(serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({ "status": answer.status })))
}

/// A part of what the function was given.
fn told(
    runner: &Runner,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
    part: &str,
) -> Result<String, Failure> {
    let told = tell(runner, method, target, headers, body)?;
    Ok(match (told.pointer(part), told.get("status")) {
        (Some(value), _) => format!("`{value}`"),
        (None, Some(status)) => format!("answers {status}"),
        (None, None) => "absent".to_owned(),
    })
}

/// Of which kind a part is.
fn kind(runner: &Runner, part: &str) -> Result<String, Failure> {
    let told = tell(runner, "GET", "/?do=tell", &[], "")?;
    Ok(match told.pointer(part) {
        None => "absent",
        Some(Value::Null) => "null",
        Some(Value::String(_)) => "a text",
        Some(_) => "something else",
    }
    .to_owned())
}

fn deadline(runner: &Runner) -> Result<String, Failure> {
    let told = tell(runner, "GET", "/?do=tell", &[], "")?;
    let deadline = told.pointer("/headers/lambda-runtime-deadline-ms").and_then(Value::as_str);
    let Some(deadline) = deadline.and_then(|text| text.parse::<u64>().ok()) else { return Ok("absent".to_owned()) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(deadline).checked_sub(now);
    Ok(left.map_or("in the year 1970".to_owned(), |left| match left.as_millis() {
        1..=1000 => "the timeout, 1 s".to_owned(),
        other => format!("{other} ms"),
    }))
}

/// The code with which SQS refuses a call.
fn refused(runner: &Runner, action: &str, body: &Value) -> Result<String, Failure> {
    let Some(aws) = &runner.aws else { return Ok(NO_SQS.to_owned()) };
    let mut body = body.clone();
    if let Some(entries) = body.as_object_mut() {
        entries.insert("QueueUrl".to_owned(), json!(format!("http://{}/{ACCOUNT}/plain", aws.address)));
    }
    let mut connection = aws.connect();
    let answer = connection.exchange(&sqs(aws, action, &body)).map_err(Failure::from(runner.name))?;
    if (200..300).contains(&answer.status) {
        return Ok(TAKEN.to_owned());
    }
    // `AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender`: the last word of the code.
    let code = answer.header("x-amzn-query-error").into_iter().next().unwrap_or_else(|| answer.status.to_string());
    let code = code.split(';').next().unwrap_or_default();
    Ok(code.rsplit('.').next().unwrap_or_default().to_owned())
}

fn any(code: &str) -> String {
    if code == TAKEN || code == NO_SQS { code.to_owned() } else { "refused".to_owned() }
}
