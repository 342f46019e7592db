//! What a secret looks like: by the name that it has, and by itself.

/// Parts of names that tell a secret.
const TELLING: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "authkey",
    "signingkey",
    "connectionstring",
    "licensekey",
    "encryptionkey",
    "sharedkey",
    "clientkey",
    "masterkey",
    "databaseurl",
];

/// Whole names that tell a secret.
const NAMES: [&str; 9] = ["pwd", "pin", "otp", "dsn", "salt", "authorization", "cookie", "pass", "secretstring"];

/// Endings of names that only speak of a secret: where it is, how long, how often it changes.
const ABOUT: [&str; 42] = [
    "arn",
    "arns",
    "id",
    "ids",
    "name",
    "names",
    "length",
    "policy",
    "enabled",
    "required",
    "period",
    "type",
    "version",
    "count",
    "days",
    "hours",
    "minutes",
    "seconds",
    "validity",
    "units",
    "unit",
    "configuration",
    "config",
    "rotation",
    "endpoint",
    "path",
    "prefix",
    "limit",
    "expiration",
    "expiry",
    "ttl",
    "status",
    "mode",
    "algorithm",
    "field",
    "header",
    "source",
    "location",
    "timeout",
    "manager",
    "characters",
    "rules",
];

/// Whether a key, a variable or a parameter of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let tells = NAMES.contains(&name.as_str()) || TELLING.iter().any(|word| name.contains(word));
    tells && !ABOUT.iter().any(|ending| name.ends_with(ending))
}

/// Beginnings of keys that services give out.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes> and the pages
/// of the services.
const BEGINNINGS: [&str; 16] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "access_token$",
    "AIza",
    "npm_",
    "eyJ",
];

/// The least length of what looks like a secret.
const SHORTEST: usize = 16;

/// Whether a text is a secret by its looks: a key in a known form, or letters and digits that nobody thought up.
pub(super) fn looks_secret(text: &str) -> bool {
    if text.len() < SHORTEST {
        return false;
    }
    if text.contains("-----BEGIN") || has_user_info(text) {
        return true;
    }
    let is_arn = text.starts_with("arn:");
    let tokens = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "+/=_-$".contains(letter)));
    let mut before = "";
    for token in tokens {
        let is_key =
            |part: &str| part.len() >= SHORTEST && BEGINNINGS.iter().any(|beginning| part.starts_with(beginning));
        let known = token.split('=').any(is_key);
        let hash = before == "sha256" || before == "sha512";
        if known || !is_arn && !hash && is_random(token) {
            return true;
        }
        before = token;
    }
    false
}

/// A URL with a password in it: `https://user:password@host`.
fn has_user_info(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#', ' ', '"']).next().unwrap_or_default();
    authority
        .split_once('@')
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, password)| !password.is_empty()))
}

/// Whether letters and digits look as if nobody thought them up: few of them belong to words.
fn is_random(token: &str) -> bool {
    // Nothing shorter ever is, whatever it is made of; most tokens are.
    if token.len() < SHORTEST {
        return false;
    }
    // A path is looked at part by part, unless its parts are too short for words, as in base64.
    let parts: Vec<&str> = token.split('/').collect();
    if parts.len() > 1 && parts.iter().any(|part| is_random(part)) {
        return true;
    }
    // Base64 that is filled up at its end.
    let base64 = token.len() >= 24 && token.ends_with('=') && !token.contains(['-', '_', '$']);
    if base64 && token.bytes().any(|byte| byte.is_ascii_digit()) && token.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        return true;
    }
    let token = token.trim_end_matches('=');
    let letters = token.chars().filter(char::is_ascii_alphabetic).count();
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let has = |test: fn(&char) -> bool| token.chars().any(|letter| test(&letter));
    let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && digits > 0;
    if token.len() < SHORTEST || token.len() < 20 && !mixed && digits < 3 || letters == 0 || is_aws_id(token) {
        return false;
    }
    let hex = token.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if hex && digits > 0 && letters + digits >= 24 {
        return true;
    }
    // Numbers that stand alone are no letters: an account's, a date.
    let numbers = token.split(|letter: char| !letter.is_ascii_alphanumeric());
    let alone: usize = numbers.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).map(str::len).sum();
    // Where capitals and digits are mixed in, three letters are no word yet.
    let shortest = if mixed { 4 } else { 3 };
    let words: usize = words(token).filter(|word| word.len() >= shortest && is_word(word)).map(str::len).sum();
    words * 5 < (letters + digits - alone) * 2
}

/// `ami-0123456789abcdef0`, `subnet-...`: an id that AWS gave.
fn is_aws_id(token: &str) -> bool {
    let Some((prefix, id)) = token.rsplit_once('-') else { return false };
    let hex = (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex && !prefix.is_empty() && prefix.len() <= 8 && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Letters that stand together: `HTTPCode` is `HTTP` and `Code`.
fn words(token: &str) -> impl Iterator<Item = &str> {
    let letters = token.split(|letter: char| !letter.is_ascii_alphabetic());
    letters.flat_map(|letters| {
        let bytes = letters.as_bytes();
        let starts = (0..bytes.len()).filter(|at| {
            let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
            let lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
            *at == 0 || upper(*at) && (lower(at - 1) || lower(at + 1))
        });
        let starts: Vec<usize> = starts.collect();
        let ends = starts.iter().copied().skip(1).chain([bytes.len()]).collect::<Vec<_>>();
        starts.into_iter().zip(ends).filter_map(|(start, end)| letters.get(start..end)).collect::<Vec<_>>()
    })
}

/// Whether letters could be a word: some vowels, not too many consonants together, and capitals only where they belong.
fn is_word(letters: &str) -> bool {
    let vowel = |letter: char| "aeiouyAEIOUY".contains(letter);
    let vowels = letters.chars().filter(|letter| vowel(*letter)).count();
    let longest = letters.split(vowel).map(str::len).max().unwrap_or_default();
    let inner_capitals = letters.chars().skip(1).filter(char::is_ascii_uppercase).count();
    let capitals = inner_capitals == 0 || letters.chars().all(|letter| letter.is_ascii_uppercase());
    vowels * 6 >= letters.len() && longest <= 4 && capitals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_from_what_is_said_about_them() {
        for name in ["Password", "DB_PASSWORD", "clientSecret", "GITHUB_TOKEN", "api-key", "MasterUserPassword", "DSN"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["SecretArn", "PasswordLength", "TokenValidityUnits", "QueueName", "KmsMasterKeyId", "Passenger", "Pinned"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_nobody_thought_up_looks_secret() {
        for text in [
            "q7FhZ2vN0xKc9LmT4sWbRj8uYd3PgEa6xHq1",
            "AKIAIOSFODNN7EXAMPLE",
            "d41d8cd98f00b204e9800998ecf8427e",
            "postgres://admin:hunter2@db.example.com/orders",
            "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc",
            "EBWKjlELKMYqRNQ6sYvFo64FtaRLRR5BdHEESmha49TM",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ] {
            assert!(looks_secret(text), "{text}");
        }
        for text in [
            "webhook-receiver-prod-dead-letters",
            "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
            "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "ami-0abcdef1234567890",
            "ApproximateAgeOfOldestMessage",
            "repository/image@sha256:d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204e9800998ecf8427e",
            "paypal-subscriptions.example.com",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/orders",
            "2012-10-17",
            "ELBSecurityPolicy-TLS-1-2-2017-01",
            "HTTPCode_ELB_5XX_Count",
            "AWS::CloudFormation::Stack",
            "PayPal answers 429: the limit of calls is reached",
        ] {
            assert!(!looks_secret(text), "{text}");
        }
    }
}
