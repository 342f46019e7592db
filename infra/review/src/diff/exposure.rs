//! What can be reached by whom: routes and their authorization, addresses, domains, networks.

mod networks;
mod routes;

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::{Answer, Detail, Fact, Guard, Risk, compared::Compared, fold::changed_at, side::Pair, words::subject};
use cfn::{
    LogicalId, Path,
    view::{Field, ResourceView},
};

/// What can be reached by whom.
pub(super) fn find(compared: &Compared<'_>) -> Answer {
    Answer { facts: facts(compared), unchanged: unchanged(compared) }
}

fn facts(compared: &Compared<'_>) -> Vec<Fact> {
    let mut facts = routes::find(compared);
    facts.extend(networks::find(compared));
    for thing in compared.new.facts().resources() {
        let pair = compared.pair(thing.id.as_str());
        match thing.resource.kind.as_str() {
            "AWS::Lambda::Url" => facts.extend(function_url(compared, thing, pair)),
            "AWS::ApiGatewayV2::ApiMapping" if pair.is_none() => facts.extend(mapped(compared, thing, "ApiId")),
            "AWS::ApiGateway::BasePathMapping" if pair.is_none() => facts.extend(mapped(compared, thing, "RestApiId")),
            _ => {}
        }
        if let Some(pair) = pair {
            let old = ResourceView { id: pair.old_id, resource: pair.old };
            for (kind, place) in ORIGINS.iter().filter(|(kind, _)| thing.is(kind)) {
                facts.extend(cors(compared, kind, place, old, thing));
            }
            facts.extend(own_address(compared, old, thing));
            facts.extend(tls_minimum(compared, old, thing));
            facts.extend(mutual_tls(compared, old, thing));
        }
    }
    facts.extend(unmapped(compared));
    facts.extend(public_buckets(compared));
    facts
}

fn fact(id: &'static str, subject: &LogicalId, sentence: String, guards: &[Guard], explains: Vec<Path>) -> Fact {
    Fact { guards: guards.to_vec(), explains, ..Fact::new(id, Risk::Exposure, &[subject], sentence) }
}

/// A function's own address.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
fn function_url(compared: &Compared<'_>, url: ResourceView<'_>, pair: Option<Pair<'_>>) -> Option<Fact> {
    let open = |thing: ResourceView<'_>| thing.literal("AuthType").map(|kind| kind == "NONE");
    let function = url.field("TargetFunctionArn").value()?;
    let function = compared.new.facts().target(function, "AWS::Lambda::Function");
    let function =
        function.map_or_else(|| "a function".to_owned(), |thing| subject("AWS::Lambda::Function", &[thing.id]));
    let now_open = open(url)?;
    let Some(pair) = pair else {
        let whole = vec![Path::resource(url.id.as_str())];
        return Some(if now_open {
            let sentence = format!("anyone may newly call {function} at its own URL, without authorization");
            fact("new-public-url", url.id, sentence, &[Guard::NewPublicRoute], whole)
        } else {
            let sentence = format!("{function} gets a URL of its own: whom IAM allows may call it there");
            fact("new-url", url.id, sentence, &[], whole)
        });
    };
    let was_open = open(ResourceView { id: pair.old_id, resource: pair.old })?;
    let explains = changed_at(compared, url.id, "AuthType");
    match (was_open, now_open) {
        (false, true) => {
            let sentence = format!("anyone may call {function} at its own URL: no authorization instead of IAM");
            Some(fact("authorization-removed", url.id, sentence, &[Guard::RemoveAuthorization], explains))
        }
        (true, false) => {
            let sentence = format!("{function} asks for IAM at its own URL: other callers are refused");
            Some(fact("authorization-added", url.id, sentence, &[], explains))
        }
        _ => None,
    }
}

/// Where origins are listed whose pages may call.
const ORIGINS: [(&str, &str); 2] = [("AWS::ApiGatewayV2::Api", "CorsConfiguration"), ("AWS::Lambda::Url", "Cors")];

