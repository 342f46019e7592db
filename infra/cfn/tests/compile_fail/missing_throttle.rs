//! A public API says how much it takes.

use cfn::{
    Handle,
    constructs::{HttpApi, LogGroup},
};

fn wrong(log: Handle<LogGroup>) {
    HttpApi::new("api".to_owned(), log);
}

fn main() {}
