//! CloudFormation, typed: templates that are read, built and written
