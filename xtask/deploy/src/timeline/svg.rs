//! The timeline as a picture: a bar for each resource, the chain that the whole waited for in another colour.

use std::fmt::Write;

use super::{
    duration,
    spans::{Span, Timeline},
};
use crate::operations::Operation;

/// Sizes, in pixels.
const WIDTH: f64 = 960.0;
const NAMES: f64 = 260.0;
const MARGIN: f64 = 16.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 64.0;

/// How many vertical lines tell the time.
const LINES: u32 = 6;

const CRITICAL: &str = "#c2410c";
const OTHER: &str = "#94a3b8";
const FAILED: &str = "#b91c1c";

/// Draws the operation as an SVG document.
pub(super) fn draw(stack: &str, operation: &Operation, timeline: &Timeline) -> String {
    let whole = operation.took().as_secs_f64().max(1.0);
    let rows = f64::from(u32::try_from(timeline.spans.len()).unwrap_or(u32::MAX));
    let height = HEAD + rows * ROW + MARGIN;
    let scale = (WIDTH - NAMES - 2.0 * MARGIN) / whole;
    let left = |seconds: f64| MARGIN + NAMES + seconds * scale;
    let title = format!("{stack}: {} in {}, {}", operation.word(), duration(operation.took()), operation.status());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#0f172a\">{title}</text>\n\
         <text x=\"{MARGIN}\" y=\"44\" fill=\"{CRITICAL}\">what it waited for</text>\n",
        title = escape(&title),
    );
    for line in 0..=LINES {
        let seconds = whole * f64::from(line) / f64::from(LINES);
        let x = left(seconds);
        let (top, bottom) = (HEAD - 6.0, height - MARGIN);
        line_of_time(&mut svg, x, top, bottom, &duration(std::time::Duration::from_secs_f64(seconds)));
    }
    for (at, span) in timeline.spans.iter().enumerate() {
        let y = HEAD + f64::from(u32::try_from(at).unwrap_or(u32::MAX)) * ROW;
        bar(&mut svg, span, timeline.is_critical(span), y, left(span.start_seconds), span.seconds * scale);
    }
    svg + "</svg>\n"
}

fn line_of_time(svg: &mut String, x: f64, top: f64, bottom: f64, text: &str) {
    let _never_fails = writeln!(
        svg,
        "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#e2e8f0\"/>\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#64748b\" font-size=\"10\">{text}</text>",
        top - 4.0
    );
}

fn bar(svg: &mut String, span: &Span, critical: bool, y: f64, x: f64, width: f64) {
    let colour = match (span.failed, critical) {
        (true, _) => FAILED,
        (_, true) => CRITICAL,
        _ => OTHER,
    };
    let name = escape(&span.id);
    let about = escape(&format!(
        "{} {}, {} after {}{}",
        span.action.to_ascii_lowercase(),
        span.kind,
        duration(span.took()),
        duration(span.start()),
        span.note()
    ));
    let weight = if critical { " font-weight=\"600\"" } else { "" };
    let _never_fails = writeln!(
        svg,
        "<g><title>{name}: {about}</title><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#0f172a\"{weight}>{}</text>\
         <rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\" fill=\"{colour}\"/></g>",
        MARGIN + NAMES - 8.0,
        y + 13.0,
        escape(&shortened(&span.id)),
        y + 3.0,
        width.max(2.0),
    );
}

/// A name that fits its column.
fn shortened(name: &str) -> String {
    const FITS: usize = 36;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    name.chars().take(FITS - 1).chain(['…']).collect()
}

/// Text without what XML reads as markup, and without what XML cannot hold.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::{super::spans::tests::sample, *};

    #[test]
    fn each_resource_has_a_bar_and_nothing_breaks_the_document() {
        let (operation, template) = sample();
        let picture = draw("shop-<prod>\u{1}", &operation, &Timeline::of(&operation, &template));
        assert_eq!(picture.matches("<rect x=").count(), 4);
        assert_eq!(picture.matches(CRITICAL).count(), 3, "two bars and the legend");
        assert_eq!(picture.matches(FAILED).count(), 1);
        assert!(picture.contains("shop-&lt;prod&gt;\u{fffd}: creation in 2 min 53 s, CREATE_FAILED"), "{picture}");
        assert!(
            picture.contains("<title>Record: create T::Record, 40 s after 2 min 11 s  failed</title>"),
            "{picture}"
        );
        for tag in ["g", "text", "title", "svg"] {
            let (opened, closed) =
                (picture.matches(&format!("<{tag}")).count(), picture.matches(&format!("</{tag}>")).count());
            assert_eq!(opened, closed, "{tag}");
        }
    }
}
