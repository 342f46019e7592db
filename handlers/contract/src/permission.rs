//! What a settings field entitles its function to.

/// What a function may do with the resource that a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Publish to the topic.
    Publish,
    /// Send to the queue.
    Send,
    /// Change when a message of the queue comes back.
    Retime,
    /// Read the secret's value.
    ReadSecret,
}
