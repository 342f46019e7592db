//! A subscription needs to know its topic.

use cfn::resources::sns::{Subscription, subscription::Protocol};

fn wrong() {
    Subscription::new(Protocol::Sqs.into());
}

fn main() {}
