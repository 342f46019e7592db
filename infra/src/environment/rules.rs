//! Values that no stack can have, found before anything is made from them.

use cfn::guard::{Allowance, Guards};
use contract::{config::Verification, functions::ALL, trigger::Trigger};
use url::{Host, Url};

use super::{Environment, Feeding, PayPal, RouteLimit};

/// The key of the sizing that functions have which have none of their own.
pub(super) const DEFAULT: &str = "default";

/// The numbers of days that CloudWatch Logs can keep lines for.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// An HTTP API waits for its function for 30 seconds; a function must have failed before, to be able to say so.
const LONGEST_BEHIND_A_ROUTE: u32 = 29;

/// The webhook id in what PayPal's webhook simulator signs.
///
/// Source: <https://developer.paypal.com/api/rest/webhooks/simulator/>
const SIMULATOR_WEBHOOK_ID: &str = "WEBHOOK_ID";

/// A rule that an environment breaks.
pub(super) struct Broken {
    /// The key's path, such as `domain.name`.
    pub(super) key: String,
    pub(super) problem: String,
    pub(super) mend: String,
}

/// All rules that the environment breaks.
pub(super) fn broken(environment: &Environment) -> Vec<Broken> {
    let mut found = Found(Vec::new());
    identity(environment, &mut found);
    domain(environment, &mut found);
    addresses(environment, &mut found);
    invoicer(environment, &mut found);
    worlds(environment, &mut found);
    functions(environment, &mut found);
    queues(environment, &mut found);
    limits(environment, &mut found);
    guards(environment, &mut found);
    found.0
}

struct Found(Vec<Broken>);

impl Found {
    fn unless(&mut self, fine: bool, key: &str, problem: String, mend: &str) {
        if !fine {
            self.0.push(Broken { key: key.to_owned(), problem, mend: mend.to_owned() });
        }
    }
}

fn identity(environment: &Environment, found: &mut Found) {
    let Environment { service, account, region, .. } = environment;
    let kebab =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    found.unless(
        kebab(service) && service.starts_with(|first: char| first.is_ascii_lowercase()) && service.len() <= 24,
        "service",
        format!("{service:?} cannot begin physical names"),
        "use at most 24 lower-case letters, digits and hyphens, a letter first",
    );
    found.unless(
        account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()),
        "account",
        format!("{account:?} is not an AWS account"),
        "give the twelve digits in quotes, as `aws sts get-caller-identity` shows them",
    );
    found.unless(
        kebab(region) && region.split('-').count() >= 3,
        "region",
        format!("{region:?} is not an AWS region"),
        "use a region's name such as eu-west-1",
    );
    let retentions = [
        ("log_retention_days", environment.log_retention_days),
        ("api.access_log_retention_days", environment.api.access_log_retention_days),
    ];
    for (key, days) in retentions {
        found.unless(
            RETENTION_DAYS.contains(&days),
            key,
            format!("CloudWatch cannot keep logs for {days} days"),
            "use one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
        );
    }
}

fn domain(environment: &Environment, found: &mut Found) {
    let Some(domain) = &environment.domain else { return };
    let zone = domain.hosted_zone.trim_end_matches('.');
    let inside = domain.name == zone || domain.name.strip_suffix(zone).is_some_and(|start| start.ends_with('.'));
    found.unless(
        inside && !zone.is_empty(),
        "domain.name",
        format!("{:?} is not inside the hosted zone {:?}", domain.name, domain.hosted_zone),
        "use a name that ends with the zone's name, or name the zone that it lies in",
    );
    found.unless(
        domain.hosted_zone_id.starts_with('Z')
            && domain.hosted_zone_id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "domain.hosted_zone_id",
        format!("{:?} is not the id of a hosted zone", domain.hosted_zone_id),
        "copy the id from Route 53; it begins with Z",
    );
}

