//! YARA rules, compiled together. The rules of a file are a namespace of their own.

use crate::finding::{detail, finding};
use base::{Fault, Result};
use record::Scan;
use ring::digest::{Context, SHA256};
use scan::fault;
use scan::protocol::RuleFile;
use std::time::Duration;
use yara_x::{Compiler, MetaValue, Rules, SourceCode};

/// Version of what looks beside the rules: a change of an engine makes every file worth another look.
const HEURISTICS: u32 = 1;
/// Longest time over one content, a rule that runs away ends there.
const TIME: Duration = Duration::from_secs(15);
/// Most matches kept of one pattern; a condition that counts needs fewer.
const MATCHES: usize = 10_000;
/// Identifiers of patterns named in a finding.
const PATTERNS: usize = 8;
/// Bytes shown of a match.
const SHOWN: usize = 48;
/// Score of a rule whose author says nothing about how sure it is.
const SCORE: u32 = 70;

/// Compiled rules.
pub struct Engine {
    rules: Rules,
    version: String,
}

impl Engine {
    /// Compiles the rules of these files. What is wrong is a fault, one a rule or file; all others are in force.
    pub fn compile(files: &[RuleFile]) -> (Engine, Vec<Fault>) {
        let mut compiler = Compiler::new();
        // Rules are written for YARA too, which reads some expressions that YARA-X finds loose. A rule file reads no other.
        compiler.relaxed_re_syntax(true).enable_includes(false).max_warnings(1);
        let (mut faults, mut hash) = (Vec::new(), Context::new(&SHA256));
        for file in files {
            hash.update(&(file.name.len() as u64).to_le_bytes());
            hash.update(file.name.as_bytes());
            hash.update(&(file.text.len() as u64).to_le_bytes());
            hash.update(&file.text);
            compiler.new_namespace(&file.name);
            let before = compiler.errors().len();
            // The faults are read one by one below.
            let _ = compiler.add_source(SourceCode::from(file.text.as_slice()).with_origin(&file.name));
            for error in &compiler.errors()[before..] {
                let place = format!("{}:{}", file.name, line(error, &file.text));
                let what = error.labels().next().map(|label| format!("{}: {}", error.title(), label.text()));
                faults.push(Fault::new(&fault::BAD_RULE).object(place).found(what.as_deref().unwrap_or(error.title())));
            }
        }
        hash.update(&HEURISTICS.to_le_bytes());
        let digest = hash.finish();
        let version = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        (Engine { rules: compiler.build(), version }, faults)
    }

    /// Name of this set of rules and of the engines beside it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Rules in force.
    pub fn len(&self) -> usize {
        self.rules.iter().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.identifier())
    }

    /// What their authors say about them: pairs of name and text.
    pub fn about(&self) -> Vec<(&str, Vec<(String, String)>)> {
        let pairs = |(name, value): (&str, MetaValue<'_>)| match value {
            MetaValue::String(text) => Some((name.to_owned(), text.to_owned())),
            _ => None,
        };
        self.rules.iter().map(|rule| (rule.identifier(), rule.metadata().filter_map(pairs).collect())).collect()
    }

    /// A scanner over them.
    pub fn scanner(&self) -> Scanner<'_> {
        let mut scanner = yara_x::Scanner::new(&self.rules);
        scanner.set_timeout(TIME).max_matches_per_pattern(MATCHES).fast_scan(true);
        Scanner(scanner)
    }
}

/// The line an error is about, from 1.
fn line(error: &yara_x::errors::CompileError, text: &[u8]) -> usize {
    let at = error.labels().next().map_or(0, |label| label.span().start());
    1 + memchr::memchr_iter(b'\n', &text[..at.min(text.len())]).count()
}

/// A scanner, for one content after the other.
pub struct Scanner<'r>(yara_x::Scanner<'r>);

impl Scanner<'_> {
    /// The findings of every rule that matches; rules that are global or private alone are none.
    ///
    /// # Errors
    /// [`fault::ENGINE`] when a rule runs away.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Vec<Scan>> {
        let results = self.0.scan(bytes).map_err(|cause| Fault::new(&fault::ENGINE).object("yara").found(cause))?;
        Ok(results.matching_rules().map(|rule| found(&rule)).collect())
    }

    /// How many rules match, for a bench.
    pub(crate) fn count(&mut self, bytes: &[u8]) -> u64 {
        self.0.scan(bytes).map_or(0, |results| results.matching_rules().len() as u64)
    }
}

