//! A resource has a type.

use cfn::Stack;

fn wrong(stack: &mut Stack) {
    stack.add("News", "AWS::SNS::Topic");
}

fn main() {}
