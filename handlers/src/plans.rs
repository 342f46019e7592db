//! `GET /plans/list`: PayPal's active billing plans with their prices.

use std::time::{Duration, Instant};

use paypal::{Client, Deadline};
use tokio::sync::Mutex;

use crate::{
    api::{Plan, Plans},
    log,
    problem::Problem,
    request::Answer,
};

/// Age up to which a list is used again: plans change seldom, and PayPal limits the rate of calls.
const CACHE_TTL: Duration = Duration::from_secs(60);

/// Lists plans, and remembers the list for a minute.
pub struct PlanList {
    paypal: Client,
    known: Mutex<Option<(Instant, Plans)>>,
}

impl PlanList {
    /// A list that was not read yet.
    #[must_use]
    pub fn new(paypal: Client) -> Self {
        Self { paypal, known: Mutex::default() }
    }

    /// The active plans.
    ///
    /// # Errors
    /// When PayPal refuses or does not answer.
    pub async fn answer(&self, deadline: Deadline) -> Result<Answer, Problem> {
        let mut known = self.known.lock().await;
        if let Some((_, plans)) = known.as_ref().filter(|(since, _)| since.elapsed() < CACHE_TTL) {
            return Ok(Answer::ok(plans));
        }
        let plans = self.paypal.plans(deadline).await.map_err(|error| {
            log::paypal_failed(&error);
            Problem::from_paypal(&error)
        })?;
        let plans = Plans { plans: plans.into_iter().filter(paypal::Plan::is_active).map(Plan::from).collect() };
        tracing::info!(count = plans.plans.len(), "plans listed");
        let answer = Answer::ok(&plans);
        *known = Some((Instant::now(), plans));
        Ok(answer)
    }
}