/// A rule that matched, with what its author says about it. Names of meta fields differ between authors: these are ours
/// and the common ones.
fn found(rule: &yara_x::Rule<'_, '_>) -> Scan {
    let (mut family, mut score, mut about) = (String::new(), SCORE, Vec::new());
    for (name, value) in rule.metadata() {
        match (name, value) {
            ("family" | "malware_family" | "malware", MetaValue::String(text)) => family = text.to_owned(),
            ("score", MetaValue::Integer(number)) => score = u32::try_from(number).unwrap_or(SCORE),
            ("severity", MetaValue::String(word)) => {
                score = match word {
                    "critical" => 95,
                    "high" => 85,
                    "medium" => 65,
                    "low" => 40,
                    _ => score,
                };
                about.push((name, word.to_owned()));
            }
            (
                "name" | "description" | "description_zh" | "attack" | "author" | "reference",
                MetaValue::String(text),
            ) => {
                about.push((name, text.to_owned()));
            }
            _ => {}
        }
    }
    let mut scan = finding("yara", rule.identifier(), &family, score);
    for (name, value) in about {
        detail(&mut scan, name, value);
    }
    detail(&mut scan, "rules", rule.namespace());
    for tag in rule.tags() {
        detail(&mut scan, "tag", tag.identifier());
    }
    for pattern in rule.patterns().filter(|pattern| pattern.matches().len() > 0).take(PATTERNS) {
        if let Some(first) = pattern.matches().next() {
            let shown = first.data()[..first.data().len().min(SHOWN)].escape_ascii();
            detail(&mut scan, "match", format!("{} at {}: {shown}", pattern.identifier(), first.range().start));
        }
    }
    scan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> RuleFile {
        RuleFile { name: name.into(), text: text.into() }
    }

    #[test]
    fn a_bad_rule_is_named_and_takes_no_other_with_it() {
        let files = [
            file("a.yar", "rule good { strings: $a = \"needle\" condition: $a }"),
            file("b.yar", "rule bad {\n condition: $nothing }\nrule fine { condition: filesize == 3 }"),
            file("c.yar", "rule { {"),
            file("d.yar", "import \"nothing\" include \"/etc/passwd\""),
            RuleFile { name: "e.yar".into(), text: vec![0xff, 0xfe, 0] },
            file("f.yar", "rule good { condition: true }"),
        ];
        let (engine, faults) = Engine::compile(&files);
        let named = |name: &str| faults.iter().filter(|fault| fault.named().starts_with(name)).count();
        assert!(faults.iter().all(|fault| fault.is(&fault::BAD_RULE)), "{faults:?}");
        assert_eq!((named("a.yar"), named("b.yar:2"), named("f.yar")), (0, 1, 0), "{faults:?}");
        assert!(named("c.yar") > 0 && named("d.yar") > 0 && named("e.yar") > 0, "{faults:?}");
        assert_eq!(engine.len(), 3);
        let names = |bytes: &[u8]| -> Vec<String> {
            engine.scanner().scan(bytes).unwrap().into_iter().map(|scan| scan.name).collect()
        };
        assert_eq!(names(b"a needle"), ["good", "good"]);
        assert_eq!(names(b"abc"), ["fine", "good"]);
    }

    #[test]
    fn other_rules_have_another_version() {
        let version = |text: &str| Engine::compile(&[file("a", text)]).0.version().to_owned();
        assert_eq!(version("rule a { condition: true }"), version("rule a { condition: true }"));
        assert_ne!(version("rule a { condition: true }"), version("rule a { condition: false }"));
    }

    #[test]
    fn a_finding_says_why() {
        let text = "rule r : miner { meta: family = \"xmrig\" severity = \"high\" description = \"d\" other = 1 \
            strings: $a = \"need\\x00le\" condition: $a }";
        let (engine, faults) = Engine::compile(&[file("a.yar", text)]);
        assert!(faults.is_empty(), "{faults:?}");
        let scan = engine.scanner().scan(b"..need\0le").unwrap().remove(0);
        assert_eq!((scan.engine.as_str(), scan.family.as_str(), scan.score), ("yara", "xmrig", 85));
        let detail = |name: &str| scan.details.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str());
        assert_eq!(detail("match"), Some("$a at 2: need\\x00le"));
        assert_eq!((detail("tag"), detail("description")), (Some("miner"), Some("d")));
    }
}
