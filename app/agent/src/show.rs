//! Tables for people: the probe and the catalogue of metrics.

use base::Lang;

/// The catalogue of host metrics, one line each.
pub fn metrics(json: bool, lang: Lang) -> String {
    let catalogue = sensor::metrics::CATALOGUE;
    if json {
        let rows: Vec<_> = catalogue
            .iter()
            .map(|metric| {
                serde_json::json!({"id": metric.id, "name": metric.name, "unit": metric.unit, "source": metric.source,
                    "help": metric.help, "help_zh": metric.help_zh})
            })
            .collect();
        return format!("{:#}", serde_json::Value::Array(rows));
    }
    let mut text = String::new();
    for metric in catalogue {
        let help = lang.pick(metric.help, metric.help_zh);
        text.push_str(&format!("{:>5}  {:<40} {:<10} {}\n", metric.id, metric.name, metric.unit, help));
    }
    let total = lang.pick("metrics", "项指标");
    text.push_str(&format!("{} {total}\n", catalogue.len()));
    text
}

/// The metrics as they are now.
pub fn sample(json: bool, clock: &dyn base::Clock) -> String {
    let sample = sensor::metrics::Sampler::new().sample(clock.wall());
    if json {
        return format!("{:#}\n", serde_json::to_value(&sample).unwrap_or_default());
    }
    let line = |metric: &record::Metric| format!("{:<40} {:<20} {}\n", metric.name, metric.label, metric.value);
    sample.metrics.iter().map(line).collect()
}
