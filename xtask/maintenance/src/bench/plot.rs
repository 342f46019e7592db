//! How cost grows, as a picture: a panel for each thing that grows, both axes logarithmic, so that what grows in proportion
//! is a straight line. It is legible on a dark page as on a light one, and needs nothing beside itself.

use std::fmt::Write;

use super::report::{Curve, number as shortened};

/// The size of a panel and what is around its lines, in pixels.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 34.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 74.0;
/// So many panels stand beside each other.
const COLUMNS: usize = 2;
/// Colours that differ from each other and from both backgrounds, also to most who see few.
const COLOURS: [&str; 4] = ["#2f81f7", "#d9822b", "#3fa66b", "#b45cc9"];
/// What tells lines apart where colours do not.
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// The picture; nothing when there are no curves.
pub(super) fn svg(curves: &[Curve]) -> Option<String> {
    let mut panels: Vec<&str> = Vec::new();
    for curve in curves {
        if !panels.contains(&curve.panel) {
            panels.push(curve.panel);
        }
    }
    if panels.is_empty() {
        return None;
    }
    let (width, height) = (size(COLUMNS.min(panels.len()), WIDTH), size(panels.len().div_ceil(COLUMNS), HEIGHT));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"How cost \
         grows\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\n<style>\n  :root {{ --ink: #24292f; --paper: #fff; \
         --grid: #d0d7de }}\n  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6edf3; --paper: #0d1117; --grid: \
         #30363d }} }}\n  text {{ fill: var(--ink) }}\n  .paper {{ fill: var(--paper) }}\n  .grid {{ stroke: var(--grid) \
         }}\n</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
    );
    for (at, name) in panels.iter().enumerate() {
        let (x, y) = (size(at % COLUMNS, WIDTH), size(at / COLUMNS, HEIGHT));
        let own: Vec<&Curve> = curves.iter().filter(|curve| curve.panel == *name).collect();
        let _never_fails = writeln!(svg, "<g transform=\"translate({x} {y})\">\n{}</g>", panel(name, &own));
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A panel: its frame, a grid line at each power of ten, its curves, and their names below.
fn panel(name: &str, curves: &[&Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    let x = Axis::over(points().map(|(at, _)| *at));
    let y = Axis::over(points().map(|(_, value)| *value));
    let right = |at: f64| LEFT + x.place(at) * (WIDTH - LEFT - RIGHT);
    let down = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
    let mut svg = String::new();
    let mut add = |line: String| {
        svg.push_str(&line);
        svg.push('\n');
    };
    add(format!("<text x=\"{LEFT}\" y=\"20\" font-weight=\"600\" font-size=\"13\">{}</text>", escaped(name)));
    for power in x.powers() {
        let (at, end) = (right(power), HEIGHT - BOTTOM);
        add(format!("<path class=\"grid\" d=\"M{at:.1} {TOP}V{end}\"/>"));
        add(format!("<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", end + 15.0, tick(power)));
    }
    let unit = curves.first().map_or("", |curve| curve.unit);
    for power in y.powers() {
        let at = down(power);
        add(format!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/>", WIDTH - RIGHT));
        let (text, beside) = (tick(power), LEFT - 6.0);
        add(format!("<text x=\"{beside}\" y=\"{:.1}\" text-anchor=\"end\">{text} {}</text>", at + 4.0, escaped(unit)));
    }
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or_default();
        let dash = DASHES.get(number % DASHES.len()).copied().unwrap_or_default();
        let path: Vec<_> =
            curve.points.iter().map(|(at, value)| format!("{:.1} {:.1}", right(*at), down(*value))).collect();
        let line = format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"");
        add(format!("<path d=\"M{}\" {line}/>", path.join("L")));
        for (at, value) in &curve.points {
            let told = format!("{}: {} at {}", curve.name, shortened(*value), tick(*at));
            let (x, y) = (right(*at), down(*value));
            add(format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"><title>{}</title></circle>",
                escaped(&told)
            ));
        }
        let (x, y) = (LEFT + size(number % 2, 165.0), HEIGHT - BOTTOM + 36.0 + size(number / 2, 18.0));
        add(format!("<path d=\"M{x} {}h22\" {line}/>", y - 4.0));
        add(format!("<text x=\"{}\" y=\"{y}\">{}</text>", x + 28.0, escaped(&curve.name)));
    }
    svg
}

/// An axis from one power of ten to another.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// Over all values above zero.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
        if least > most {
            return Self { from: 0.0, to: 1.0 };
        }
        let (from, to) = (least.log10().floor(), most.log10().ceil());
        Self { from, to: to.max(from + 1.0) }
    }

    /// Where a value lies, from 0 to 1. What is not above zero lies at the beginning.
    fn place(&self, value: f64) -> f64 {
        if value > 0.0 { ((value.log10() - self.from) / (self.to - self.from)).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        let (mut next, last) = (self.from, self.to);
        std::iter::from_fn(move || {
            let power = 10_f64.powf(next);
            next += 1.0;
            (next - 1.0 <= last).then_some(power)
        })
    }
}

/// A number below a grid line or beside it.
fn tick(value: f64) -> String {
    match value {
        millions if millions >= 1e6 => format!("{} million", millions / 1e6),
        thousands if thousands >= 1e4 => format!("{},000", thousands / 1e3),
        // Powers of ten below one are not exact.
        small if small < 1.0 => format!("{:.*}", usize::from(small < 0.1) + usize::from(small < 0.01) + 1, small),
        _ => format!("{value}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are few panels")]
fn size(count: usize, of: f64) -> f64 {
    count as f64 * of
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve { panel: "messages", name: name.to_owned(), unit: "ms", points: points.to_vec() }
    }

    #[test]
    fn what_grows_in_proportion_is_a_straight_line() {
        let svg = svg(&[curve("a < b", &[(1.0, 0.1), (10.0, 1.0), (100.0, 10.0)])]).unwrap();
        let (_, path) = svg.split_once("<path d=\"M").unwrap();
        let points: Vec<f64> =
            path.split_once('"').unwrap().0.split(['L', ' ']).map(|text| text.parse().unwrap()).collect();
        let [x1, y1, x2, y2, x3, y3] = points[..] else { panic!("three points: {points:?}") };
        assert!((x2 - x1 - (x3 - x2)).abs() < 0.2 && (y2 - y1 - (y3 - y2)).abs() < 0.2, "{points:?}");
        assert!(x1 < x2 && y1 > y2, "to the right and up: {points:?}");
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b"));
    }

    #[test]
    fn one_point_and_zero_are_drawn_and_nothing_is_nothing() {
        assert_eq!(svg(&[]), None);
        let svg = svg(&[curve("one", &[(5.0, 5.0)]), curve("zero", &[(0.0, 0.0)])]).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn ticks_are_numbers_as_people_write_them() {
        let ticks = [0.001, 0.01, 0.1, 1.0, 10.0, 1_000.0, 10_000.0, 1_000_000.0].map(tick);
        assert_eq!(ticks, ["0.001", "0.01", "0.1", "1", "10", "1000", "10,000", "1 million"]);
    }
}
