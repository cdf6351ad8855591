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

/// The cross-view, made now; and whether nothing was found.
pub fn crossview(as_json: bool, lang: Lang) -> (String, bool) {
    let stop = integrity::crossview::watch::Stop::default();
    let report = integrity::crossview::look(&[], &|wait| stop.wait(wait));
    let sound = report.findings.is_empty();
    if as_json {
        let findings = report.findings.iter().map(|(check, one)| {
            let details: serde_json::Map<String, serde_json::Value> =
                one.details.iter().map(|(name, value)| ((*name).to_string(), value.as_str().into())).collect();
            serde_json::json!({"check": check, "name": one.name, "score": one.score, "pid": one.pid,
                "path": one.path, "details": details})
        });
        let refused = report.refused.iter();
        let refused = refused.map(|(check, fault)| serde_json::json!({"check": check, "why": fault.inside()}));
        let all = serde_json::json!({"findings": findings.collect::<Vec<_>>(), "refused": refused.collect::<Vec<_>>()});
        return (format!("{all:#}\n"), sound);
    }
    let mut text = String::new();
    for (check, one) in &report.findings {
        let details: Vec<String> = one.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pid = if one.pid > 0 { format!(" pid={}", one.pid) } else { String::new() };
        text.push_str(&format!("{:>3} {check}: {}{pid} {} {}\n", one.score, one.name, one.path, details.join(" ")));
    }
    for (check, fault) in &report.refused {
        text.push_str(&format!("  - {check}: {}\n", fault.inside()));
    }
    let made = integrity::crossview::ALL.len() - report.refused.len();
    let words = lang.pick("checks made, findings", "项检查已完成，发现");
    text.push_str(&format!("{made} {words}: {}\n", report.findings.len()));
    (text, sound)
}
