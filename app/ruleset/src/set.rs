//! A set of rules, and its form on the way to agents.

use crate::Exception;
use base::{Fault, Result};
use detect::fault;
use std::collections::BTreeSet;

/// Name of the text beside the rules that says what is off and around exceptions; JSON.
pub const MANIFEST: &str = "set.json";

/// A file of rules of the installation's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Own {
    /// Its name, as people gave it, without folders.
    pub name: String,
    /// Its text: rules, correlations, filters.
    pub text: String,
    /// Ids of the rules and correlations in it, in their order.
    pub ids: Vec<String>,
    /// Who enabled it.
    pub by: String,
    /// When, µs since the Unix epoch.
    pub time_us: i64,
}

impl Own {
    /// Its name in the set: two files of one name are two when their rules are others.
    pub fn path(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
        let name: String = self.name.chars().take(200).map(plain).collect();
        let id: String = self.ids.first().map_or("none", String::as_str).chars().take(80).map(plain).collect();
        format!("rules/{id}/{}", name.trim_start_matches('.'))
    }
}

/// The rules of an installation, beside the built-in ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Set {
    /// Its own.
    pub rules: Vec<Own>,
    /// Ids that are switched off, its own and built-in ones.
    pub off: BTreeSet<String>,
    /// Exceptions.
    pub exceptions: Vec<Exception>,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Manifest {
    off: BTreeSet<String>,
    exceptions: Vec<Around>,
}

/// What stands around the filter of an exception.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Around {
    /// Name of its text; empty where the rules are off.
    file: String,
    rules: Vec<String>,
    hosts: Vec<String>,
    groups: Vec<String>,
    until_us: i64,
}

/// Which agent compiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// Agent id, 32 hexadecimal digits.
    pub agent: String,
    /// Host name.
    pub host: String,
    /// Group, by the name of its token.
    pub group: String,
}

impl Who {
    fn is_meant(&self, around: &Around) -> bool {
        let host = |name: &String| *name == self.agent || name.eq_ignore_ascii_case(&self.host);
        around.hosts.is_empty() && around.groups.is_empty()
            || around.hosts.iter().any(host)
            || around.groups.contains(&self.group)
    }
}

impl Set {
    /// Names and texts to publish, the manifest among them.
    pub fn texts(&self) -> Vec<(String, String)> {
        let mut texts: Vec<(String, String)> = self.rules.iter().map(|own| (own.path(), own.text.clone())).collect();
        let mut manifest = Manifest { off: self.off.clone(), exceptions: Vec::new() };
        for exception in &self.exceptions {
            let mut around = Around {
                rules: exception.rules.clone(),
                hosts: exception.hosts.clone(),
                groups: exception.groups.clone(),
                until_us: exception.until_us,
                ..Around::default()
            };
            if let Some(filter) = exception.filter() {
                around.file = format!("exceptions/{}.yml", exception.id);
                texts.push((around.file.clone(), filter));
            }
            manifest.exceptions.push(around);
        }
        // Our own type with string keys only: it cannot fail.
        texts.push((MANIFEST.to_owned(), serde_json::to_string(&manifest).unwrap_or_default()));
        texts
    }

    /// The set as it runs on every agent whatever its host and the time, for checks.
    pub fn everywhere(&self) -> Published {
        let texts = self.texts();
        let mut published = Published { whole: true, off: self.off.clone(), ..Published::default() };
        published.texts = texts.into_iter().filter(|(name, _)| name != MANIFEST).collect();
        published
    }
}

/// A published set as it concerns one agent at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Names and texts of rules and exceptions.
    pub texts: Vec<(String, String)>,
    /// Ids that are off.
    pub off: BTreeSet<String>,
    /// When the first of its exceptions ends, µs since the Unix epoch.
    pub ends_us: Option<i64>,
    /// Whether it must be taken whole: it comes with a manifest.
    pub whole: bool,
}

