//! A log's handle is not a function's.

use cfn::{
    Handle,
    constructs::{Function, Metric, MetricFilter},
};

fn wrong(function: &Handle<Function>, metric: Metric) {
    MetricFilter { log: function, pattern: "ERROR".to_owned(), metric };
}

fn main() {}
