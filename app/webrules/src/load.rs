//! From files and settings to an engine.

use crate::fault;
use crate::reader::DiskReader;
use base::Fault;
use seclang::Ruleset;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waf::Engine;

/// Name under which faults tell of the settings made here.
const SETTINGS: &str = "(settings)";
/// The same for the levels of OWASP CRS.
const LEVELS: &str = "(levels)";
/// Files of OWASP CRS that set its variables have this in their names; levels of the site come after them.
const SETUP: &str = "crs-setup";

/// Rules and the settings they run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Files, and folders whose `*.conf` are read in the order of their names; a release of OWASP CRS as it was unpacked is
    /// read whole: setup, plugins and rules in the order in which they belong.
    pub files: Vec<PathBuf>,
    /// Paranoia level of OWASP CRS, 1 to 4.
    pub paranoia: u8,
    /// Anomaly score at which a request is refused.
    pub threshold: u32,
    /// Anomaly score at which a response is refused.
    pub response_threshold: u32,
    /// Rules are told and refuse nothing (`SecRuleEngine DetectionOnly`).
    pub observe: bool,
    /// Bytes of a request's body that are judged.
    pub body: u64,
    /// Whether responses are judged, and of which content types.
    pub responses: Option<Vec<String>>,
    /// Bytes of a response's body that are judged.
    pub response_body: u64,
    /// Rules made from data (exclusions, virtual patches) that run before those of files: name and text.
    pub before: Vec<(String, String)>,
    /// The same, after them.
    pub after: Vec<(String, String)>,
}

impl Default for Source {
    fn default() -> Source {
        Source {
            files: Vec::new(),
            paranoia: 1,
            threshold: 5,
            response_threshold: 4,
            observe: false,
            body: 128 * 1024,
            responses: None,
            response_body: 512 * 1024,
            before: Vec::new(),
            after: Vec::new(),
        }
    }
}

/// What a load gives.
pub struct Loaded {
    /// The rules, ready to judge.
    pub engine: Arc<Engine>,
    /// The rules as they were read.
    pub ruleset: Ruleset,
}

impl Source {
    /// Where Debian's package `modsecurity-crs` puts OWASP CRS and its setup.
    pub fn debian() -> Source {
        let files = ["/etc/modsecurity/crs/crs-setup.conf", "/usr/share/modsecurity-crs/rules"];
        Source { files: files.map(PathBuf::from).to_vec(), ..Source::default() }
    }

    /// What ModSecurity's recommended configuration says, by the settings of the site. Ids from 200000, as there.
    fn settings(&self) -> String {
        let mut text = String::new();
        let engine = if self.observe { "DetectionOnly" } else { "On" };
        let access = if self.responses.is_some() { "On" } else { "Off" };
        let types = self.responses.as_deref().unwrap_or_default().join(" ");
        // Writing to a text cannot fail.
        // Files come on top of what is judged; how many, the gateway decides before a body is given to the rules.
        let _ = writeln!(text, "SecRuleEngine {engine}\nSecRequestBodyAccess On\nSecRequestBodyLimit {}", u32::MAX);
        let _ = writeln!(text, "SecRequestBodyNoFilesLimit {}\nSecRequestBodyLimitAction ProcessPartial", self.body);
        let _ = writeln!(text, "SecResponseBodyAccess {access}\nSecResponseBodyLimit {}", self.response_body);
        if !types.is_empty() {
            let _ = writeln!(text, "SecResponseBodyMimeType {types}");
        }
        text.push_str(BODIES);
        text
    }

    /// Levels and thresholds under the names of OWASP CRS 3 and 4.
    fn levels(&self) -> String {
        let (level, threshold, response) = (self.paranoia, self.threshold, self.response_threshold);
        let variables = [
            ("paranoia_level", u32::from(level)),
            ("blocking_paranoia_level", u32::from(level)),
            ("detection_paranoia_level", u32::from(level)),
            ("executing_paranoia_level", u32::from(level)),
            ("inbound_anomaly_score_threshold", threshold),
            ("outbound_anomaly_score_threshold", response),
        ];
        let set: String = variables.iter().map(|(name, value)| format!(",setvar:tx.{name}={value}")).collect();
        format!("SecAction \"id:200100,phase:1,nolog,pass,t:none{set}\"\n")
    }

    /// Names of all files in order, made ones among them.
    fn names(&self, reader: &mut DiskReader) -> Result<Vec<String>, Vec<Fault>> {
        reader.put(SETTINGS, self.settings());
        reader.put(LEVELS, self.levels());
        let mut names = vec![SETTINGS.to_string()];
        let setup = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(SETUP));
        let files: Vec<PathBuf> =
            self.files.iter().flat_map(|path| release(path).unwrap_or_else(|| vec![path.clone()])).collect();
        let (setups, others): (Vec<_>, Vec<_>) = files.iter().partition(setup);
        names.extend(setups.iter().map(|path| path.display().to_string()));
        names.push(LEVELS.to_string());
        for (name, text) in &self.before {
            reader.put(name, text.as_str());
            names.push(name.clone());
        }
        let mut faults = Vec::new();
        for path in others {
            match listed(path) {
                Ok(files) => names.extend(files),
                Err(fault) => faults.push(fault),
            }
        }
        for (name, text) in &self.after {
            reader.put(name, text.as_str());
            names.push(name.clone());
        }
        if faults.is_empty() { Ok(names) } else { Err(faults) }
    }
}

