//! Routes that are new, gone, or ask for another authorization.

use std::collections::BTreeMap;

use super::fact;
use crate::{
    diff::{
        Detail, Fact, Guard, Risk,
        compared::Compared,
        fold::{changed_around, changed_at},
        words,
    },
    flow::{Authorization, End, Route},
};
use cfn::{LogicalId, Path};

/// How many routes a sentence names.
const NAMED: usize = 3;

pub(super) fn find(compared: &Compared<'_>) -> Vec<Fact> {
    let renamed: BTreeMap<&LogicalId, &LogicalId> =
        compared.pairs().map(|pair| (pair.old_id, pair.new_id)).filter(|(old, new)| old != new).collect();
    let with_new_ids = |mut route: Route| {
        if let End::Resource(id) = &mut route.api
            && let Some(new) = renamed.get(id)
        {
            *id = (*new).clone();
        }
        route
    };
    let keyed = |routes: Vec<Route>| -> BTreeMap<(End, String), Route> {
        routes.into_iter().map(with_new_ids).map(|route| ((route.api.clone(), route.key.clone()), route)).collect()
    };
    let old = keyed(crate::flow::routes(&compared.old.template));
    let new = keyed(crate::flow::routes(&compared.new.template));
    let mut facts = Vec::new();
    let (mut open, mut closed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (key, route) in &new {
        match old.get(key) {
            Some(before) => facts.extend(other_authorization(compared, before, route)),
            None if route.authorization.strength() == Some(0) => open.push(route),
            None => closed.push(route),
        }
    }
    gone.extend(old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, route)| route));
    facts.extend(by_api(&open).into_iter().map(|routes| new_open(&routes)));
    facts.extend(by_api(&closed).into_iter().map(|routes| new_closed(&routes)));
    facts.extend(by_api(&gone).into_iter().map(|routes| removed(&routes)));
    facts
}

/// Routes of one API and one authorization together.
fn by_api<'r>(routes: &[&'r Route]) -> Vec<Vec<&'r Route>> {
    let mut groups: BTreeMap<(String, String), Vec<&Route>> = BTreeMap::new();
    for route in routes {
        groups.entry((route.api.to_string(), route.authorization.to_string())).or_default().push(route);
    }
    groups.into_values().collect()
}

/// What is said of several routes of one API.
struct Told {
    keys: String,
    api: String,
    to: String,
    subjects: Vec<LogicalId>,
    explains: Vec<Path>,
    details: Vec<Detail>,
}

impl Told {
    fn of(routes: &[&Route]) -> Self {
        let keys: Vec<String> = routes.iter().map(|route| shown(&route.key)).collect();
        let to = match routes {
            [Route { to: Some(to), .. }] => format!(", which calls {to}"),
            _ => String::new(),
        };
        let details = if routes.len() == 1 { &[] } else { routes };
        Self {
            keys: words::shortened(&keys, NAMED),
            api: routes.first().map(|route| route.api.to_string()).unwrap_or_default(),
            to,
            subjects: routes.iter().map(|route| route.by.clone()).collect(),
            explains: routes.iter().map(|route| Path::resource(route.by.as_str())).collect(),
            details: details.iter().map(|route| Detail::text(line(route))).collect(),
        }
    }

    fn fact(self, id: &'static str, sentence: String, guards: &[Guard]) -> Fact {
        let Self { mut subjects, explains, details, .. } = self;
        subjects.dedup();
        let guards = guards.to_vec();
        Fact { subjects, details, guards, explains, ..Fact::new(id, Risk::Exposure, &[], sentence) }
    }
}

fn line(route: &Route) -> String {
    let to = route.to.as_ref().map(|to| format!(" calls {to}")).unwrap_or_default();
    format!("{}{to}, {}", shown(&route.key), route.authorization)
}

fn shown(key: &str) -> String {
    if key == "$default" { "every other request".to_owned() } else { key.to_owned() }
}

fn new_open(routes: &[&Route]) -> Fact {
    let told = Told::of(routes);
    let sentence = format!("anyone may newly ask {} for {}{}, without authorization", told.api, told.keys, told.to);
    told.fact("new-public-route", sentence, &[Guard::NewPublicRoute])
}

fn new_closed(routes: &[&Route]) -> Fact {
    let told = Told::of(routes);
    let with = routes.first().map(|route| route.authorization.to_string()).unwrap_or_default();
    let sentence = format!("{} newly answers {}{}, with {with}", told.api, told.keys, told.to);
    // A key tells callers apart, and keeps nobody out; what is not known may be nothing.
    let weak = routes.iter().any(|route| route.authorization.strength() != Some(2));
    told.fact("new-route", sentence, if weak { &[Guard::NewPublicRoute] } else { &[] })
}

fn removed(routes: &[&Route]) -> Fact {
    let told = Told::of(routes);
    let sentence = format!("{} no longer answers {}", told.api, told.keys);
    told.fact("route-removed", sentence, &[Guard::StopFlow])
}

fn other_authorization(compared: &Compared<'_>, old: &Route, new: &Route) -> Option<Fact> {
    let scopes = lost_scopes(compared, new);
    if old.authorization == new.authorization && scopes.is_none() {
        return None;
    }
    let places = ["AuthorizationType", "AuthorizerId", "AuthorizationScopes", "ApiKeyRequired", "Body"];
    let explains: Vec<Path> = places.iter().flat_map(|place| changed_at(compared, &new.by, place)).collect();
    let whole = Path::resource(new.by.as_str());
    let explains = if explains.is_empty() { changed_around(compared, &new.by, &whole) } else { explains };
    let (key, api) = (shown(&new.key), &new.api);
    let (before, after) = (old.authorization.strength(), new.authorization.strength());
    if let Some(scopes) = scopes {
        let sentence = format!("{key} of {api} takes tokens without the scopes that it asked for: {scopes}");
        return Some(fact("authorization-weaker", &new.by, sentence, &[Guard::RemoveAuthorization], explains));
    }
    let sentence = format!("{key} of {api}: {} instead of {}", new.authorization, old.authorization);
    let weaker = matches!((before, after), (Some(before), Some(after)) if after < before)
        || new.authorization == Authorization::Unknown;
    Some(if weaker {
        fact("authorization-removed", &new.by, sentence, &[Guard::RemoveAuthorization], explains)
    } else if before < after {
        fact("authorization-added", &new.by, sentence, &[], explains)
    } else {
        fact("authorization-changed", &new.by, sentence, &[], explains)
    })
}

/// The scopes that a token need no longer have, where all that were asked for are gone.
fn lost_scopes(compared: &Compared<'_>, route: &Route) -> Option<String> {
    let pair = compared.pair(route.by.as_str())?;
    let scopes = |resource: &cfn::Resource| -> Vec<String> {
        let list = resource.properties.get("AuthorizationScopes").and_then(serde_json::Value::as_array);
        list.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let (old, new) = (scopes(pair.old), scopes(pair.new));
    // One of several is enough: a further one lets in more, and none lets in every token.
    let wider = !old.is_empty() && (new.is_empty() || new.iter().any(|scope| !old.contains(scope)));
    (wider && pair.old.properties.get("AuthorizationType") == pair.new.properties.get("AuthorizationType"))
        .then(|| words::shortened(&old, NAMED))
}
