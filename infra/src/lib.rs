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

pub use cfn::Template;
pub use environment::{Environment, EnvironmentError};

/// The template of this service in an environment.
///
/// # Errors
/// When the definitions contradict each other: two resources of one name, or a reference that leads nowhere.
pub fn service(environment: &Environment) -> Result<Template, cfn::StackError> {
    let mut service = wiring::Service::new(environment);
    service::draw(&mut service);
    service.stack.finish()
}