/// What a release of OWASP CRS holds, in order: its setup (or the example of one), `plugins/*-config.conf` and `-before.conf`,
/// its rules, `plugins/*-after.conf`. `None` for any other folder.
fn release(folder: &Path) -> Option<Vec<PathBuf>> {
    let rules = folder.join("rules");
    let setup = ["crs-setup.conf", "crs-setup.conf.example"].map(|name| folder.join(name));
    let setup = setup.into_iter().find(|path| path.is_file()).filter(|_| rules.is_dir())?;
    let plugins = |end: &str| {
        let pattern = format!("{}/plugins/*-{end}.conf", folder.display());
        seclang::Reader::list(&mut DiskReader::default(), &pattern).unwrap_or_default().into_iter().map(PathBuf::from)
    };
    let before = plugins("config").chain(plugins("before"));
    Some([setup].into_iter().chain(before).chain([rules]).chain(plugins("after")).collect())
}

/// A file itself, or the rules of a folder.
fn listed(path: &Path) -> Result<Vec<String>, Fault> {
    if !path.is_dir() {
        return Ok(vec![path.display().to_string()]);
    }
    let names = seclang::Reader::list(&mut DiskReader::default(), &format!("{}/*.conf", path.display()))?;
    if names.is_empty() {
        return Err(Fault::new(&fault::UNREADABLE).object(path.display()).expected("files *.conf").found("none"));
    }
    Ok(names)
}

/// Reads and compiles.
///
/// # Errors
/// Everything that is wrong, each with file and line; never an empty list.
pub fn load(source: &Source) -> Result<Loaded, Vec<Fault>> {
    let mut reader = DiskReader::default();
    let names = source.names(&mut reader)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ruleset = seclang::load(&mut reader, &names, &waf::vocabulary())?;
    let engine = Engine::compile(&ruleset).map_err(|fault| vec![fault])?;
    Ok(Loaded { engine: Arc::new(engine), ruleset })
}

/// Which processor reads which body, and what is refused of bodies that cannot be read.
const BODIES: &str = r#"SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/(?:[a-z0-9.-]+\+)?json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'The body of the request cannot be read',severity:2"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,deny,status:400,msg:'The multipart body is not strictly valid'"
SecRule MULTIPART_UNMATCHED_BOUNDARY "@eq 1" "id:200004,phase:2,t:none,log,deny,status:400,msg:'A multipart boundary may be unmatched'"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.conf");
        std::fs::write(
            &path,
            "SecRule ARGS \"@rx a\" \"id:1,phase:2,deny\"\nSecRul ARGS x\nSecRule ARGS \"@nope\" \"id:2\"\n",
        )
        .unwrap();
        let source = Source { files: vec![path.clone()], ..Source::default() };
        let faults = load(&source).err().unwrap();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].named().contains("own.conf:2") && faults[1].named().contains("own.conf:3"), "{faults:?}");
        let empty = Source { files: vec![folder.path().join("none")], ..Source::default() };
        assert_eq!(load(&empty).err().unwrap().len(), 1);
        std::fs::remove_file(path).unwrap();
        let nothing = Source { files: vec![folder.path().into()], ..Source::default() };
        assert!(load(&nothing).err().unwrap()[0].is(&fault::UNREADABLE));
    }

    #[test]
    fn a_release_is_read_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (id, name) in [
            (4, "rules/B.conf"),
            (3, "rules/A.conf"),
            (5, "plugins/x-after.conf"),
            (2, "plugins/x-before.conf"),
            (1, "plugins/y-config.conf"),
            (9, "crs-setup.conf.example"),
            (8, "tests/regression/other.conf"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("SecAction \"id:{id},phase:1,pass,nolog\"\n")).unwrap();
        }
        let ids = |source: &Source| -> Vec<u64> {
            let items = load(source).ok().unwrap().ruleset.items.into_iter();
            let id = |item| if let seclang::Item::Rule(rule) = item { Some(rule.id) } else { None };
            items.filter_map(id).filter(|id| *id < 100 || *id == 200_100).collect()
        };
        let source = Source { files: vec![folder.path().into()], ..Source::default() };
        assert_eq!(ids(&source), [9, 200_100, 1, 2, 3, 4, 5]);
        std::fs::write(folder.path().join("crs-setup.conf"), "SecAction \"id:10,phase:1,pass,nolog\"\n").unwrap();
        assert_eq!(ids(&source)[0], 10, "one's own setup comes before the example");
    }

    #[test]
    fn made_rules_stand_before_and_after_those_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.conf");
        std::fs::write(&path, "SecRule ARGS \"@rx a\" \"id:1,phase:2,deny\"\n").unwrap();
        let rule = |id: u32| format!("SecAction \"id:{id},phase:1,pass,nolog\"\n");
        let source = Source {
            files: vec![path],
            before: vec![("before".into(), rule(7))],
            after: vec![("after".into(), rule(8))],
            ..Source::default()
        };
        let loaded = load(&source).ok().unwrap();
        let ids: Vec<u64> = loaded
            .ruleset
            .items
            .iter()
            .filter_map(|item| match item {
                seclang::Item::Rule(rule) if rule.id < 100 => Some(rule.id),
                _ => None,
            })
            .collect();
        assert_eq!(ids, [7, 1, 8]);
    }
}
