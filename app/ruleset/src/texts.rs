//! Fields of an event as people read them, by the names that rules use.

use detect::{field_map, route};
use record::{Activity, Event, Value};

/// The values of an event's field as text, under a name that rules of this category know; of a record of a log those
/// of the log. Empty when the event has none.
pub fn texts(category: Option<&str>, event: &Event, name: &str) -> Vec<String> {
    if let Activity::Log(log) = &event.activity {
        let names = field_map::aliases(name);
        let own = log.fields.iter().filter(|pair| pair.name == name || names.contains(&pair.name.as_str()));
        let own: Vec<String> = own.map(|pair| pair.value.clone()).filter(|value| !value.is_empty()).collect();
        if !own.is_empty() {
            return own;
        }
    }
    let Some(origin) = field_map::origin(category, route::turned(route::slot(event)), name) else { return Vec::new() };
    let mut all = match origin.of(event) {
        Value::None => Vec::new(),
        Value::Text(text) => vec![text.to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Flag(flag) => vec![flag.to_string()],
        Value::Ip(address) => vec![address.to_string()],
        Value::Hex(bytes) => vec![bytes.iter().map(|byte| format!("{byte:02x}")).collect()],
        Value::Ancestors(proc) => proc.ancestors().map(|one| one.info.exe.path.clone()).collect(),
    };
    all.retain(|text| !text.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::cases;
    use record::Kind;

    #[test]
    fn a_field_s_values_are_read_under_every_name_that_rules_know() {
        let event = cases::event(Kind::Exec, &[("process.cmd_line", "good day"), ("process.sha256", "00ff")]).unwrap();
        for name in ["CommandLine", "process.cmd_line"] {
            assert_eq!(texts(Some("process_creation"), &event, name), ["good day"]);
        }
        assert_eq!(texts(Some("process_creation"), &event, "sha256"), ["00ff"]);
        assert!(texts(Some("process_creation"), &event, "QueryName").is_empty());
        let log = cases::event(Kind::Log, &[("log.message", "x"), ("src_ip", "192.0.2.1")]).unwrap();
        assert_eq!(texts(None, &log, "src_ip"), ["192.0.2.1"]);
    }
}
