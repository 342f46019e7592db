//! A picture as SVG: readable on light and dark pages, by eye and by ear.

mod glyphs;
mod style;

use std::collections::HashSet;

use super::{
    Flow, Mark, Node, Picture, Shape,
    layout::{self, Layout, Line, Placed, Size},
};
use glyphs::glyph;

const MARGIN: f64 = 24.0;
const HEAD: f64 = 58.0;
const FOOT: f64 = 40.0;
const BOX_HEIGHT: f64 = 46.0;
/// Left of a box's text: its symbol.
const SYMBOL: f64 = 36.0;
/// Names longer than this are cut; the whole name is in the box's title.
const LONGEST_NAME: usize = 34;

/// The picture as an SVG document.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let sizes: Vec<_> = picture.nodes.iter().map(size).collect();
    let lines: Vec<_> =
        picture.edges.iter().map(|edge| Line { from: edge.from, to: edge.to, bundle: edge.flow as usize }).collect();
    let layout = layout::place(&sizes, &lines);
    let legend = legend(picture);
    let wanted = legend.iter().map(|entry| entry.width()).sum::<f64>().max(text_width(&picture.title, 11.0));
    let (width, height) = (layout.width.max(wanted) + 2.0 * MARGIN, layout.height + HEAD + FOOT + MARGIN);
    let mut out = Svg::default();
    out.line(&format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-labelledby="title desc">"#,
        number(width), number(height)
    ));
    out.line(&format!(r#"<title id="title">{}</title>"#, escape(&picture.title)));
    out.line(&format!(r#"<desc id="desc">{}</desc>"#, escape(&picture.words())));
    out.line(style::SHEET);
    out.line(style::ARROWS);
    out.line(r#"<rect class="page" width="100%" height="100%"/>"#);
    out.line(&format!(r#"<text class="head" x="{}" y="32">{}</text>"#, number(MARGIN), escape(&picture.title)));
    out.line(&format!(r#"<text class="note" x="{}" y="50">{}</text>"#, number(MARGIN), escape(&picture.note)));
    out.line(&format!(r#"<g transform="translate({} {})">"#, number(MARGIN), number(HEAD + 14.0)));
    edges(&mut out, picture, &layout);
    for (node, place) in picture.nodes.iter().zip(&layout.boxes) {
        draw_node(&mut out, node, place);
    }
    out.line("</g>");
    draw_legend(&mut out, &legend, height - 22.0);
    out.line("</svg>");
    out.0
}

fn size(node: &Node) -> Size {
    // The widest fonts of those that a reader may have.
    let text = text_width(&shortened(&node.name), 8.8).max(text_width(&shortened(&node.note), 6.5));
    Size { width: (SYMBOL + text + 12.0).max(104.0).ceil(), height: BOX_HEIGHT }
}

/// Unchanged lines first, so that the changed ones lie on top.
fn edges(out: &mut Svg, picture: &Picture, layout: &Layout) {
    let mut all: Vec<_> = picture.edges.iter().zip(&layout.ways).collect();
    all.sort_by_key(|(edge, _)| edge.mark != Mark::Same);
    let mut drawn = HashSet::new();
    for (edge, way) in all {
        let class = format!("edge {} {}", edge.flow.class(), edge.mark.class());
        let arrow = match edge.mark {
            Mark::Same => "arrow",
            Mark::Added => "arrow-added",
            Mark::Removed => "arrow-removed",
            Mark::Changed => "arrow-changed",
        };
        // Where lines share their way, one is drawn: dashes upon dashes would fill the gaps.
        let mut is_tip_new = false;
        let path = path(way, |piece| {
            is_tip_new = drawn.insert((class.clone(), piece));
            is_tip_new
        });
        let tip = if is_tip_new { format!(r#" marker-end="url(#{arrow})""#) } else { String::new() };
        out.line(&format!(
            r#"<path class="{class}"{tip} d="{path}"><title>{}</title></path>"#,
            escape(&picture.sentence(edge))
        ));
    }
    for (edge, way) in picture.edges.iter().zip(&layout.ways).filter(|(edge, _)| edge.mark != Mark::Same) {
        if let [first, second, ..] = way.as_slice() {
            let (x, y) = ((first.0 + second.0) / 2.0, (first.1 + second.1) / 2.0);
            badge(out, edge.mark, x, y);
        }
    }
}

/// A curve between each odd point and the next, a straight line between each even point and the next, as far as `is_new`
/// says so of a piece.
fn path(way: &[(f64, f64)], mut is_new: impl FnMut(String) -> bool) -> String {
    let mut out = String::new();
    let mut pen = None;
    let pairs = way.iter().zip(way.iter().skip(1)).enumerate();
    for (at, (&(from_x, from_y), &(x, y))) in pairs {
        let (from, to) = (format!("{} {}", number(from_x), number(from_y)), format!("{} {}", number(x), number(y)));
        if !is_new(format!("{from} {to}")) {
            continue;
        }
        if pen.as_ref() != Some(&from) {
            out.push_str(&format!("M{from}"));
        }
        if at % 2 == 0 {
            let middle = number((from_x + x) / 2.0);
            out.push_str(&format!("C{middle} {} {middle} {} {to}", number(from_y), number(y)));
        } else {
            out.push_str(&format!("L{to}"));
        }
        pen = Some(to);
    }
    out
}

fn draw_node(out: &mut Svg, node: &Node, place: &Placed) {
    let Placed { x, y, width, height } = *place;
    let class = format!("node {} {}", node.shape.class(), node.mark.class());
    out.line(&format!(r#"<g class="{class}" transform="translate({} {})">"#, number(x), number(y)));
    out.line(&format!("<title>{}</title>", escape(&node.title)));
    out.line(&format!(r#"<rect class="box" width="{}" height="{}" rx="7"/>"#, number(width), number(height)));
    out.line(&format!(
        r#"<g class="glyph" transform="translate(11 {})">{}</g>"#,
        number(height / 2.0 - 8.0),
        glyph(node.shape)
    ));
    let text = |class: &str, y: f64, text: &str| {
        format!(r#"<text class="{class}" x="{}" y="{}">{}</text>"#, number(SYMBOL), number(y), escape(&shortened(text)))
    };
    let name = if node.shape == Shape::Route { "name key" } else { "name" };
    out.line(&text(name, height / 2.0 - 3.0, &node.name));
    out.line(&text("note", height / 2.0 + 13.0, &node.note));
    out.line("</g>");
    if node.mark != Mark::Same {
        badge(out, node.mark, x + width - 3.0, y + 3.0);
    }
}

/// The sign of a change, which is there for those who see no difference between the colours.
fn badge(out: &mut Svg, mark: Mark, x: f64, y: f64) {
    let (x, y, class) = (number(x), number(y), mark.class());
    out.line(&format!(
        r#"<g class="badge {class}"><circle cx="{x}" cy="{y}" r="8"/><text x="{x}" y="{y}" dy="4.5">{}</text></g>"#,
        mark.sign()
    ));
}

enum Entry {
    Flow(Flow),
    Mark(Mark),
}

impl Entry {
    fn words(&self) -> &'static str {
        match self {
            Self::Flow(flow) => flow.words(),
            Self::Mark(mark) => mark.words(),
        }
    }

    fn width(&self) -> f64 {
        text_width(self.words(), 6.5) + 62.0
    }
}

/// What the lines and marks of this picture mean.
fn legend(picture: &Picture) -> Vec<Entry> {
    let flows = Flow::ALL.into_iter().filter(|flow| picture.edges.iter().any(|edge| edge.flow == *flow));
    let marked = |mark: Mark| {
        picture.edges.iter().any(|edge| edge.mark == mark) || picture.nodes.iter().any(|node| node.mark == mark)
    };
    let marks = [Mark::Added, Mark::Removed, Mark::Changed].into_iter().filter(|mark| marked(*mark));
    flows.map(Entry::Flow).chain(marks.map(Entry::Mark)).collect()
}

fn draw_legend(out: &mut Svg, legend: &[Entry], y: f64) {
    let mut x = MARGIN;
    for entry in legend {
        match entry {
            Entry::Flow(flow) => out.line(&format!(
                r#"<path class="edge {} same" d="M{} {}h28"/>"#,
                flow.class(),
                number(x),
                number(y - 4.0)
            )),
            Entry::Mark(mark) => badge(out, *mark, x + 18.0, y - 4.0),
        }
        out.line(&format!(r#"<text class="note" x="{}" y="{}">{}</text>"#, number(x + 36.0), number(y), entry.words()));
        x += entry.width();
    }
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }
}

/// At most one digit behind the point, and none where it is 0.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_NAME {
        return text.to_owned();
    }
    text.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// How wide a text is about, where a letter is so wide as a rule. Nobody measures it: the font is the reader's.
fn text_width(text: &str, letter: f64) -> f64 {
    let width = |char: char| match char {
        'i' | 'j' | 'l' | '.' | ',' | '\'' | '|' | ':' | ';' => 0.5,
        'f' | 't' | 'r' | ' ' | '-' | '/' | '(' | ')' => 0.7,
        'm' | 'w' | 'M' | 'W' | '@' => 1.4,
        'A'..='Z' => 1.18,
        _ if char.is_ascii() => 1.0,
        _ => 1.8,
    };
    text.chars().map(width).sum::<f64>() * letter
}

/// For text and for attributes; characters that XML cannot hold are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Also what turns the direction of writing, by which one name could pass for another.
            _ if char.is_control()
                || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}') =>
            {
                out.push('\u{fffd}')
            }
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram;
    use cfn::read;

    const BEFORE: &str = "
Description: orders
Resources:
  News: {Type: AWS::SNS::Topic, Properties: {TopicName: shop-news}}
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: shop-orders}}
  Feed: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref News, Endpoint: !GetAtt Orders.Arn, Protocol: sqs}}
";

    #[test]
    fn it_says_in_words_what_it_shows_and_is_the_same_each_time() {
        let picture = diagram::picture(&read::template(BEFORE).unwrap());
        let drawn = svg(&picture);
        assert!(drawn.contains(r#"<title id="title">orders</title>"#), "{drawn}");
        assert!(drawn.contains(r#"<desc id="desc">news reaches orders.</desc>"#), "{drawn}");
        assert_eq!(drawn, svg(&picture));
    }

    #[test]
    fn what_differs_is_marked_by_sign_and_line_and_not_by_colour_alone() {
        let after = BEFORE.replace("TopicArn: !Ref News, ", "TopicArn: !Ref Other, ");
        let after = format!("{after}  Other: {{Type: AWS::SNS::Topic, Properties: {{TopicName: shop-other}}}}\n");
        let picture = diagram::compared(&read::template(BEFORE).unwrap(), &read::template(&after).unwrap());
        let drawn = svg(&picture);
        assert!(drawn.contains("added: topic other. "), "{drawn}");
        assert!(drawn.contains("new: other reaches orders. no longer: news reaches orders."), "{drawn}");
        assert!(drawn.contains(r#"<path class="edge event removed" marker-end="url(#arrow-removed)""#), "{drawn}");
        let signs = |sign: &str| drawn.matches(&format!(r#"dy="4.5">{sign}</text>"#)).count();
        // The box, the line and the legend; the line and the legend.
        assert_eq!((signs("+"), signs("\u{2212}")), (3, 2), "{drawn}");
        assert_eq!(picture.note, "2 added, 1 removed, 0 changed");
    }

    #[test]
    fn names_are_text_whatever_stands_in_them() {
        let hostile = BEFORE.replace("shop-orders", "'<script>\u{202e}\u{1b}[31m\"&--'");
        let drawn = svg(&diagram::picture(&read::template(&hostile).unwrap()));
        assert!(drawn.contains("&lt;script&gt;\u{fffd}\u{fffd}[31m&quot;&amp;--"), "{drawn}");
        assert!(!drawn.contains("<script") && !drawn.contains('\u{1b}'));
    }
}
