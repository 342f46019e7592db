//! A queue that others pass through says where it gives up to.

use cfn::constructs::{Encryption, Queue};

fn wrong() {
    Queue::new("jobs".to_owned(), Encryption::Managed);
}

fn main() {}
