//! What a value can mean, beyond Rust's own types.

use std::marker::PhantomData;

/// The ARN of an `R`, so that a queue's ARN does not fit where a topic's belongs.
pub struct Arn<R>(PhantomData<fn() -> R>);

/// The URL of an `R`.
pub struct Url<R>(PhantomData<fn() -> R>);

/// The name of an `R`, by which other resources know it.
pub struct Name<R>(PhantomData<fn() -> R>);

/// The id that AWS gave an `R`.
pub struct Id<R>(PhantomData<fn() -> R>);

/// Several `T`.
pub struct List<T>(PhantomData<fn() -> T>);

/// Names, each with a `T`.
pub struct Map<T>(PhantomData<fn() -> T>);

/// A secret. There is no way to write one into a template: it comes from Secrets Manager, from a secure parameter of SSM,
/// or from a parameter of the stack that nobody can read back.
pub enum Sensitive {}

/// What may become a part of a text, or a function's environment variable: everything but secrets.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot become text",
    label = "a secret, a list or an object, where a text is wanted",
    note = "a text can be seen by everyone who can see the template; let the function read a secret itself, by its ARN"
)]
pub trait Plain {}

impl Plain for String {}
impl Plain for i64 {}
impl Plain for f64 {}
impl Plain for bool {}
impl<R> Plain for Arn<R> {}
impl<R> Plain for Url<R> {}
impl<R> Plain for Name<R> {}
impl<R> Plain for Id<R> {}
