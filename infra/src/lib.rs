//! This service's stack: an [`Environment`] becomes a CloudFormation [`Template`].
//!
//! - `service`: the architecture picture, top to bottom; start there.
//! - [`environment`]: an environment file, typed.
//! - [`wiring`]: what it is made of, in the service's words; how settings become environment variables and roles.
//! - `alarms`: alarms and dashboard.
//! - `names`: one rule for every name.
//!
//! **Invariants.** Pure: no I/O, no clock, no randomness; the same environment gives the same bytes. Nothing here knows
//! where the template goes: everything after synthesis reads the template and nothing else.

mod alarms;
pub mod environment;
mod names;
mod service;
pub mod wiring;

use std::collections::BTreeMap;

pub use cfn::Template;
pub use environment::{Environment, EnvironmentError, Hotswap};
use serde_json::json;

/// The template of this service in an environment.
///
/// # Errors
/// When the definitions contradict each other: two resources of one name, or a reference that leads nowhere.
pub fn service(environment: &Environment) -> Result<Template, cfn::StackErrors> {
    let mut template = drawn(environment).finish()?;
    template.metadata.insert("Waivers".to_owned(), json!({ "QUOTA-4": "`deploy` uploads it to S3 first" }));
    Ok(template)
}

/// Where each resource is defined, by its logical id: file and line, such as `infra/src/service.rs:27`.
#[must_use]
pub fn definitions(environment: &Environment) -> BTreeMap<String, String> {
    let stack = drawn(environment);
    let places = stack.definitions().iter();
    places.map(|(id, place)| (id.to_string(), format!("{}:{}", place.file(), place.line()))).collect()
}

fn drawn(environment: &Environment) -> cfn::Stack {
    let mut service = wiring::Service::new(environment);
    service::draw(&mut service);
    // Last, so that nothing can be added that they do not know.
    alarms::add_alarms(&mut service);
    service.stack
}
