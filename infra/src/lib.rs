//! This service's stack: an environment becomes a CloudFormation template
