//! AWS's wire protocols: query with XML answers, JSON, and their errors.

pub(crate) mod error;
pub(crate) mod md5;
pub(crate) mod query;
pub(crate) mod xml;

pub use error::ApiError;
