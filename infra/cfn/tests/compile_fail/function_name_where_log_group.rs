//! A metric filter reads a log group.

use cfn::{
    Handle,
    constructs::Function,
    resources::logs::{MetricFilter, metric_filter::MetricTransformation},
};

fn wrong(function: &Handle<Function>, counts: MetricTransformation) {
    MetricFilter::new("ERROR".into(), function.name(), [counts].into());
}

fn main() {}
