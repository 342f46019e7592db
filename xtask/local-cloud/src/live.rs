//! Values that change while others use them.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use tower_service::Service;

/// A value that another can take the place of: whoever reads it gets the one of that moment. Clones share it.
pub(crate) struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Live<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl Live<Router> {
    /// A router that hands each request to the one of that moment. Requests that are worked on end where they began.
    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(hand_over).with_state(self.clone())
    }
}

async fn hand_over(State(live): State<Live<Router>>, request: Request) -> Response {
    let mut router = Router::clone(&live.get());
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
