//! How ports of this machine are served, and AWS's wire protocols: query with XML answers, JSON, and their errors.

pub(crate) mod error;
pub(crate) mod md5;
pub(crate) mod own;
pub(crate) mod post;
pub(crate) mod query;
pub(crate) mod serve;
pub(crate) mod xml;

pub use error::ApiError;
