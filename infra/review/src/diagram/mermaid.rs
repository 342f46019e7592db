//! A picture as a Mermaid flowchart, which GitHub and GitLab draw inside Markdown.
//!
//! Source: <https://mermaid.js.org/syntax/flowchart.html>

use std::fmt::Write;

use super::{Flow, Mark, Node, Picture, Shape};

/// The picture as the text of a Mermaid flowchart.
#[must_use]
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let (open, close) = brackets(node.shape);
        let sign = if node.mark == Mark::Same { String::new() } else { format!("{} ", node.mark.sign()) };
        let _ =
            writeln!(out, "  n{at}{open}\"{sign}{}<br/><small>{}</small>\"{close}", text(&node.name), text(&node.note));
    }
    for edge in &picture.edges {
        let arrow = match (edge.flow, edge.mark) {
            (_, Mark::Added | Mark::Changed) => "==>",
            (Flow::Event, Mark::Same) => "-->",
            _ => "-.->",
        };
        let label = match edge.mark {
            Mark::Same => String::new(),
            mark => format!("|\"{} {}\"|", mark.sign(), mark.words()),
        };
        let _ = writeln!(out, "  n{} {arrow}{label} n{}", edge.from, edge.to);
    }
    for mark in [Mark::Added, Mark::Removed, Mark::Changed] {
        let marked = |node: &(usize, &Node)| node.1.mark == mark;
        let boxes: Vec<String> =
            picture.nodes.iter().enumerate().filter(marked).map(|(at, _)| format!("n{at}")).collect();
        let lines = picture.edges.iter().enumerate().filter(|(_, edge)| edge.mark == mark);
        let lines: Vec<String> = lines.map(|(at, _)| at.to_string()).collect();
        let (colour, dashes) = match mark {
            Mark::Added => ("#1a7f37", ""),
            Mark::Removed => ("#cf222e", ",stroke-dasharray:5 4"),
            _ => ("#9a6700", ""),
        };
        if !boxes.is_empty() {
            let class = mark.class();
            let _ = writeln!(
                out,
                "  classDef {class} stroke:{colour},stroke-width:3px{dashes}\n  class {} {class}",
                boxes.join(",")
            );
        }
        if !lines.is_empty() {
            let _ = writeln!(out, "  linkStyle {} stroke:{colour},stroke-width:3px", lines.join(","));
        }
    }
    out
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Function => ("[", "]"),
        Shape::Queue => ("[[", "]]"),
        Shape::Topic | Shape::Alarm => ("([", "])"),
        Shape::Api | Shape::Domain => ("{{", "}}"),
        Shape::Route => (">", "]"),
        Shape::Secret | Shape::Store => ("[(", ")]"),
        Shape::Other => ("(", ")"),
    }
}

/// Inside of quotes; everything that Mermaid, Markdown or HTML could read as more than text becomes an entity.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            ' ' | '.' | '-' | '/' | ',' | ':' => out.push(char),
            _ if char.is_alphanumeric() => out.push(char),
            _ if char.is_control() => out.push(' '),
            _ => {
                let _ = write!(out, "#{};", u32::from(char));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram;
    use cfn::read;

    #[test]
    fn changes_are_marked_and_names_are_text() {
        let before = "Resources:\n  A: {Type: AWS::SNS::Topic, Properties: {TopicName: 'a\"]; click'}}\n  \
                      B: {Type: AWS::SQS::Queue}\n";
        let feed = "  F: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref A, Endpoint: !GetAtt B.Arn}}\n";
        let (before, after) = (read::template(before).unwrap(), read::template(&format!("{before}{feed}")).unwrap());
        let drawn = mermaid(&diagram::compared(&before, &after));
        let expected = "flowchart LR\n  n0([\"a#34;#93;#59; click<br/><small>topic</small>\"])\n  \
                        n1[[\"B<br/><small>queue</small>\"]]\n  n0 ==>|\"+ added\"| n1\n  \
                        linkStyle 0 stroke:#1a7f37,stroke-width:3px\n";
        assert_eq!(drawn, expected);
    }
}
