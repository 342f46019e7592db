//! Only a stack that is finished, and so checked, becomes a template.

use cfn::Stack;

fn wrong(stack: Stack) {
    cfn::write::yaml(&stack);
}

fn main() {}
