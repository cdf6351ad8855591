//! Tuning of sites: files of the state directory, and what the server publishes.

use base::{Fault, Micros};
use fleet::content::Files;
use gateway::Site;
use seclang::tuning::{SHIPPED, Tuning};
use std::collections::BTreeMap;
use std::path::Path;

/// Tuning by the name of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tunings(BTreeMap<String, Vec<(String, Tuning)>>);

impl Tunings {
    /// What lies as `SITE.yml` in a folder; a folder that is not there is empty.
    ///
    /// # Errors
    /// Every file that is no tuning.
    pub fn of_folder(folder: &Path) -> Result<Tunings, Vec<Fault>> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.path()).collect();
        names.sort();
        let texts = names.iter().filter_map(|path| {
            let site = path.file_name()?.to_str()?.strip_suffix(".yml")?.to_owned();
            Some((site, path.display().to_string(), std::fs::read_to_string(path).ok()?))
        });
        Tunings::of(texts)
    }

    /// What the server published.
    ///
    /// # Errors
    /// Every text that is no tuning.
    pub fn of_files(files: &Files) -> Result<Tunings, Vec<Fault>> {
        let texts = files.files.iter().filter_map(|file| {
            let site = file.name.strip_suffix(".yml")?.to_owned();
            Some((site, format!("published/{}", file.name), file.text.clone()))
        });
        Tunings::of(texts)
    }

    fn of(texts: impl Iterator<Item = (String, String, String)>) -> Result<Tunings, Vec<Fault>> {
        let (mut tunings, mut faults) = (Tunings::default(), Vec::new());
        for (site, name, text) in texts {
            match Tuning::read(&text, &name) {
                Ok(tuning) => tunings.0.entry(site).or_default().push((name, tuning)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(tunings) } else { Err(faults) }
    }

    /// Both together, this one first.
    pub fn and(mut self, other: &Tunings) -> Tunings {
        for (site, more) in &other.0 {
            self.0.entry(site.clone()).or_default().extend(more.iter().cloned());
        }
        self
    }

    /// The rules of a site, as names and texts: what we ship first, where the site wants it.
    ///
    /// # Errors
    /// Every item that cannot be written as a rule.
    pub fn rules(&self, site: &Site, today: &str) -> Result<Vec<(String, String)>, Vec<Fault>> {
        let (mut rules, mut faults) = (Vec::new(), Vec::new());
        let shipped = if site.waf.tuned { Some(Tuning::read(SHIPPED, "policy.yml")) } else { None };
        let shipped =
            shipped.transpose().map_err(|fault| vec![fault])?.map(|tuning| ("policy.yml".to_string(), tuning));
        let own = self.0.get(&site.name).into_iter().flatten();
        for (name, tuning) in shipped.iter().chain(own) {
            match tuning.compile(name, today, &waf::vocabulary()) {
                Ok(compiled) => rules.push((name.clone(), compiled.text)),
                Err(wrong) => faults.extend(wrong),
            }
        }
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }
}

/// The day of a moment in UTC, `YYYY-MM-DD`.
pub fn day(now_us: Micros) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(now_us.div_euclid(1_000_000));
    moment.map_or_else(|_| "1970-01-01".into(), |moment| moment.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "exclusions:\n  - {id: 8000000, rules: [942100], targets: ['ARGS:q'], where: {path: /search}, origin: {by: ann, at: 2026-11-27, why: search}}\n";

    #[test]
    fn files_of_both_sides_become_rules_of_their_site() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.yml"), YAML).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let own = Tunings::of_folder(folder.path()).unwrap();
        let published = YAML.replace("8000000", "8000001");
        let both = own.and(&Tunings::of_files(&Files::of([("shop.yml", published)])).unwrap());
        let site = |name: &str, tuned: bool| {
            let text = format!(
                "sites: [{{name: {name}, hosts: ['*'], pool: a, waf: {{tuned: {tuned}}}}}]\npools: {{a: {{addresses: [127.0.0.1:9]}}}}\nlisteners: [{{name: w, address: 127.0.0.1:0}}]\n"
            );
            gateway::Config::parse(&text, "x").unwrap().sites.remove(0)
        };
        let rules = both.rules(&site("shop", true), "2026-01-01").unwrap();
        assert_eq!(rules.len(), 3);
        assert!(rules[1].1.contains("8000000") && rules[2].1.contains("8000001"), "{rules:?}");
        assert!(both.rules(&site("other", false), "2026-01-01").unwrap().is_empty());
        std::fs::write(folder.path().join("bad.yml"), "exclusions: 7").unwrap();
        assert_eq!(Tunings::of_folder(folder.path()).unwrap_err().len(), 1);
    }

    #[test]
    fn days() {
        for (us, wanted) in
            [(0, "1970-01-01"), (951_782_400_000_000, "2000-02-29"), (1_795_737_600_000_000, "2026-11-27")]
        {
            assert_eq!(day(us), wanted);
        }
        assert_eq!(day(-1), "1969-12-31");
    }
}
