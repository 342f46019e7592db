//! The stack's side of the contract: what fills a function's settings, and what comes with it.

use std::marker::PhantomData;

use cfn::{
    Arn, Handle, Statement, Value,
    constructs::{Queue, Secret, Topic},
};
use contract::{
    Access, Data, PublishTo, ReadSecret, ReadSecretIfAny, Retime, SendTo, Side, Text, Whole,
    settings::{Setting, Visitor},
};
use serde::Serialize;

/// The stack's side of the contract: a field holds a reference of the right kind.
pub enum InStack {}

impl Side for InStack {
    type Of<S: Setting> = Wired<S>;
}

/// What the stack gives for a settings field of kind `S`; made by `into()` from what the kind [`Takes`].
pub struct Wired<S> {
    /// The environment variable's value, or why there is none.
    value: Result<Value<String>, String>,
    /// What the permission that comes with the field is about.
    resource: Option<Value<String>>,
    kind: PhantomData<fn() -> S>,
}

impl<S> Wired<S> {
    fn to<R>(value: Value<String>, resource: &Value<Arn<R>>) -> Self {
        Self { value: Ok(value), resource: Some(resource.text()), kind: PhantomData }
    }

    fn plain(value: String) -> Self {
        Self { value: Ok(value.into()), resource: None, kind: PhantomData }
    }
}

/// What a kind of settings field can be filled with.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` setting cannot be filled with `{Given}`",
    label = "of the wrong kind for this setting",
    note = "`PublishTo` takes a topic, `SendTo` and `Retime` a queue, `ReadSecret` a secret, `Text` a text, `Whole` a number, \
            `Data<T>` a `T`; the contract says which of them the field is"
)]
pub trait Takes<Given>: Sized {
    /// The environment variable's value, and what comes with it.
    fn wire(given: &Given) -> Wired<Self>;
}

impl<S: Takes<Given>, Given> From<&Given> for Wired<S> {
    fn from(given: &Given) -> Self {
        S::wire(given)
    }
}

impl Takes<Handle<Topic>> for PublishTo {
    fn wire(topic: &Handle<Topic>) -> Wired<Self> {
        Wired::to(topic.arn().text(), &topic.arn())
    }
}

impl Takes<Handle<Queue>> for SendTo {
    fn wire(queue: &Handle<Queue>) -> Wired<Self> {
        Wired::to(queue.url().text(), &queue.arn())
    }
}

impl Takes<Handle<Queue>> for Retime {
    fn wire(queue: &Handle<Queue>) -> Wired<Self> {
        Wired::to(queue.url().text(), &queue.arn())
    }
}

impl Takes<Handle<Secret>> for ReadSecret {
    fn wire(secret: &Handle<Secret>) -> Wired<Self> {
        Wired::to(secret.arn().text(), &secret.arn())
    }
}

impl Takes<Option<Handle<Secret>>> for ReadSecretIfAny {
    fn wire(secret: &Option<Handle<Secret>>) -> Wired<Self> {
        match secret {
            Some(secret) => Wired::to(secret.arn().text(), &secret.arn()),
            None => Wired::plain(Self::NONE.to_owned()),
        }
    }
}

impl Takes<String> for Text {
    fn wire(text: &String) -> Wired<Self> {
        Wired::plain(text.clone())
    }
}

impl Takes<usize> for Whole {
    fn wire(number: &usize) -> Wired<Self> {
        Wired::plain(number.to_string())
    }
}

impl<T: Serialize> Takes<T> for Data<T> {
    fn wire(data: &T) -> Wired<Self> {
        match serde_json::to_string(data) {
            Ok(text) => Wired::plain(text),
            Err(error) => Wired { value: Err(error.to_string()), resource: None, kind: PhantomData },
        }
    }
}

/// Gathers a function's environment variables and what it may do.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) environment: Vec<(String, Value<String>)>,
    pub(super) grants: Vec<Statement>,
    /// Variables without a value, each with the reason.
    pub(super) unwritable: Vec<(String, String)>,
}

impl Visitor<InStack> for Gathered {
    fn field<T: Setting>(&mut self, variable: String, wired: Wired<T>) {
        let action = T::ACCESS.map(|access| match access {
            Access::Publish => "sns:Publish",
            Access::Send => "sqs:SendMessage",
            Access::Retime => "sqs:ChangeMessageVisibility",
            Access::ReadSecret => "secretsmanager:GetSecretValue",
        });
        if let (Some(action), Some(resource)) = (action, &wired.resource) {
            self.grants.push(Statement::allow(&[action]).on(resource));
        }
        match wired.value {
            Ok(value) => self.environment.push((variable, value)),
            Err(reason) => self.unwritable.push((variable, reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Unwritable;

    impl Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }

    impl<'de> serde::Deserialize<'de> for Unwritable {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }

    #[test]
    fn setting_that_cannot_be_written_is_named_and_not_empty() {
        let mut gathered = Gathered::default();
        gathered.field::<Data<Unwritable>>("RETRY".to_owned(), (&Unwritable).into());
        gathered.field::<Data<u8>>("COUNT".to_owned(), (&1).into());
        assert_eq!(gathered.unwritable, [("RETRY".to_owned(), "no".to_owned())]);
        assert_eq!(gathered.environment.len(), 1);
    }
}