fn addresses(environment: &Environment, found: &mut Found) {
    let webhook = &environment.paypal.webhook;
    let mut named = vec![
        ("paypal.url".to_owned(), &environment.paypal.url),
        ("checkout.return_url".to_owned(), &environment.checkout.return_url),
        ("checkout.cancel_url".to_owned(), &environment.checkout.cancel_url),
    ];
    let listed = |list: &'static str| move |(at, origin)| (format!("{list}.{at}"), origin);
    named.extend(webhook.certificate_origins.iter().enumerate().map(listed("paypal.webhook.certificate_origins")));
    named.extend(environment.api.allowed_origins.iter().enumerate().map(listed("api.allowed_origins")));
    for (key, address) in named {
        found.unless(
            is_secure(address),
            &key,
            format!("{address:?} is not an address that is safe to use"),
            "use https://; http:// is only for this machine (127.0.0.1, localhost)",
        );
    }
    if let Some(runbooks) = &environment.alarms.runbooks {
        found.unless(
            is_secure(runbooks) && !runbooks.contains('#'),
            "alarms.runbooks",
            format!("{runbooks:?} is not an address that a heading can be added to"),
            "use the https:// address of infra/RUNBOOKS.md, without a # part",
        );
    }
    let lists = [
        ("paypal.webhook.certificate_origins", &webhook.certificate_origins),
        ("paypal.webhook.certificate_names", &webhook.certificate_names),
        ("paypal.webhook.certificate_authorities", &webhook.certificate_authorities),
    ];
    for (key, list) in lists {
        let needed = webhook.verification != Verification::Postback;
        found.unless(
            !needed || !list.is_empty(),
            key,
            "is empty, so no webhook could be believed".to_owned(),
            "list at least one",
        );
    }
    found.unless(
        webhook.webhook_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !webhook.webhook_id.is_empty(),
        "paypal.webhook.webhook_id",
        format!("{:?} is not the id of a webhook", webhook.webhook_id),
        "copy the id from the PayPal developer dashboard, Apps & Credentials, Webhooks",
    );
}

/// The limits of PayPal's invoices, and what the service adds to note and memo.
///
/// Source: <https://developer.paypal.com/docs/api/invoicing/v2/#definition-invoice>
fn invoicer(environment: &Environment, found: &mut Found) {
    let invoicer = &environment.invoicer;
    let address = invoicer.address.as_ref();
    let texts = [
        ("business_name", Some(&invoicer.business_name), 300),
        ("given_name", invoicer.given_name.as_ref(), 140),
        ("surname", invoicer.surname.as_ref(), 140),
        ("email_address", Some(&invoicer.email_address), 254),
        ("website", invoicer.website.as_ref(), 2048),
        ("tax_id", invoicer.tax_id.as_ref(), 100),
        ("logo_url", invoicer.logo_url.as_ref(), 2000),
        ("additional_notes", invoicer.additional_notes.as_ref(), 400),
        ("note", invoicer.note.as_ref(), 3500),
        ("already_paid_note", invoicer.already_paid_note.as_ref(), 400),
        ("terms", invoicer.terms.as_ref(), 4000),
        ("memo", invoicer.memo.as_ref(), 400),
        ("item_name", invoicer.item_name.as_ref(), 200),
        ("tax_name", invoicer.tax_name.as_ref(), 100),
        ("address.address_line_1", address.map(|address| &address.address_line_1), 300),
        ("address.address_line_2", address.and_then(|address| address.address_line_2.as_ref()), 300),
    ];
    for (key, text, most) in texts {
        let length = text.map_or(1, |text| text.chars().count());
        found.unless(
            (1..=most).contains(&length),
            &format!("invoicer.{key}"),
            format!("has {length} characters, and PayPal takes 1 to {most}"),
            "shorten it, or remove the key where it is empty",
        );
    }
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    for (at, phone) in invoicer.phones.iter().enumerate() {
        found.unless(
            digits(&phone.country_code, 3) && digits(&phone.national_number, 14),
            &format!("invoicer.phones.{at}"),
            "is not a phone number that PayPal takes".to_owned(),
            "use 1 to 3 digits for country_code, and 1 to 14 digits for national_number, without signs and blanks",
        );
    }
    if let Some(language) = &invoicer.language {
        found.unless(
            is_language(language),
            "invoicer.language",
            format!("{language:?} is not a language that PayPal takes"),
            "use a language with or without its country, such as de or de-DE",
        );
    }
    let recipients = &invoicer.additional_recipients;
    found.unless(
        recipients.len() <= 100,
        "invoicer.additional_recipients",
        format!("has {} addresses, and PayPal takes 100", recipients.len()),
        "remove some",
    );
    for (at, address) in recipients.iter().enumerate() {
        let is_address = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        found.unless(
            is_address && address.len() <= 254 && !address.contains(char::is_whitespace),
            &format!("invoicer.additional_recipients.{at}"),
            format!("{address:?} is not an e-mail address"),
            "correct it",
        );
    }
}

