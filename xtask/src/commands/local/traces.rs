//! Where `local` sends traces: what the option says, or else the variables that OpenTelemetry defines.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>

use local_cloud::Collector;

use crate::report::Failure;

/// The collector, if there is one; `variable` answers what an environment variable says.
pub(super) fn collector(
    option: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Collector>, Failure> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let (place, address) = if let Some(address) = option {
        ("--otlp", address.to_owned())
    } else if let Some(address) = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address)
    } else if let Some(base) = set("OTEL_EXPORTER_OTLP_ENDPOINT") {
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/v1/traces", base.trim_end_matches('/')))
    } else {
        return Ok(None);
    };
    address.parse().map(Some).map_err(Failure::from(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_comes_before_the_variable_for_traces_and_that_before_the_one_for_all() {
        let all = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/own"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all/base/"),
        ];
        let of = |option: Option<&str>, from: usize| {
            let variable = |name: &str| {
                let set = all.iter().skip(from).find(|(known, _)| *known == name);
                set.map(|(_, value)| (*value).to_owned())
            };
            collector(option, variable).ok().flatten().map(|collector| collector.to_string())
        };
        assert_eq!(of(Some("http://option"), 0).as_deref(), Some("http://option/v1/traces"));
        assert_eq!(of(None, 0).as_deref(), Some("http://traces/own"));
        assert_eq!(of(None, 1).as_deref(), Some("http://all/base/v1/traces"));
        assert_eq!(of(None, 2), None);
        assert!(collector(Some("https://h"), |_| None).is_err());
    }
}