/// Which pages' scripts may call.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>
fn cors(
    compared: &Compared<'_>,
    kind: &str,
    place: &str,
    old: ResourceView<'_>,
    new: ResourceView<'_>,
) -> Option<Fact> {
    let list = |thing: ResourceView<'_>, of: &str| -> Vec<String> {
        let at = format!("{place}.{of}");
        let values = thing.list(&at);
        values.into_iter().map(|value| compared.show(&thing.at(&at), value).to_string()).collect()
    };
    let added = |of: &str| -> Vec<String> {
        let before = list(old, of);
        if before.iter().any(|one| one == "*") {
            return Vec::new();
        }
        list(new, of).into_iter().filter(|one| !before.contains(one)).collect()
    };
    let subject = subject(kind, &[new.id]);
    let (origins, methods, headers) = (added("AllowOrigins"), added("AllowMethods"), added("AllowHeaders"));
    let everyone = origins.iter().any(|one| one == "*");
    let credentials =
        |thing: ResourceView<'_>| thing.truth_or(&format!("{place}.AllowCredentials"), false) == Some(true);
    let mut guards = Vec::new();
    let sentence = if everyone {
        guards.push(Guard::WeakenProtection);
        format!("pages of every origin may newly call {subject} from their visitors' browsers (CORS)")
    } else if !origins.is_empty() {
        format!("pages of {} may newly call {subject} (CORS)", super::words::shortened(&origins, 3))
    } else if !credentials(old) && credentials(new) {
        guards.push(Guard::WeakenProtection);
        format!("pages that may call {subject} may newly do so with their visitors' credentials (CORS)")
    } else if !methods.is_empty() {
        format!("pages may newly use {} at {subject} (CORS)", super::words::shortened(&methods, 4))
    } else if !headers.is_empty() {
        format!("pages may newly send {} to {subject} (CORS)", super::words::shortened(&headers, 3))
    } else {
        return None;
    };
    let details = [origins, methods, headers].concat().into_iter().map(Detail::text).collect();
    let explains = changed_at(compared, new.id, place);
    Some(Fact { details, ..fact("cors-widened", new.id, sentence, &guards, explains) })
}

/// Lists of origins, methods and headers in another order.
fn unchanged(compared: &Compared<'_>) -> Vec<Path> {
    let mut found = Vec::new();
    for pair in compared.pairs() {
        let (old, new) = (
            ResourceView { id: pair.old_id, resource: pair.old },
            ResourceView { id: pair.new_id, resource: pair.new },
        );
        for (_, place) in ORIGINS.iter().filter(|(kind, _)| new.is(kind)) {
            for list in ["AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders"] {
                let at = format!("{place}.{list}");
                let (before, after) = (old.list(&at), new.list(&at));
                let within = |one: &[&Json], other: &[&Json]| one.iter().all(|value| other.contains(value));
                if !before.is_empty() && within(&before, &after) && within(&after, &before) {
                    found.extend(changed_at(compared, new.id, &at));
                }
            }
        }
    }
    found
}

/// AWS's own address of an API beside its domain.
fn own_address(compared: &Compared<'_>, old: ResourceView<'_>, new: ResourceView<'_>) -> Option<Fact> {
    let place = "DisableExecuteApiEndpoint";
    let api = new.is("AWS::ApiGatewayV2::Api") || new.is("AWS::ApiGateway::RestApi");
    let closed = |thing: ResourceView<'_>| thing.truth_or(place, false);
    let explains = changed_at(compared, new.id, place);
    let name = subject(&new.resource.kind, &[new.id]);
    match (api, closed(old), closed(new)) {
        (true, Some(true), Some(false)) => {
            let sentence = format!("{name} also answers at AWS's own address (execute-api) from now on");
            Some(fact("own-address-opened", new.id, sentence, &[Guard::WeakenProtection], explains))
        }
        (true, Some(false), Some(true)) => {
            let sentence = format!("{name} no longer answers at AWS's own address (execute-api)");
            Some(fact("own-address-closed", new.id, sentence, &[Guard::StopFlow], explains))
        }
        _ => None,
    }
}

