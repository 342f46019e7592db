//! What a kind of resource looks like, 16 by 16.

use super::super::Shape;

pub(super) fn glyph(shape: Shape) -> &'static str {
    match shape {
        // Lambda's letter.
        Shape::Function => r#"<path d="M2 2h3l7 12h2M7.2 6.5L3 14"/>"#,
        // What waits, one behind the other.
        Shape::Queue => r#"<path d="M2 3v10M6 3v10M10 3v10M14 3v10"/>"#,
        // From one to many.
        Shape::Topic => r#"<circle cx="3.5" cy="8" r="1.8"/><path d="M5.4 8h8.4M5.2 6.8L12 2.5M5.2 9.2l6.8 4.3"/>"#,
        Shape::Api => r#"<path d="M5 3L1 8l4 5M11 3l4 5l-4 5M9.3 2.5l-2.6 11"/>"#,
        Shape::Route => r#"<path d="M2 8h11M9 4l4 4l-4 4"/>"#,
        Shape::Domain => {
            r#"<circle cx="8" cy="8" r="6.3"/><path d="M1.8 8h12.4M8 1.7c-4 4-4 8.6 0 12.6c4-4 4-8.6 0-12.6"/>"#
        }
        Shape::Secret => r#"<circle cx="5" cy="8" r="3"/><path d="M8 8h6v3M11.5 8v2.2"/>"#,
        Shape::Store => {
            r#"<ellipse cx="8" cy="4" rx="5.5" ry="2.2"/><path d="M2.5 4v8c0 1.2 2.5 2.2 5.5 2.2s5.5-1 5.5-2.2v-8M2.5 8c0 1.2 2.5 2.2 5.5 2.2s5.5-1 5.5-2.2"/>"#
        }
        Shape::Alarm => r#"<path d="M3 12h10l-1.4-2v-3a3.6 3.6 0 0 0-7.2 0v3zM6.8 14h2.4"/>"#,
        Shape::Other => r#"<rect x="2.5" y="2.5" width="11" height="11" rx="2"/>"#,
    }
}
