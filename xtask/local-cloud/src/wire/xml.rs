//! XML answers of the query protocol.

use std::fmt::Write;

/// An XML text under construction.
#[derive(Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An element with a text in it.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        let _never_fails = write!(self.0, "<{name}>{}</{name}>", escape(text));
        self
    }

    /// An element with a text in it, where there is a text.
    pub(crate) fn texts(self, name: &str, text: Option<&str>) -> Self {
        text.into_iter().fold(self, |xml, text| xml.text(name, text))
    }

    /// An element with others in it.
    pub(crate) fn element(mut self, name: &str, inner: impl FnOnce(Self) -> Self) -> Self {
        let _never_fails = write!(self.0, "<{name}>");
        let mut inner = inner(self);
        let _never_fails = write!(inner.0, "</{name}>");
        inner
    }

    /// The same element for each item.
    pub(crate) fn each<T>(
        self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        item: impl Fn(Self, T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, |xml, each| xml.element(name, |xml| item(xml, each)))
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Text without what XML reads as markup; control characters, which XML 1.0 cannot hold, become the replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn markup_in_texts_is_text() {
        let xml = Xml::default().element("A", |xml| xml.each("B", ["<&", "\u{1}"], |xml, text| xml.text("C", text)));
        assert_eq!(xml.finish(), "<A><B><C>&lt;&amp;</C></B><B><C>\u{fffd}</C></B></A>");
    }
}
