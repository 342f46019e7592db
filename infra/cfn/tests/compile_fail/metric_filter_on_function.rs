//! A log's handle is not a function's.

use cfn::{
    Handle,
    constructs::{Adds, Function, Metric, MetricFilter},
};

fn wrong(function: &Handle<Function>, metric: Metric) {
    MetricFilter { log: function, pattern: "ERROR".to_owned(), metric, adds: Adds::One };
}

fn main() {}