/// `de`, `de-DE` or `zh-Hant-TW`: PayPal's pattern of a language.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is =
        |part: &str, length: usize, letter: fn(&u8) -> bool| part.len() == length && part.bytes().all(|b| letter(&b));
    let language = parts.next().is_some_and(|part| is(part, 2, u8::is_ascii_lowercase));
    let mut rest = parts.peekable();
    let script = rest.peek().is_some_and(|part| part.len() == 4);
    let script = !script || rest.next().is_some_and(|part| is(part, 4, u8::is_ascii_alphabetic));
    let country = rest.next().is_none_or(|part| is(part, 2, u8::is_ascii_uppercase));
    language && script && country && rest.next().is_none()
}

/// PayPal's two worlds, which know nothing of each other: each with its own accounts, webhooks and certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Live,
    Sandbox,
    /// This machine.
    Local,
}

impl World {
    /// The world of an address or a certificate's name; `None` where the name is neither PayPal's nor this machine's.
    fn of(host: &str) -> Option<Self> {
        match host {
            "localhost" | "[::1]" => Some(Self::Local),
            _ if host.starts_with("127.") => Some(Self::Local),
            _ if host == "sandbox.paypal.com" || host.ends_with(".sandbox.paypal.com") => Some(Self::Sandbox),
            _ if host == "paypal.com" || host.ends_with(".paypal.com") => Some(Self::Live),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
            Self::Local => "local",
        }
    }
}

/// Live and sandbox settings are not mixed: every event would be refused, or one of the sandbox accepted as paid. In the
/// sandbox the live certificate is accepted beside its own, because PayPal's webhook simulator signs with it.
fn worlds(environment: &Environment, found: &mut Found) {
    let PayPal { url, webhook } = &environment.paypal;
    let host = |address: &str| Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(world) = host(url).and_then(|host| World::of(&host)) else { return };
    found.unless(
        world != World::Live || webhook.webhook_id != SIMULATOR_WEBHOOK_ID,
        "paypal.webhook.webhook_id",
        format!("{SIMULATOR_WEBHOOK_ID} is the id of PayPal's webhook simulator: its events are nobody's payments"),
        "use the id of the live app's webhook, or the sandbox's paypal.url",
    );
    let origins = webhook.certificate_origins.iter().map(|origin| host(origin)).enumerate();
    let names = webhook.certificate_names.iter().map(|name| Some(name.clone())).enumerate();
    let lists = [
        ("paypal.webhook.certificate_origins", origins.collect::<Vec<_>>()),
        ("paypal.webhook.certificate_names", names.collect::<Vec<_>>()),
    ];
    for (key, hosts) in lists {
        let worlds: Vec<_> = hosts.iter().map(|(at, host)| (at, host.as_deref().and_then(World::of))).collect();
        for (at, other) in &worlds {
            let fits = match (world, other) {
                (_, None) | (World::Local, _) => true,
                (World::Live, Some(other)) => *other == World::Live,
                (World::Sandbox, Some(other)) => *other != World::Local,
            };
            let other = other.map_or("another", World::word);
            found.unless(
                fits,
                &format!("{key}.{at}"),
                format!("belongs to PayPal's {other} world, and paypal.url to the {} one", world.word()),
                "use the addresses, names and webhook of one of PayPal's worlds",
            );
        }
        found.unless(
            world != World::Sandbox
                || hosts.is_empty()
                || worlds.iter().any(|(_, other)| *other == Some(World::Sandbox)),
            key,
            "holds nothing of PayPal's sandbox, and paypal.url is the sandbox's".to_owned(),
            "add the sandbox's, or use the live paypal.url",
        );
    }
}

