//! Which route a request takes.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::{collections::BTreeMap, fmt};

use super::{PayloadFormat, Throttle};

/// A route and where it leads.
#[derive(Debug)]
pub struct Route {
    /// What requests it takes.
    pub key: RouteKey,
    /// The ARN of the function that it leads to.
    pub function: String,
    /// How the function gets requests.
    pub payload: PayloadFormat,
    /// How many requests it takes, where the stage says so of this route.
    pub throttle: Option<Throttle>,
}

/// `GET /plans/{id}`, `ANY /{proxy+}`, or `$default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteKey {
    /// A method, or any, and a path.
    Path {
        /// `None` for `ANY`.
        method: Option<String>,
        /// The path's parts.
        segments: Vec<Segment>,
    },
    /// What no other route takes.
    Default,
}

/// A part of a route's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// This text.
    Text(String),
    /// `{name}`: any one part.
    Variable(String),
    /// `{name+}`: the rest of the path, at least one part.
    Greedy(String),
}

impl RouteKey {
    /// Reads a route key; nothing when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "$default" {
            return Some(Self::Default);
        }
        let (method, path) = text.split_once(' ')?;
        let path = path.strip_prefix('/')?;
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
        if !known.contains(&method) {
            return None;
        }
        let segments: Vec<_> = path.split('/').map(Segment::parse).collect();
        let last = segments.len().saturating_sub(1);
        let greedy_inside = segments.iter().take(last).any(|segment| matches!(segment, Segment::Greedy(_)));
        (!greedy_inside).then(|| Self::Path { method: (method != "ANY").then(|| method.to_owned()), segments })
    }

    /// By which routes are sorted: the most specific comes first. Text before variable before greedy, part by part; a
    /// method before any; `$default` last.
    pub(super) fn priority(&self) -> (u8, Vec<u8>, u8) {
        let Self::Path { method, segments } = self else { return (1, Vec::new(), 0) };
        let rank = |segment: &Segment| match segment {
            Segment::Text(_) => 0,
            Segment::Variable(_) => 1,
            Segment::Greedy(_) => 2,
        };
        (0, segments.iter().map(rank).collect(), u8::from(method.is_none()))
    }

    /// The path parameters when the request fits.
    fn fits(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        let Self::Path { method: wanted, segments } = self else { return Some(BTreeMap::new()) };
        if wanted.as_ref().is_some_and(|wanted| wanted != method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        for segment in segments {
            let text = rest?;
            let (part, behind) = text.split_once('/').map_or((text, None), |(part, behind)| (part, Some(behind)));
            match segment {
                Segment::Text(wanted) if wanted == part => rest = behind,
                Segment::Text(_) => return None,
                Segment::Variable(_) if part.is_empty() => return None,
                Segment::Variable(name) => {
                    parameters.insert(name.clone(), part.to_owned());
                    rest = behind;
                }
                Segment::Greedy(_) if text.is_empty() => return None,
                Segment::Greedy(name) => {
                    parameters.insert(name.clone(), text.to_owned());
                    rest = None;
                }
            }
        }
        rest.is_none().then_some(parameters)
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Path { method, segments } = self else { return out.write_str("$default") };
        write!(out, "{} ", method.as_deref().unwrap_or("ANY"))?;
        segments.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => write!(out, "/{text}"),
            Segment::Variable(name) => write!(out, "/{{{name}}}"),
            Segment::Greedy(name) => write!(out, "/{{{name}+}}"),
        })
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Variable(name.to_owned()),
            },
            None => Self::Text(text.to_owned()),
        }
    }
}

/// The route that a request takes, and its path parameters. The routes are sorted by priority.
pub(super) fn find<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<(&'a Route, BTreeMap<String, String>)> {
    routes.iter().find_map(|route| Some((route, route.key.fits(method, path)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(keys: &[&str], method: &str, path: &str) -> Option<String> {
        let route = |key: &&str| Route {
            key: RouteKey::parse(key).unwrap(),
            function: String::new(),
            payload: PayloadFormat::Version2,
            throttle: None,
        };
        let mut routes: Vec<_> = keys.iter().map(route).collect();
        routes.sort_by_key(|route| route.key.priority());
        find(&routes, method, path).map(|(route, parameters)| format!("{} {parameters:?}", route.key))
    }

    #[test]
    fn the_most_specific_route_wins() {
        let keys =
            ["$default", "ANY /{proxy+}", "GET /pets/{id}", "GET /pets/dog/1", "GET /pets/{proxy+}", "ANY /pets/dog/1"];
        for (method, path, wanted) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1 {}"),
            ("POST", "/pets/dog/1", "ANY /pets/dog/1 {}"),
            ("GET", "/pets/dog/2", r#"GET /pets/{proxy+} {"proxy": "dog/2"}"#),
            ("GET", "/pets/dog", r#"GET /pets/{id} {"id": "dog"}"#),
            ("POST", "/pets/dog", r#"ANY /{proxy+} {"proxy": "pets/dog"}"#),
            ("GET", "/", "$default {}"),
        ] {
            assert_eq!(taken(&keys, method, path).as_deref(), Some(wanted), "{method} {path}");
        }
    }

    #[test]
    fn what_fits_no_route_takes_none() {
        let keys = ["GET /plans/list", "POST /a/{b}"];
        for (method, path) in
            [("POST", "/plans/list"), ("GET", "/plans/list/"), ("GET", "/plans"), ("POST", "/a/"), ("POST", "/a")]
        {
            assert_eq!(taken(&keys, method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn what_is_no_route_key_is_refused() {
        for wrong in ["", "GET", "get /a", "GET a", "FETCH /a", "GET /{a+}/b"] {
            assert_eq!(RouteKey::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_key_reads_as_it_is_written_and_takes_its_own_path(parts in proptest::collection::vec("[a-z]{1,4}", 1..4)) {
            let text = format!("GET /{}", parts.join("/"));
            let key = RouteKey::parse(&text).unwrap();
            prop_assert_eq!(key.to_string(), text);
            let path = format!("/{}", parts.join("/"));
            prop_assert!(key.fits("GET", &path).is_some());
        }
    }
}
