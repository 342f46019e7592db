//! Colours on standard output, where a person looks.

use std::io::stdout;

use anstream::{AutoStream, ColorChoice};

/// Colours, or none.
#[derive(Clone, Copy)]
pub(crate) struct Paint(bool);

/// What a text can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Dim,
    /// One of six that tell things apart, by a number.
    Of(usize),
}

impl Paint {
    /// Colours where a person looks, unless they asked for none or for it: <https://no-color.org>,
    /// <https://bixense.com/clicolors/>.
    pub(crate) fn new() -> Self {
        Self(AutoStream::choice(&stdout()) != ColorChoice::Never)
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(false)
    }

    /// The text in a colour.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Red => "31",
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Dim => "2",
            Colour::Of(number) => match number % 6 {
                0 => "36",
                1 => "35",
                2 => "34",
                3 => "32",
                4 => "96",
                _ => "95",
            },
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The plural's ending.
pub(crate) fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_the_text_is_as_it_was() {
        assert_eq!(Paint(false).paint(Colour::Red, "x"), "x");
        assert_eq!(Paint(true).paint(Colour::Of(7), "x"), "\x1b[35mx\x1b[0m");
    }
}
