//! The path to a value inside a template.

use std::fmt;

use serde::{Serialize, Serializer};

/// The path to a value inside a template, such as `Resources.Queue.Properties.Tags[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, counted from 0.
    Item(usize),
}

impl Path {
    /// The path to a resource.
    #[must_use]
    pub fn resource(id: &str) -> Self {
        Self::of_keys(["Resources", id])
    }

    /// The path over these keys.
    pub fn of_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// Further to the value of a key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// Further to an item of a list, counted from 0.
    #[must_use]
    pub fn item(&self, at: usize) -> Self {
        self.step(Step::Item(at))
    }

    /// The path to the value around it; `None` for the template itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, around) = self.0.split_last()?;
        Some(Self(around.to_vec()))
    }

    /// The resource that the value belongs to, if it belongs to one.
    #[must_use]
    pub fn resource_id(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Step::Key(section), Step::Key(id), ..] if section == "Resources" => Some(id),
            _ => None,
        }
    }

    /// The keys of the path, without the items of lists.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
    }

    /// The steps of the path.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns true if another path leads to the same value, or further into it.
    pub fn contains(&self, inner: &Self) -> bool {
        inner.0.starts_with(&self.0)
    }

    fn step(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

/// A [`Path`] while a walk is on it: its steps stay where they are, and are copied where something is told of the place.
/// Most places have nothing to tell.
#[derive(Clone, Copy)]
pub enum Trail<'a> {
    /// The template itself.
    Start,
    /// Further to the value of a key.
    Key(&'a Trail<'a>, &'a str),
    /// Further to an item of a list, counted from 0.
    Item(&'a Trail<'a>, usize),
}

impl<'a> Trail<'a> {
    /// Further to the value of a key.
    pub fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    /// Further to an item of a list, counted from 0.
    pub fn item(&'a self, at: usize) -> Self {
        Self::Item(self, at)
    }

    /// The path so far.
    pub fn path(&self) -> Path {
        let (mut steps, mut at) = (Vec::new(), self);
        loop {
            at = match at {
                Self::Start => break,
                Self::Key(before, key) => {
                    steps.push(Step::Key((*key).to_owned()));
                    before
                }
                Self::Item(before, item) => {
                    steps.push(Step::Item(*item));
                    before
                }
            };
        }
        steps.reverse();
        Path(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => out.write_str(key)?,
                Step::Key(key) => write!(out, ".{key}")?,
                Step::Item(item) => write!(out, "[{item}]")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
