//! Text inside Markdown that stays text: nobody formats, links, mentions or hides anything by a name.

use super::{WIDTH, plain, wrapped};

/// Addresses that may become links: AWS's documentation.
const LINKED: [&str; 2] = ["docs.aws.amazon.com/", "aws.amazon.com/"];

/// Text between Markdown's own signs.
pub(super) fn inline(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    for (at, char) in text.char_indices() {
        let rest = text.get(at + char.len_utf8()..).unwrap_or_default();
        match char {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '!' | '$' => {
                out.extend(['\\', char])
            }
            '@' => out.extend([char, BREAK]),
            '#' if rest.starts_with(|next: char| next.is_ascii_digit()) => out.extend([char, BREAK]),
            ':' if rest.strip_prefix("//").is_some_and(|rest| !LINKED.iter().any(|known| rest.starts_with(known))) => {
                out.extend([char, BREAK]);
            }
            '.' if out.to_ascii_lowercase().ends_with("www") => out.extend([BREAK, char]),
            _ => out.push(char),
        }
    }
    out
}

/// Stands where GitHub would see a mention or a link otherwise; it has no width.
const BREAK: char = '\u{200b}';

/// Lines of a page, all but the first with `further` before them.
pub(super) fn lines(text: &str, further: &str) -> Vec<String> {
    let lines = wrapped(text, WIDTH - further.len() - 2);
    lines
        .into_iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { format!("{further}{}", continued(&line)) })
        .collect()
}

/// A line that goes on: what would begin a list, a heading or a rule there is text.
pub(super) fn continued(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let after = line.get(digits..).unwrap_or_default();
    if digits > 0 && after.starts_with(['.', ')']) {
        return format!("{}\\{after}", line.get(..digits).unwrap_or_default());
    }
    if line.starts_with(['-', '+', '=', '#']) { format!("\\{line}") } else { line.to_owned() }
}

/// The names in the comment by which a page is found again.
pub(super) fn marker(names: &[&str]) -> String {
    let mut out = String::new();
    for char in names.join(",").chars() {
        // Two hyphens would end the comment.
        let fits = char.is_ascii_alphanumeric()
            || matches!(char, '.' | ',' | '/' | '_')
            || (char == '-' && !out.ends_with('-'));
        out.push(if fits { char } else { '_' });
    }
    out.chars().take(60).collect()
}

/// More backticks than stand anywhere in a row.
pub(super) fn fence<'l>(lines: impl Iterator<Item = &'l String>) -> String {
    let longest = lines.flat_map(|line| line.split(|char| char != '`')).map(str::len).max().unwrap_or_default();
    "`".repeat((longest + 1).max(3))
}

/// Text between HTML's signs.
pub(super) fn html(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
