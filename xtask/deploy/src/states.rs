//! What comes next, for every state that a stack can be in.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>

use aws_sdk_cloudformation::types::StackStatus;

/// What a deployment does next about the stack as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing was ever made: a change set of the type CREATE.
    Create,
    /// Something runs: a change set of the type UPDATE.
    Update,
    /// Something is under way: follow it to its end, then look again.
    Follow(Operation),
    /// A failure was left as it was: roll it back, then look again.
    RollBack,
    /// The rollback of an update failed: continue it, then look again.
    ContinueRollback,
    /// The first creation failed, and only what is retained is left: delete the stack, then create it.
    Recreate,
    /// A deletion failed: delete the rest, then create it.
    FinishDelete,
    /// A state that only a person can end.
    Stuck,
}

/// What CloudFormation is doing with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Rollback,
    Delete,
    Import,
}

impl Operation {
    /// As in `the stack is being created`.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Rollback => "rolled back",
            Self::Delete => "deleted",
            Self::Import => "given resources that were there",
        }
    }
}

/// The table. No status means that there is no stack.
pub(crate) fn next(status: Option<&StackStatus>) -> Step {
    let Some(status) = status else { return Step::Create };
    match status {
        // Only a change set was made; or this is a read from before it was executed, which the follower bears with.
        StackStatus::ReviewInProgress | StackStatus::DeleteComplete => Step::Create,
        StackStatus::CreateComplete
        | StackStatus::UpdateComplete
        | StackStatus::UpdateRollbackComplete
        | StackStatus::ImportComplete
        | StackStatus::ImportRollbackComplete => Step::Update,
        StackStatus::CreateInProgress => Step::Follow(Operation::Create),
        StackStatus::UpdateInProgress | StackStatus::UpdateCompleteCleanupInProgress => Step::Follow(Operation::Update),
        StackStatus::RollbackInProgress
        | StackStatus::UpdateRollbackInProgress
        | StackStatus::UpdateRollbackCompleteCleanupInProgress
        | StackStatus::ImportRollbackInProgress => Step::Follow(Operation::Rollback),
        StackStatus::DeleteInProgress => Step::Follow(Operation::Delete),
        StackStatus::ImportInProgress => Step::Follow(Operation::Import),
        StackStatus::CreateFailed | StackStatus::UpdateFailed => Step::RollBack,
        StackStatus::RollbackComplete | StackStatus::RollbackFailed => Step::Recreate,
        StackStatus::UpdateRollbackFailed => Step::ContinueRollback,
        StackStatus::DeleteFailed => Step::FinishDelete,
        _ => Step::Stuck,
    }
}

/// Whether CloudFormation has done what it was asked, rather than undone it or given up.
pub(crate) fn succeeded(status: &StackStatus) -> bool {
    matches!(
        status,
        StackStatus::CreateComplete
            | StackStatus::UpdateComplete
            | StackStatus::UpdateCompleteCleanupInProgress
            | StackStatus::ImportComplete
            | StackStatus::DeleteComplete
    )
}

/// Whether CloudFormation is at work.
pub(crate) fn under_way(status: &StackStatus) -> bool {
    matches!(next(Some(status)), Step::Follow(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_cloudformation_knows_has_its_step() {
        for status in StackStatus::values() {
            let status = StackStatus::from(*status);
            let step = next(Some(&status));
            let word = status.as_str();
            assert_eq!(
                matches!(step, Step::Follow(_)),
                word.ends_with("IN_PROGRESS") && word != "REVIEW_IN_PROGRESS",
                "{word}: {step:?}"
            );
            assert_eq!(step == Step::Stuck, word == "IMPORT_ROLLBACK_FAILED", "{word}: {step:?}");
            assert!(!succeeded(&status) || !word.contains("ROLLBACK"), "{word}");
        }
        assert_eq!(next(None), Step::Create);
    }
}
