//! What a measurement found: lines of a table, points of a curve, and whatever else it has to say.

/// A line in a panel.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// What grows, along the axis below.
    pub(super) panel: &'static str,
    /// What is measured.
    pub(super) name: String,
    /// In which unit.
    pub(super) unit: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// Results of one measurement.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    blocks: Vec<String>,
    pub(super) curves: Vec<Curve>,
}

struct Row {
    what: String,
    measured: String,
    wanted: &'static str,
}

impl Table {
    /// Adds a line: what was measured, with its spread, and what is wanted where that was said.
    pub(super) fn add(&mut self, what: impl Into<String>, measured: impl Into<String>, wanted: &'static str) {
        self.rows.push(Row { what: what.into(), measured: measured.into(), wanted });
    }

    /// Says that something to compare with is not there, and why.
    pub(super) fn missing(&mut self, peer: &str, why: &str) {
        self.add(peer, format!("missing: {why}"), "");
    }

    /// Adds Markdown of its own.
    pub(super) fn block(&mut self, markdown: String) {
        self.blocks.push(markdown);
    }

    /// Adds a point to the curve of this name in the panel of this name; both begin with their first point.
    pub(super) fn point(&mut self, panel: &'static str, curve: &str, unit: &'static str, at: f64, value: f64) {
        match self.curves.iter_mut().find(|known| known.panel == panel && known.name == curve) {
            Some(known) => known.points.push((at, value)),
            None => self.curves.push(Curve { panel, name: curve.to_owned(), unit, points: vec![(at, value)] }),
        }
    }

    pub(super) fn markdown(&self) -> String {
        let rows =
            self.rows.iter().map(|Row { what, measured, wanted }| format!("| {what} | {measured} | {wanted} |\n"));
        let rows: String = rows.collect();
        let table =
            if rows.is_empty() { rows } else { format!("| what | measured | wanted |\n| --- | --- | --- |\n{rows}") };
        let blocks = std::iter::once(table).chain(self.blocks.iter().cloned()).filter(|text| !text.is_empty());
        blocks.collect::<Vec<_>>().join("\n")
    }
}

/// The value in the middle, and the range of the middle half.
pub(super) fn median(mut values: Vec<f64>, unit: &str) -> String {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or_default();
    let (low, middle, high) = (number(at(1)), number(at(2)), number(at(3)));
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    format!("{middle}{unit} ({low} to {high})")
}

/// A number with three digits that say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// The value that so many of a hundred stay below.
pub(super) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
