//! Dashboards.

use serde_json::json;

use super::{
    Construct,
    alarm::{Metric, Source, Statistic},
};
use crate::{Handle, Part, Stack, Value, pseudo, resources::cloudwatch};

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
    /// How the values of five minutes become one point.
    pub statistic: Statistic,
    /// The lines.
    pub metrics: Vec<Metric>,
}

impl Construct for Dashboard {
    type Resource = cloudwatch::Dashboard;
}

impl Stack {
    /// Adds a dashboard.
    #[track_caller]
    pub fn dashboard(&mut self, id: &str, dashboard: &Dashboard) -> Handle<Dashboard> {
        let mut parts: Vec<Part> = vec!["{\"widgets\":[".into()];
        for (at, widget) in dashboard.widgets.iter().enumerate() {
            if at > 0 {
                parts.push(",".into());
            }
            parts.extend(widget_parts(widget, at));
        }
        parts.push("]}".into());
        let properties = cloudwatch::Dashboard {
            dashboard_name: Some(dashboard.name.clone().into()),
            ..cloudwatch::Dashboard::new(Value::sub(parts))
        };
        self.add(id, properties).seen_as()
    }
}

/// CloudWatch wants the body as text, so the references inside it are parts of that text.
fn widget_parts(widget: &Widget, at: usize) -> Vec<Part> {
    let (x, y) = (12 * (at % 2), 6 * (at / 2));
    let start =
        format!("{{\"type\":\"metric\",\"x\":{x},\"y\":{y},\"width\":12,\"height\":6,\"properties\":{{\"region\":\"");
    let (title, statistic) = (json!(widget.title), widget.statistic.as_text());
    let middle = format!("\",\"title\":{title},\"stat\":\"{statistic}\",\"period\":300,\"metrics\":[");
    let mut parts = vec![start.into(), pseudo::region().into(), middle.into()];
    for (at, metric) in widget.metrics.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        parts.push(format!("{comma}[{},{}", json!(metric.namespace), json!(metric.name)).into());
        if let Source::One(name, value) = &metric.source {
            parts.extend([format!(",\"{name}\",\"").into(), value.into(), "\"".into()]);
        }
        parts.push("]".into());
    }
    parts.push("]}}".into());
    parts
}