/// Over TLS, or not leaving this machine.
fn is_secure(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

fn functions(environment: &Environment, found: &mut Found) {
    found.unless(
        environment.functions.contains_key(DEFAULT),
        "functions",
        "has no `default`".to_owned(),
        "add `default: {memory_mb: 256, timeout_seconds: 15}`",
    );
    for (name, sizing) in &environment.functions {
        let key = format!("functions.{name}");
        let known = name == DEFAULT || ALL.iter().any(|function| function.name == name);
        let names: Vec<_> = ALL.iter().map(|function| function.name).collect();
        found.unless(
            known,
            &key,
            "there is no such function".to_owned(),
            &format!("use default, or one of {}", names.join(", ")),
        );
        found.unless(
            (128..=10_240).contains(&sizing.memory_mb),
            &format!("{key}.memory_mb"),
            format!("Lambda has no functions of {} MB", sizing.memory_mb),
            "use 128 to 10240",
        );
        found.unless(
            (1..=900).contains(&sizing.timeout_seconds),
            &format!("{key}.timeout_seconds"),
            format!("Lambda has no timeout of {} s", sizing.timeout_seconds),
            "use 1 to 900",
        );
        // A reservation of the default would be made for each function.
        let Some(reserved) = sizing.reserved_concurrency else { continue };
        let polled =
            [("webhook-verify", &environment.queues.unverified), ("webhook-process", &environment.queues.verified)];
        let least = polled.iter().find(|(function, _)| function == name).map_or(1, |(_, queue)| queue.max_concurrency);
        found.unless(
            name != DEFAULT && (least..=1000).contains(&reserved),
            &format!("{key}.reserved_concurrency"),
            format!("{reserved} execution environments cannot be reserved for it"),
            &format!("use {least} to 1000, for a single function"),
        );
    }
    for function in ALL.iter().filter(|function| matches!(function.trigger, Trigger::Http { .. })) {
        let timeout = environment.sizing(function.name).timeout_seconds;
        found.unless(
            timeout <= LONGEST_BEHIND_A_ROUTE,
            &sizing_key(environment, function.name),
            format!("{} may take {timeout} s, but API Gateway gives up after 30 s", function.name),
            "use at most 29",
        );
    }
}

fn queues(environment: &Environment, found: &mut Found) {
    let feeds = [
        ("queues.unverified", &environment.queues.unverified, "webhook-verify"),
        ("queues.verified", &environment.queues.verified, "webhook-process"),
    ];
    for (key, feeding, function) in feeds {
        let Feeding { visibility_seconds, max_receives, batch_size, max_concurrency } = feeding;
        let timeout = environment.sizing(function).timeout_seconds;
        found.unless(
            *visibility_seconds >= timeout.saturating_mul(6) && *visibility_seconds <= 43_200,
            &format!("{key}.visibility_seconds"),
            format!("messages are hidden for {visibility_seconds} s, and {function} may take {timeout} s"),
            &format!(
                "use at least six times its timeout, {} s, and at most 43200, or shorten its timeout",
                timeout * 6
            ),
        );
        // An event that cannot be processed at all (its function does not start, or AWS does not take the result) uses up receives. They
        // must last until the function would have given up, and the queue must not drop the message before.
        let redelivery = |receive| environment.retry.redelivery_seconds(receive);
        let shortest: u64 =
            (1..*max_receives).map(|receive| u64::from(redelivery(receive).min(*visibility_seconds))).sum();
        let longest: u64 =
            (1..*max_receives).map(|receive| u64::from(redelivery(receive).max(*visibility_seconds))).sum();
        let (least, most) = (u64::from(environment.retry.give_up_after_seconds), 9 * 86_400);
        found.unless(
            shortest >= least,
            &format!("{key}.max_receives"),
            format!("{max_receives} receives can be used up in {shortest} s, before an event is given up"),
            &format!(
                "raise it or visibility_seconds, so that they last for retry.give_up_after_seconds, {least} s: SQS takes at \
                 most 1000 receives"
            ),
        );
        found.unless(
            longest < most,
            &format!("{key}.max_receives"),
            format!("{max_receives} receives can take {longest} s, and the queue drops messages after ten days"),
            &format!("lower it or visibility_seconds, so that they take less than nine days, {most} s"),
        );
        let ranges = [
            ("max_receives", *max_receives, 5, 1000),
            ("batch_size", *batch_size, 1, 10),
            ("max_concurrency", *max_concurrency, 2, 1000),
        ];
        for (name, value, least, most) in ranges {
            found.unless(
                (least..=most).contains(&value),
                &format!("{key}.{name}"),
                format!("{value} is out of range"),
                &format!("use {least} to {most}"),
            );
        }
    }
}

fn limits(environment: &Environment, found: &mut Found) {
    let retry = &environment.retry;
    found.unless(
        retry.first_seconds >= 1 && retry.first_seconds <= retry.longest_seconds && retry.longest_seconds <= 43_200,
        "retry",
        format!("waits from {} s to {} s are not possible", retry.first_seconds, retry.longest_seconds),
        "use first_seconds of at least 1, and longest_seconds from there to 43200, the longest that SQS hides a message",
    );
    let days = retry.give_up_after_seconds / 86_400;
    found.unless(
        days < 9,
        "retry.give_up_after_seconds",
        format!("events would be tried for {days} days, and the queue drops them after ten"),
        "use less than 777600, nine days",
    );
    found.unless(
        (1..=10_000).contains(&environment.api.requests_per_second),
        "api.requests_per_second",
        format!("{} is not a limit that API Gateway takes by default", environment.api.requests_per_second),
        "use 1 to 10000",
    );
    found.unless(
        (1..=5_000).contains(&environment.api.burst),
        "api.burst",
        format!("{} is not a limit that API Gateway takes by default", environment.api.burst),
        "use 1 to 5000",
    );
    for (name, RouteLimit { requests_per_second, burst }) in &environment.api.routes {
        let key = format!("api.routes.{name}");
        let routed = || ALL.iter().filter(|function| matches!(function.trigger, Trigger::Http { .. }));
        let names: Vec<_> = routed().map(|function| function.name).collect();
        found.unless(
            names.contains(&name.as_str()),
            &key,
            "no route leads to a function of this name".to_owned(),
            &format!("use one of {}", names.join(", ")),
        );
        found.unless(
            (1..=10_000).contains(requests_per_second) && (1..=5_000).contains(burst),
            &key,
            format!(
                "{requests_per_second} a second and {burst} at once are not limits that API Gateway takes by default"
            ),
            "use 1 to 10000 for requests_per_second, and 1 to 5000 for burst",
        );
    }
    let hours = environment.alarms.nothing_finished_hours;
    found.unless(
        (1..=168).contains(&hours),
        "alarms.nothing_finished_hours",
        format!("CloudWatch cannot watch {hours} hours"),
        "use 1 to 168, seven days",
    );
    // Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html>
    let watched = environment.deployment.watch_minutes;
    found.unless(
        watched <= 180,
        "deployment.watch_minutes",
        format!("CloudFormation watches no alarms for {watched} minutes"),
        "use 0 to 180",
    );
    let checkout = &environment.checkout;
    found.unless(
        (1..=127).contains(&checkout.brand_name.chars().count()),
        "checkout.brand_name",
        "PayPal takes 1 to 127 characters".to_owned(),
        "shorten it",
    );
}

fn guards(environment: &Environment, found: &mut Found) {
    let Guards { deny, allow, .. } = &environment.guards;
    for (at, Allowance { guard, resource, reason, .. }) in allow.iter().enumerate() {
        found.unless(
            deny.contains(guard),
            &format!("guards.allow.{at}.guard"),
            format!("{guard} is not denied, so it need not be allowed for {resource}"),
            "remove the allowance, or add the guard to guards.deny",
        );
        found.unless(
            !reason.trim().is_empty(),
            &format!("guards.allow.{at}.reason"),
            format!("nobody will know why {guard} is allowed for {resource}"),
            "give the reason in a few words",
        );
    }
}

/// Where the function's sizing stands: its own key, or the default's.
fn sizing_key(environment: &Environment, function: &str) -> String {
    let own = environment.functions.contains_key(function);
    format!("functions.{}.timeout_seconds", if own { function } else { DEFAULT })
}
