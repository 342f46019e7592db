//! How long a log is kept is a number of days.

use cfn::constructs::{Encryption, LogGroup};

fn wrong() {
    LogGroup { retention_days: Some("2 weeks"), ..LogGroup::new("log".to_owned(), Encryption::Managed) };
}

fn main() {}
