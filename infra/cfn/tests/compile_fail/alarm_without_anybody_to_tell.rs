//! An alarm tells somebody.

use cfn::constructs::{Alarm, Comparison, Metric};

fn wrong(metric: Metric) {
    Alarm::new("a".to_owned(), "b".to_owned(), metric, Comparison::Above(0));
}

fn main() {}
