//! Places and addresses in texts as links, for terminals that open them by a click.
//!
//! Source: <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use supports_hyperlinks::Stream;
use url::Url;

/// The text with its places and addresses as links, where whoever reads the stream can open them.
pub(crate) fn linked(text: &str, stream: Stream) -> Cow<'_, str> {
    if !supports_hyperlinks::on(stream) {
        return text.into();
    }
    let here = std::env::current_dir().unwrap_or_default();
    marked(text, &here).into()
}

/// The text with links. Files are looked for from this folder upwards.
fn marked(text: &str, here: &Path) -> String {
    let mut marked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter| is_part(letter) || letter == '\x1b') {
        let (before, from) = rest.split_at(start);
        marked.push_str(before);
        let (word, behind) = match from.strip_prefix('\x1b') {
            // A colour, which is no part of a word.
            Some(code) => from.split_at(code.find('m').map_or(from.len(), |end| end + 2)),
            None => from.split_at(from.find(|letter| !is_part(letter)).unwrap_or(from.len())),
        };
        // A sentence ends behind its last word.
        let name = word.trim_end_matches(['.', ',', ':', '?']);
        match target(name, here) {
            Some(url) => marked.push_str(&format!("\x1b]8;;{url}\x1b\\{name}\x1b]8;;\x1b\\")),
            None => marked.push_str(name),
        }
        marked.push_str(word.strip_prefix(name).unwrap_or_default());
        rest = behind;
    }
    marked + rest
}

/// Whether a letter can stand in an address or in a file's name here.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "._-/:~%?=&#+@".contains(letter)
}

/// Where a word leads, if anywhere: an address, or a file with a line, as `infra/src/service.rs:27`.
fn target(word: &str, here: &Path) -> Option<String> {
    if word.starts_with("https://") || word.starts_with("http://") {
        return Url::parse(word).ok().map(Into::into);
    }
    let (file, place) = word.split_once(':')?;
    let counted = !place.is_empty() && place.split(':').all(|part| part.parse::<u32>().is_ok());
    let found: Option<PathBuf> = here.ancestors().map(|folder| folder.join(file)).find(|path| path.is_file());
    found.filter(|_| counted).and_then(|path| Url::from_file_path(path).ok()).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::marked;

    fn shown(text: &str) -> String {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let file = url::Url::from_file_path(root.join("environments/prod.yaml")).unwrap();
        let marked = marked(text, &root.join("xtask/src"));
        marked.replace(file.as_str(), "FILE").replace("\x1b]8;;", "[").replace("\x1b\\", "]")
    }

    #[test]
    fn files_with_a_line_and_addresses_are_links_and_nothing_else_is() {
        assert_eq!(shown("environments/prod.yaml:7:1: no"), "[FILE]environments/prod.yaml:7:1[]: no");
        assert_eq!(shown("see environments/prod.yaml:7."), "see [FILE]environments/prod.yaml:7[].");
        assert_eq!(
            shown("\x1b[1mhttps://aws.example/a?b\x1b[0m, x"),
            "\x1b[1m[https://aws.example/a?b]https://aws.example/a?b[]\x1b[0m, x"
        );
        for plain in ["environments/prod.yaml", "environments/none.yaml:7", "prod.yaml:x", "a:1:", "ä 10:30", ":", ""]
        {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn a_code_that_does_not_end_is_left_as_it_is() {
        assert_eq!(shown("x \x1b[1"), "x \x1b[1");
    }
}
