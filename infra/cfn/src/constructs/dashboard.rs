//! Dashboards.

use serde_json::json;

use super::alarm::{Metric, Source};
use crate::{Kind, Part, Stack, Value};

/// A dashboard of CloudWatch: graphs, two in a row.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>
pub struct Dashboard {
    /// Its name in the account.
    pub name: String,
    /// What it shows.
    pub widgets: Vec<Widget>,
}

/// One graph.
pub struct Widget {
    /// What stands above it.
    pub title: String,
    /// `Sum`, `Maximum`, ...
    pub statistic: &'static str,
    /// The lines.
    pub metrics: Vec<Metric>,
}

impl Kind for Dashboard {
    const TYPE: &'static str = "AWS::CloudWatch::Dashboard";
}

impl Stack {
    /// Adds a dashboard.
    pub fn dashboard(&mut self, id: &str, dashboard: &Dashboard) {
        let mut parts: Vec<Part> = vec!["{\"widgets\":[".into()];
        for (at, widget) in dashboard.widgets.iter().enumerate() {
            if at > 0 {
                parts.push(",".into());
            }
            parts.extend(widget_parts(widget, at));
        }
        parts.push("]}".into());
        let body: Value<String> = Value::sub(parts);
        self.add::<Dashboard>(id, json!({ "DashboardName": dashboard.name, "DashboardBody": body }));
    }
}

/// CloudWatch wants the body as text, so the references inside it are parts of that text.
fn widget_parts(widget: &Widget, at: usize) -> Vec<Part> {
    let (x, y) = (12 * (at % 2), 6 * (at / 2));
    let start =
        format!("{{\"type\":\"metric\",\"x\":{x},\"y\":{y},\"width\":12,\"height\":6,\"properties\":{{\"region\":\"");
    let middle =
        format!("\",\"title\":{},\"stat\":\"{}\",\"period\":300,\"metrics\":[", json!(widget.title), widget.statistic);
    let mut parts = vec![Part::Text(start), Part::Ref("AWS::Region".to_owned()), Part::Text(middle)];
    for (at, metric) in widget.metrics.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        parts.push(Part::Text(format!("{comma}[{},{}", json!(metric.namespace), json!(metric.name))));
        if let Source::One(name, value) = &metric.source {
            parts.extend([Part::Text(format!(",\"{name}\",\"")), value.part(), "\"".into()]);
        }
        parts.push("]".into());
    }
    parts.push("]}}".into());
    parts
}