/// Versions of TLS, the weakest first: where they stand, and how they are called there.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html>
const TLS: [(&str, &str); 4] = [
    ("AWS::ApiGatewayV2::DomainName", "DomainNameConfigurations"),
    ("AWS::ApiGateway::DomainName", "SecurityPolicy"),
    ("AWS::CloudFront::Distribution", "DistributionConfig.ViewerCertificate.MinimumProtocolVersion"),
    ("AWS::OpenSearchService::Domain", "DomainEndpointOptions.TLSSecurityPolicy"),
];

fn tls_minimum(compared: &Compared<'_>, old: ResourceView<'_>, new: ResourceView<'_>) -> Option<Fact> {
    let (_, place) = TLS.iter().find(|(kind, _)| new.is(kind))?;
    let policy = |thing: ResourceView<'_>| {
        let value = thing.field(place).value()?;
        let first = value.as_array().and_then(|all| all.first());
        let policy = first.map_or(Some(value), |one| one.get("SecurityPolicy"))?;
        policy.as_str().map(str::to_owned)
    };
    let (before, after) = (policy(old)?, policy(new)?);
    if tls_rank(&after)?.cmp(&tls_rank(&before)?) != Ordering::Less {
        return None;
    }
    let name = subject(&new.resource.kind, &[new.id]);
    let sentence = format!("{name} takes older TLS: {after} instead of {before}");
    let explains = changed_at(compared, new.id, place);
    let weaker = fact("tls-minimum-lowered", new.id, sentence, &[Guard::WeakenProtection], explains);
    Some(Fact { risk: Risk::Protection, ..weaker })
}

/// How new the oldest version is that a policy takes: `TLS_1_2`, `TLSv1.2_2021`, `Policy-Min-TLS-1-2-2019-07`.
fn tls_rank(policy: &str) -> Option<u32> {
    let (_, after) = policy.split_once("TLS").or_else(|| policy.starts_with("SSLv3").then_some(("", "0.0")))?;
    let digits: Vec<u32> = after.chars().filter_map(|letter| letter.to_digit(10)).take(2).collect();
    match digits.as_slice() {
        [major, minor] => Some(major * 10 + minor),
        [major] => Some(major * 10),
        _ => None,
    }
}

/// Certificates that callers must show.
fn mutual_tls(compared: &Compared<'_>, old: ResourceView<'_>, new: ResourceView<'_>) -> Option<Fact> {
    let place = "MutualTlsAuthentication.TruststoreUri";
    if !old.has(place) || !new.is_absent(place) {
        return None;
    }
    let name = subject(&new.resource.kind, &[new.id]);
    let sentence = format!("{name} no longer asks callers for a certificate (mutual TLS)");
    let explains = changed_at(compared, new.id, "MutualTlsAuthentication");
    Some(fact("authorization-removed", new.id, sentence, &[Guard::RemoveAuthorization], explains))
}

/// The domain of a mapping, as people know it.
fn domain(compared: &Compared<'_>, mapping: ResourceView<'_>, is_old: bool) -> String {
    let side = if is_old { &compared.old } else { &compared.new };
    let facts = side.facts();
    let value = mapping.field("DomainName").value();
    let named = value.and_then(|value| {
        let kinds = ["AWS::ApiGatewayV2::DomainName", "AWS::ApiGateway::DomainName"];
        kinds.iter().find_map(|kind| facts.target(value, kind))
    });
    let name = named.and_then(|domain| domain.field("DomainName").value().map(|name| (domain.at("DomainName"), name)));
    match (name, value) {
        (Some((path, name)), _) => compared.show(&path, name).to_string(),
        (None, Some(value)) => compared.show(&mapping.at("DomainName"), value).to_string(),
        (None, None) => "a domain".to_owned(),
    }
}

