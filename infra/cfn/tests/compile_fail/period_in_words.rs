//! A period is a number of seconds.

use cfn::constructs::Alarm;

fn wrong(alarm: Alarm<'_>) {
    Alarm { period_seconds: "5 minutes", ..alarm };
}

fn main() {}
