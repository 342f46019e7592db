//! The five Lambda functions and what they share
