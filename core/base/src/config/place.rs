//! Where a key stands in the text of the configuration: found only when there is a fault to tell.

use crate::{Code, Fault};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// The text that places are looked up in.
pub struct Places<'t> {
    /// The YAML text.
    pub text: &'t str,
    /// What stands for the file in faults.
    pub name: &'t str,
}

impl Places<'_> {
    /// A fault about a key: `sites[0].pool`.
    pub fn fault(&self, code: &'static Code, path: &str) -> Fault {
        let steps = steps(path);
        let line = serde_saphyr::with_deserializer_from_str(self.text, |source| Walk(&steps).deserialize(source));
        Fault::new(code).object(match line {
            Ok(Some(line)) => format!("{}:{line}: {path}", self.name),
            // A key that was left out has no line.
            Ok(None) | Err(_) => format!("{}: {path}", self.name),
        })
    }
}

enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &str) -> Vec<Step> {
    let parts = path.split(['.', '[']).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
            Some(index) => Step::Index(index),
            None => Step::Key(part.to_string()),
        })
        .collect()
}

/// Follows the steps and gives the line where they end.
struct Walk<'s>(&'s [Step]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        match self.0.first() {
            None => {
                let here: Spanned<IgnoredAny> = serde::Deserialize::deserialize(source)?;
                Ok(Some(here.referenced.line()))
            }
            Some(_) => source.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((Step::Key(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("a list was expected"));
        };
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                found = map.next_value_seed(Walk(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Some((Step::Index(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("a map was expected"));
        };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = list.next_element_seed(Walk(rest))?.flatten();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}
