//! AWS's names as Rust's.

/// `KmsMasterKeyId` is `kms_master_key_id`, `OKActions` is `ok_actions`, `S3Bucket` is `s3_bucket`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().filter(|letter| *letter != '$').collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            snake.push('_');
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        // A word begins at a capital after a small letter or a digit, and at the last capital of several.
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    // AWS's plurals of abbreviations: `Arns`, `ACLs`.
    keyword(snake.replace("ar_ns", "arns"))
}

/// What `serde(rename_all = "PascalCase")` makes of a field's name.
pub(super) fn pascal(snake: &str) -> String {
    snake.trim_start_matches("r#").split('_').map(capitalized).collect()
}

/// What `serde(rename_all = "camelCase")` makes of a field's name.
pub(super) fn camel(snake: &str) -> String {
    let pascal = pascal(snake);
    let mut letters = pascal.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// The name of an enum's variant: `provided.al2023` is `ProvidedAl2023`, `TLS_1_2` is `Tls1_2`.
pub(super) fn variant(value: &str) -> String {
    if value == "*" {
        return "All".to_owned();
    }
    let loud = !value.chars().any(|letter| letter.is_ascii_lowercase());
    let mut name = String::new();
    for word in value.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let digits = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        if digits(name.chars().last()) && digits(word.chars().next()) {
            name.push('_');
        }
        name.push_str(&capitalized(&if loud { word.to_ascii_lowercase() } else { word.to_owned() }));
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("V{name}") } else { name }
}

/// `SQS` is `sqs`, `ApiGatewayV2` is `apigatewayv2`, as AWS's own tools name their modules.
pub(super) fn service(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The name of a static: `DeadLetterConfig` is `DEAD_LETTER_CONFIG`.
pub(super) fn constant(name: &str) -> String {
    snake(name).trim_start_matches("r#").to_ascii_uppercase()
}

/// A type's name in Rust's manner: `JWTConfiguration` is `JwtConfiguration`.
pub(super) fn type_name(name: &str) -> String {
    pascal(&snake(name))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn keyword(name: String) -> String {
    match name.as_str() {
        "type" | "match" | "enum" | "mod" | "ref" | "static" | "use" | "where" | "for" | "in" => format!("r#{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_words_with_underscores() {
        for (aws, rust) in [
            ("KmsMasterKeyId", "kms_master_key_id"),
            ("OKActions", "ok_actions"),
            ("S3Bucket", "s3_bucket"),
            ("CodeSha256", "code_sha256"),
            ("DNSName", "dns_name"),
            ("ManagedPolicyArns", "managed_policy_arns"),
            ("sourceQueueArns", "source_queue_arns"),
            ("Type", "r#type"),
        ] {
            assert_eq!(snake(aws), rust);
        }
    }

    #[test]
    fn variants_are_words_in_capitals() {
        for (aws, rust) in [
            ("provided.al2023", "ProvidedAl2023"),
            ("x86_64", "X86_64"),
            ("TLS_1_2", "Tls1_2"),
            ("INFREQUENT_ACCESS", "InfrequentAccess"),
            ("perMessageGroupId", "PerMessageGroupId"),
            ("1.0", "V1_0"),
            ("http/s", "HttpS"),
        ] {
            assert_eq!(variant(aws), rust);
        }
    }
}
