//! Constructs are more than a resource; they have functions of their own.

use cfn::{
    Stack,
    constructs::{Encryption, Topic},
};

fn wrong(stack: &mut Stack) {
    stack.add("News", Topic::new("news".to_owned(), Encryption::Managed));
}

fn main() {}