impl Published {
    /// What texts mean for an agent now. Without a manifest every text is taken as it is.
    ///
    /// # Errors
    /// [`detect::fault::FORM`] for a manifest that cannot be read.
    pub fn read(mut texts: Vec<(String, String)>, who: &Who, now_us: i64) -> Result<Published> {
        let Some(at) = texts.iter().position(|(name, _)| name == MANIFEST) else {
            return Ok(Published { texts, ..Published::default() });
        };
        let (_, text) = texts.swap_remove(at);
        let bad = |cause| Fault::new(&fault::FORM).object(MANIFEST).expected("a manifest of rules").because(cause);
        let manifest: Manifest = serde_json::from_str(&text).map_err(bad)?;
        let mut published = Published { off: manifest.off, whole: true, ..Published::default() };
        let mut left_out = BTreeSet::new();
        for around in &manifest.exceptions {
            if !who.is_meant(around) || around.until_us > 0 && now_us >= around.until_us {
                left_out.insert(around.file.as_str());
                continue;
            }
            if around.until_us > 0 {
                published.ends_us = Some(published.ends_us.map_or(around.until_us, |ends| ends.min(around.until_us)));
            }
            if around.file.is_empty() {
                published.off.extend(around.rules.iter().cloned());
            }
        }
        texts.retain(|(name, _)| !left_out.contains(name.as_str()));
        // The order in which they were published: the manifest took the place of the last one.
        texts.sort();
        published.texts = texts;
        Ok(published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    fn who(host: &str, group: &str) -> Who {
        Who { agent: "00".into(), host: host.into(), group: group.into() }
    }

    fn exception(id: &str, hosts: &[&str], groups: &[&str], until_us: i64) -> Exception {
        let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        let fields = vec![Field { name: "Image".into(), values: vec!["/x".into()] }];
        Exception {
            id: id.into(),
            rules: vec!["r".into()],
            fields,
            hosts: words(hosts),
            groups: words(groups),
            until_us,
            ..Exception::default()
        }
    }

    #[test]
    fn an_exception_reaches_its_hosts_until_it_ends() {
        let off = Exception { fields: Vec::new(), ..exception("d", &["web1"], &[], 0) };
        let exceptions = vec![
            exception("a", &[], &[], 0),
            exception("b", &["WEB1"], &[], 50),
            exception("c", &[], &["edge"], 70),
            off,
        ];
        let set = Set { exceptions, ..Set::default() };
        let seen = |who: Who, now_us| {
            let published = Published::read(set.texts(), &who, now_us).unwrap();
            let names: String = published.texts.iter().map(|(name, _)| &name["exceptions/".len()..][..1]).collect();
            (names, published.ends_us, published.off.contains("r"))
        };
        assert_eq!(seen(who("web1", ""), 0), ("ab".into(), Some(50), true));
        assert_eq!(seen(who("web1", ""), 50), ("a".into(), None, true));
        assert_eq!(seen(who("web2", "edge"), 0), ("ac".into(), Some(70), false));
        assert_eq!(seen(who("web2", ""), 0), ("a".into(), None, false));
    }

    #[test]
    fn texts_without_a_manifest_are_taken_as_they_are_and_a_bad_manifest_is_a_fault() {
        let texts = vec![("a.yml".to_owned(), "title: t".to_owned())];
        let published = Published::read(texts.clone(), &Who::default(), 0).unwrap();
        assert!(published.texts == texts && !published.whole);
        let bad = vec![(MANIFEST.to_owned(), "[".to_owned())];
        assert!(Published::read(bad, &Who::default(), 0).unwrap_err().is(&fault::FORM));
    }

    #[test]
    fn names_of_people_s_files_become_relative_paths() {
        let own = |name: &str, id: &str| Own { name: name.into(), ids: vec![id.into()], ..Own::default() }.path();
        assert_eq!(own("../a b.yml", "x/../y"), "rules/x_.._y/_a_b.yml");
        assert_eq!(own("new.yml", "1"), "rules/1/new.yml");
    }
}