fn api_of(compared: &Compared<'_>, mapping: ResourceView<'_>, place: &str, is_old: bool) -> String {
    let facts = if is_old { compared.old.facts() } else { compared.new.facts() };
    let kinds = ["AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"];
    let value = mapping.field(place).value();
    let api = value.and_then(|value| kinds.iter().find_map(|kind| facts.target(value, kind)));
    api.map_or_else(|| "an API".to_owned(), |api| subject(&api.resource.kind, &[api.id]))
}

fn mapped(compared: &Compared<'_>, mapping: ResourceView<'_>, place: &str) -> Option<Fact> {
    let (api, domain) = (api_of(compared, mapping, place, false), domain(compared, mapping, false));
    let whole = vec![Path::resource(mapping.id.as_str())];
    Some(fact("domain-added", mapping.id, format!("{api} newly answers at {domain}"), &[], whole))
}

fn unmapped(compared: &Compared<'_>) -> Vec<Fact> {
    let kept: std::collections::HashSet<&LogicalId> = compared.pairs().map(|pair| pair.old_id).collect();
    let mut facts = Vec::new();
    for (kind, place) in [("AWS::ApiGatewayV2::ApiMapping", "ApiId"), ("AWS::ApiGateway::BasePathMapping", "RestApiId")]
    {
        for mapping in compared.old.facts().all(kind).filter(|mapping| !kept.contains(mapping.id)) {
            let (api, domain) = (api_of(compared, mapping, place, true), domain(compared, mapping, true));
            let whole = vec![Path::resource(mapping.id.as_str())];
            let sentence = format!("{api} no longer answers at {domain}");
            facts.push(fact("domain-removed", mapping.id, sentence, &[Guard::StopFlow], whole));
        }
    }
    facts
}

/// The four ways in which a bucket keeps the public out.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
const BLOCKS: [&str; 4] = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];

/// Lists of rights that let in everyone.
const PUBLIC_LISTS: [&str; 3] = ["PublicRead", "PublicReadWrite", "AuthenticatedRead"];

fn public_buckets(compared: &Compared<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for new in compared.new.facts().all("AWS::S3::Bucket") {
        let old = compared.pair(new.id.as_str()).map(|pair| ResourceView { id: pair.old_id, resource: pair.old });
        let blocked = |thing: ResourceView<'_>| {
            BLOCKS.iter().all(|block| {
                let place = format!("PublicAccessBlockConfiguration.{block}");
                // Buckets are made with all four where the template says nothing at all; one that it leaves out is off.
                let default = thing.is_absent("PublicAccessBlockConfiguration");
                thing.truth_or(&place, default) != Some(false)
            })
        };
        if old.is_none_or(blocked) && !blocked(new) {
            let sentence =
                format!("{} may be made public: it no longer blocks that", subject("AWS::S3::Bucket", &[new.id]));
            let sentence =
                if old.is_none() { sentence.replace("no longer blocks", "does not block") } else { sentence };
            let explains = changed_at(compared, new.id, "PublicAccessBlockConfiguration");
            facts.push(fact("public-access-allowed", new.id, sentence, &[Guard::PublicPrincipal], explains));
        }
        let list = |thing: ResourceView<'_>| match thing.field("AccessControl") {
            Field::Is(Json::String(list)) => PUBLIC_LISTS.contains(&list.as_str()),
            _ => false,
        };
        if !old.is_some_and(list) && list(new) {
            let shown = new.literal("AccessControl").unwrap_or_default();
            let sentence =
                format!("everyone may read {}: its list of rights is {shown}", subject("AWS::S3::Bucket", &[new.id]));
            let explains = changed_at(compared, new.id, "AccessControl");
            facts.push(fact("public-principal", new.id, sentence, &[Guard::PublicPrincipal], explains));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::tls_rank;

    #[test]
    fn versions_of_tls_are_known_however_they_are_called() {
        let ranks =
            ["TLS_1_0", "TLS_1_2", "TLSv1", "TLSv1.2_2021", "Policy-Min-TLS-1-2-2019-07", "SSLv3", "?"].map(tls_rank);
        assert_eq!(ranks, [Some(10), Some(12), Some(10), Some(12), Some(12), Some(0), None]);
    }
}
