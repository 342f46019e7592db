//! Resource types and lists in words.

use cfn::LogicalId;

/// The number of resources that a sentence names.
pub(super) const NAMED: usize = 4;

/// Types that people call otherwise than the last part of their name.
const WORDS: &[(&str, &str, &str)] = &[
    ("AWS::ApiGatewayV2::Api", "API", "APIs"),
    ("AWS::ApiGatewayV2::ApiMapping", "API mapping", "API mappings"),
    ("AWS::ApiGateway::RestApi", "REST API", "REST APIs"),
    ("AWS::AppSync::GraphQLApi", "GraphQL API", "GraphQL APIs"),
    ("AWS::DynamoDB::GlobalTable", "global table", "global tables"),
    ("AWS::EC2::EIP", "elastic IP address", "elastic IP addresses"),
    ("AWS::EC2::NatGateway", "NAT gateway", "NAT gateways"),
    ("AWS::EC2::VPC", "VPC", "VPCs"),
    ("AWS::IAM::ManagedPolicy", "managed policy", "managed policies"),
    ("AWS::KMS::Alias", "key alias", "key aliases"),
    ("AWS::Lambda::Alias", "function alias", "function aliases"),
    ("AWS::Lambda::EventSourceMapping", "event source", "event sources"),
    ("AWS::Lambda::Permission", "permission", "permissions"),
    ("AWS::Lambda::Url", "function URL", "function URLs"),
    ("AWS::Lambda::Version", "function version", "function versions"),
    ("AWS::RDS::DBCluster", "database cluster", "database clusters"),
    ("AWS::RDS::DBInstance", "database", "databases"),
    ("AWS::Route53::RecordSet", "record", "records"),
    ("AWS::Route53::HostedZone", "hosted zone", "hosted zones"),
    ("AWS::SSM::Parameter", "parameter", "parameters"),
    ("AWS::CloudFormation::Stack", "nested stack", "nested stacks"),
];

/// A resource type in words, such as `queue` for `AWS::SQS::Queue`.
pub(super) fn kind(kind: &str) -> String {
    if let Some((_, one, _)) = WORDS.iter().find(|(known, ..)| *known == kind) {
        return (*one).to_owned();
    }
    let last = kind.rsplit("::").next().unwrap_or(kind);
    let mut words = String::new();
    let letters: Vec<char> = last.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_ascii_uppercase()
            && (before.is_some_and(char::is_ascii_lowercase)
                || before.is_some() && after.is_some_and(char::is_ascii_lowercase));
        if starts {
            words.push(' ');
        }
        // Abbreviations stay as they are.
        let short = letter.is_ascii_uppercase()
            && (before.is_some_and(char::is_ascii_uppercase) || after.is_some_and(char::is_ascii_uppercase))
            && !(starts && after.is_some_and(char::is_ascii_lowercase));
        words.push(if short { *letter } else { letter.to_ascii_lowercase() });
    }
    words
}

/// Several of a type in words: `1 queue`, `3 policies`.
pub(super) fn counted(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {}", kind(of)) } else { format!("{number} {}", plural(of)) }
}

/// The plural of a type in words.
pub(super) fn plural(of: &str) -> String {
    if let Some((.., several)) = WORDS.iter().find(|(known, ..)| *known == of) {
        return (*several).to_owned();
    }
    let one = kind(of);
    let vowel_before = one.chars().rev().nth(1).is_some_and(|letter| "aeiou".contains(letter));
    match () {
        () if one.ends_with('y') && !vowel_before => format!("{}ies", one.trim_end_matches('y')),
        () if one.ends_with(['s', 'x']) || one.ends_with("ch") => format!("{one}es"),
        () => format!("{one}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// As [`listed`], of which only the first few are named; a single one more has a name, too.
pub(super) fn shortened(items: &[String], most: usize) -> String {
    match items.len().checked_sub(most) {
        None | Some(0 | 1) => listed(items),
        Some(more) => {
            let named = items.iter().take(most).cloned().chain([format!("{more} more")]);
            listed(&named.collect::<Vec<_>>())
        }
    }
}

/// `queue Orders`, `5 log groups (A, B, C, D and 1 more)`.
pub(super) fn subject(kind: &str, ids: &[&LogicalId]) -> String {
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [one] => format!("{} {one}", self::kind(kind)),
        several => format!("{} ({})", counted(several.len(), kind), shortened(several, NAMED)),
    }
}

/// A number with its unit; what is endless is `ever`, seconds that are whole days are days.
pub(super) fn amount(number: f64, unit: &str) -> String {
    const DAY: f64 = 86_400.0;
    match unit {
        _ if number == f64::INFINITY => "ever".to_owned(),
        "s" if number >= DAY && number % DAY == 0.0 => quantity(number / DAY, "days"),
        "" => number.to_string(),
        unit => quantity(number, unit),
    }
}

fn quantity(number: f64, unit: &str) -> String {
    let unit = if number == 1.0 { unit.trim_end_matches('s') } else { unit };
    if unit.is_empty() { format!("{number} s") } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_called_as_people_call_them() {
        for (of, one, several) in [
            ("AWS::SQS::Queue", "queue", "queues"),
            ("AWS::SQS::QueuePolicy", "queue policy", "queue policies"),
            ("AWS::Logs::LogGroup", "log group", "log groups"),
            ("AWS::EC2::VPCEndpoint", "VPC endpoint", "VPC endpoints"),
            ("AWS::EC2::Subnet", "subnet", "subnets"),
            ("AWS::ElastiCache::ReplicationGroup", "replication group", "replication groups"),
            ("AWS::ApiGatewayV2::Api", "API", "APIs"),
            ("Custom::Thing", "thing", "things"),
        ] {
            assert_eq!((kind(of).as_str(), plural(of).as_str()), (one, several));
        }
    }

    #[test]
    fn lists_are_read_aloud() {
        let all: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(listed(&all), "a, b and c");
        assert_eq!(shortened(&all, 1), "a and 2 more");
        assert_eq!(shortened(&all, 2), "a, b and c");
        assert_eq!(shortened(&all, 3), "a, b and c");
    }
}
