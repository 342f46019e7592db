//! The page's files, inside the program.

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

/// What each file is, and where it answers.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/console/console.css", "text/css; charset=utf-8", include_str!("console.css")),
    ("/console/app.js", SCRIPT, include_str!("app.js")),
    ("/console/dom.js", SCRIPT, include_str!("dom.js")),
    ("/console/faults.js", SCRIPT, include_str!("faults.js")),
    ("/console/functions.js", SCRIPT, include_str!("functions.js")),
    ("/console/hop.js", SCRIPT, include_str!("hop.js")),
    ("/console/journeys.js", SCRIPT, include_str!("journeys.js")),
    ("/console/paypal.js", SCRIPT, include_str!("paypal.js")),
    ("/console/picture.js", SCRIPT, include_str!("picture.js")),
    ("/console/queues.js", SCRIPT, include_str!("queues.js")),
    ("/console/topics.js", SCRIPT, include_str!("topics.js")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Nothing from elsewhere is loaded, run or shown in a frame, whatever a payload says.
const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || async move { file(kind, text) }))
    })
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // Another build of the program may answer next at the same address.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_but_its_own_files() {
        for (path, _, text) in FILES {
            for address in text.split(['"', '\'', '`', '(', ' ']).filter(|word| word.starts_with("http")) {
                assert!(address.starts_with("http://www.w3.org/"), "{path} names {address}");
            }
            let imports = text.lines().filter_map(|line| line.split_once(" from \"./")?.1.split_once('"'));
            for (import, _) in imports {
                assert!(FILES.iter().any(|(other, ..)| other.ends_with(import)), "{path} imports {import}");
            }
            assert!(!text.contains("innerHTML"), "{path} makes markup of text");
        }
    }
}
