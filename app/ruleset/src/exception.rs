//! Exceptions: what a rule finds and people know to be harmless.

use serde_json::{Map, Value, json};

/// A field with the values that are harmless; one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Field {
    /// Name as rules know it (`Image`, `process.exe`), without modifiers.
    pub name: String,
    /// Values, compared whole and without regard to case.
    pub values: Vec<String>,
}

/// An exception. It holds where all its fields do, on hosts that it is for, until it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Exception {
    /// UUID.
    pub id: String,
    /// Ids of the rules.
    pub rules: Vec<String>,
    /// Fields; without any the rules are off where the exception holds.
    pub fields: Vec<Field>,
    /// Host names or agent ids; with `groups` empty too: every host.
    pub hosts: Vec<String>,
    /// Groups of agents.
    pub groups: Vec<String>,
    /// When it ends by itself, µs since the Unix epoch; 0 for never.
    pub until_us: i64,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When it was made, µs since the Unix epoch.
    pub created_us: i64,
    /// The alert it was made from, empty for none.
    pub alert: String,
}

impl Exception {
    /// The filter, in JSON, which is YAML too. `None` without fields: then there is nothing to test.
    pub fn filter(&self) -> Option<String> {
        if self.fields.is_empty() {
            return None;
        }
        let value = |text: &String| Value::from(literal(text));
        let field = |field: &Field| (field.name.clone(), Value::Array(field.values.iter().map(value).collect()));
        let selection: Map<String, Value> = self.fields.iter().map(field).collect();
        let title = format!("Exception: {}", self.reason.chars().take(200).collect::<String>());
        let filter = json!({"rules": self.rules, "exception": selection, "condition": "not exception"});
        Some(json!({"title": title, "id": self.id, "author": self.author, "filter": filter}).to_string())
    }

    /// Whether it is over.
    pub fn over(&self, now_us: i64) -> bool {
        self.until_us > 0 && now_us >= self.until_us
    }
}

/// A text as a value of Sigma that stands for itself: `\`, `*` and `?` mean something there.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '*' | '?') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::{Engine, Scratch, Source, cases};
    use proptest::prelude::*;
    use record::Kind;

    const RULE: &str = "title: t\nid: 7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11\nlogsource: {product: linux, category: \
        process_creation}\ndetection: {a: {Image: /bin/x}, condition: a}\n";

    fn hits(exception: &Exception, command: &str) -> usize {
        let source = |name: &str, text: String| Source { name: name.into(), text };
        let sources = [source("rule.yml", RULE.into()), source("exception.yml", exception.filter().unwrap())];
        let (engine, faults) = Engine::compile(&sources);
        assert!(faults.is_empty() && engine.doubts().is_empty(), "{faults:?} {:?}", engine.doubts());
        let event = cases::event(Kind::Exec, &[("process.exe", "/bin/x"), ("process.cmd_line", command)]).unwrap();
        let mut hits = Vec::new();
        engine.evaluate(&event, &mut Scratch::new(), &mut hits);
        hits.len()
    }

    fn exception(command: &str) -> Exception {
        Exception {
            id: "0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a12".into(),
            rules: vec!["7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11".into()],
            fields: vec![Field { name: "CommandLine".into(), values: vec![command.into()] }],
            reason: "backup: nightly".into(),
            ..Exception::default()
        }
    }

    proptest! {
        #[test]
        fn a_value_is_excepted_and_no_other_is(command in "[ -~é\\n\\\\*?]{1,30}") {
            prop_assume!(!command.trim().is_empty());
            prop_assert_eq!(hits(&exception(&command), &command), 0);
            prop_assert_eq!(hits(&exception(&command), &format!("{command}x")), 1);
        }
    }

    #[test]
    fn it_ends_at_its_time() {
        let exception = Exception { until_us: 5, ..Exception::default() };
        assert!(!exception.over(4) && exception.over(5) && !Exception::default().over(i64::MAX));
    }
}
