//! `GenerateSecretString`: a random value, as Secrets Manager generates it for a template.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html>

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Options {
    exclude_characters: String,
    exclude_lowercase: bool,
    exclude_uppercase: bool,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    include_space: bool,
    password_length: usize,
    require_each_included_type: bool,
    secret_string_template: Option<String>,
    generate_string_key: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclude_characters: String::new(),
            exclude_lowercase: false,
            exclude_uppercase: false,
            exclude_numbers: false,
            exclude_punctuation: false,
            include_space: false,
            password_length: 32,
            require_each_included_type: true,
            secret_string_template: None,
            generate_string_key: None,
        }
    }
}

/// The secret's string: the random value, or the template's JSON object with it under the key.
pub(crate) fn generate(options: &Value) -> Result<String, String> {
    let options: Options =
        serde_json::from_value(options.clone()).map_err(|error| format!("its GenerateSecretString: {error}"))?;
    match (&options.secret_string_template, &options.generate_string_key) {
        (None, None) => value(&options),
        (Some(template), Some(key)) => {
            let mut object: Map<String, Value> = serde_json::from_str(template)
                .map_err(|_| "its SecretStringTemplate is not a JSON object".to_owned())?;
            object.insert(key.clone(), value(&options)?.into());
            Ok(Value::Object(object).to_string())
        }
        _ => Err("SecretStringTemplate and GenerateStringKey need each other".to_owned()),
    }
}

fn value(options: &Options) -> Result<String, String> {
    let types = [
        (!options.exclude_lowercase, LOWERCASE),
        (!options.exclude_uppercase, UPPERCASE),
        (!options.exclude_numbers, NUMBERS),
        (!options.exclude_punctuation, PUNCTUATION),
        (options.include_space, " "),
    ];
    let included = types.into_iter().filter(|(included, _)| *included);
    let allowed = |set: &str| set.chars().filter(|&at| !options.exclude_characters.contains(at)).collect();
    let sets: Vec<Vec<char>> =
        included.map(|(_, set)| allowed(set)).filter(|set: &Vec<char>| !set.is_empty()).collect();
    let all: Vec<char> = sets.concat();
    let length = options.password_length;
    let least = if options.require_each_included_type { sets.len().max(1) } else { 1 };
    if all.is_empty() || !(least..=4096).contains(&length) {
        return Err(format!("no value of {length} characters can be generated; AWS takes {least} to 4096"));
    }
    // One of each type first, then the rest; then all of them shuffled.
    let mut random = Random::default();
    let required = if options.require_each_included_type { sets.as_slice() } else { &[] };
    let mut chosen: Vec<char> = required.iter().filter_map(|set| random.of(set)).collect();
    while chosen.len() < length {
        chosen.extend(random.of(&all));
    }
    for at in (1..chosen.len()).rev() {
        let other = random.below(at + 1);
        chosen.swap(at, other);
    }
    Ok(chosen.into_iter().collect())
}

/// Random bytes of UUIDs, without the two that hold version and variant.
#[derive(Default)]
struct Random(Vec<u8>);

impl Random {
    fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.0.pop() {
                return byte;
            }
            let uuid = Uuid::new_v4();
            let random = uuid.as_bytes().iter().enumerate().filter(|(at, _)| ![6, 8].contains(at));
            self.0.extend(random.map(|(_, byte)| byte));
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % limit
    }

    fn of(&mut self, set: &[char]) -> Option<char> {
        let at = self.below(set.len().max(1));
        set.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn generated_secret_has_the_length_and_types_that_are_asked_for() {
        let plain = generate(&json!({})).unwrap();
        assert_eq!(plain.chars().count(), 32);
        for set in [LOWERCASE, UPPERCASE, NUMBERS, PUNCTUATION] {
            assert!(plain.chars().any(|at| set.contains(at)), "{plain}");
        }
        let options = json!({ "ExcludePunctuation": true, "ExcludeCharacters": "aZ0", "PasswordLength": 1000 });
        let value = generate(&options).unwrap();
        assert!(value.len() == 1000 && value.chars().all(|at| at.is_ascii_alphanumeric() && !"aZ0".contains(at)));
        assert_ne!(generate(&options).unwrap(), value);
    }

    #[test]
    fn generated_secret_is_put_into_the_template() {
        let options =
            json!({ "SecretStringTemplate": "{\"user\":\"a\"}", "GenerateStringKey": "key", "PasswordLength": 40 });
        let object: Value = serde_json::from_str(&generate(&options).unwrap()).unwrap();
        assert_eq!((&object["user"], object["key"].as_str().unwrap().len()), (&json!("a"), 40));
    }

    #[test]
    fn generated_secret_that_aws_refuses_is_refused() {
        for wrong in [
            json!({ "GenerateStringKey": "key" }),
            json!({ "SecretStringTemplate": "{}" }),
            json!({ "SecretStringTemplate": "[]", "GenerateStringKey": "key" }),
            json!({ "PasswordLength": 3 }),
            json!({ "PasswordLength": 5000 }),
            json!({ "ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludeNumbers": true, "ExcludePunctuation": true }),
            json!({ "Length": 3 }),
        ] {
            assert!(generate(&wrong).is_err(), "{wrong}");
        }
    }
}
