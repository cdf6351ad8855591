//! An OCSF event under construction.

use super::{VERSION, class};
use crate::Severity;
use serde_json::{Map, Value, json};

/// What every event carries, known when it is finished.
pub(super) struct Head<'a> {
    pub class: u32,
    pub activity: u32,
    pub severity: Severity,
    pub time_us: i64,
    pub uid: &'a str,
    pub sequence: Option<u64>,
}

/// Attributes set so far, what found no attribute, and the profiles that were used.
#[derive(Default)]
pub(super) struct Draft {
    fields: Map<String, Value>,
    unmapped: Map<String, Value>,
    profiles: Vec<&'static str>,
    truncated: bool,
    feature: Option<Value>,
}

impl Draft {
    pub fn new() -> Draft {
        Draft::default()
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Sets a text attribute unless it is empty.
    pub fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.set(name, value);
        }
    }

    /// Keeps what the schema has no attribute for.
    pub fn other(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if value.as_str() != Some("") {
            self.unmapped.insert(name.to_owned(), value);
        }
    }

    /// Says that an attribute of this profile is used.
    pub fn profile(&mut self, name: &'static str) {
        if !self.profiles.contains(&name) {
            self.profiles.push(name);
        }
    }

    /// Says that a value was cut.
    pub fn truncated(&mut self) {
        self.truncated = true;
    }

    /// Which part of the product, in which version, said so (`metadata.product.feature`).
    pub fn feature(&mut self, uid: &str, name: &str, version: u64) {
        self.feature = Some(json!({"uid": uid, "name": name, "version": version.to_string()}));
    }

    /// The result of a system call: errno 0 is success.
    pub fn errno(&mut self, errno: u32) {
        let failed = errno != 0;
        self.set("status_id", if failed { 2 } else { 1 });
        self.set("status", if failed { "Failure" } else { "Success" });
        if failed {
            self.set("status_code", errno.to_string());
        }
    }

    /// The finished event.
    pub fn finish(mut self, head: &Head<'_>) -> Value {
        let (category_name, class_name, activity_name) = class::names(head.class, head.activity);
        let own = self.fields.remove("activity_name");
        self.profiles.sort_unstable();
        let mut metadata = json!({
            "version": VERSION,
            "uid": head.uid,
            "product": {"name": "Garrison", "vendor_name": "Garrison", "version": env!("CARGO_PKG_VERSION")},
            "profiles": self.profiles,
        });
        if let Some(sequence) = head.sequence {
            metadata["sequence"] = sequence.into();
        }
        if let Some(feature) = self.feature.take() {
            metadata["product"]["feature"] = feature;
        }
        if self.truncated {
            metadata["is_truncated"] = true.into();
        }
        let start = json!({
            "class_uid": head.class,
            "class_name": class_name,
            "category_uid": head.class / 1000,
            "category_name": category_name,
            "activity_id": head.activity,
            "activity_name": own.unwrap_or_else(|| activity_name.into()),
            "type_uid": u64::from(head.class) * 100 + u64::from(head.activity),
            "severity_id": head.severity as i32,
            "severity": caption(head.severity),
            "time": millis(head.time_us),
            "metadata": metadata,
        });
        let Value::Object(mut whole) = start else { return Value::Null };
        whole.append(&mut self.fields);
        if !self.unmapped.is_empty() {
            whole.insert("unmapped".to_owned(), Value::Object(self.unmapped));
        }
        Value::Object(whole)
    }
}

/// OCSF times are milliseconds since the epoch.
pub(super) fn millis(time_us: i64) -> i64 {
    time_us.div_euclid(1000)
}

/// OCSF's caption of a severity.
pub(super) const fn caption(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "Unknown",
        Severity::Informational => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}
