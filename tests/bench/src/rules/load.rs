//! The rules: ours, and the public corpus where it lies beside the repository; each readable by both engines.

use detect::{Engine, Source};
use rsigma_parser::SigmaRule;
use std::path::Path;

/// A rule, in the form of each engine.
pub struct Pair {
    /// For ours and for sigma-rust.
    pub source: Source,
    /// For rsigma.
    pub rule: SigmaRule,
    /// Its id.
    pub id: String,
    /// Whether it is of the public corpus.
    pub public: bool,
}

impl Pair {
    /// Whether its log source is this category on Linux.
    pub fn is_of(&self, category: &str) -> bool {
        self.rule.logsource.category.as_deref() == Some(category)
    }
}

fn files(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        if path.is_dir() {
            files(&path, found);
        } else if name.ends_with(".yml") && !name.ends_with(".cases.yml") {
            found.push(Source { name, text: std::fs::read_to_string(&path).unwrap_or_default() });
        }
    }
}

/// Every rule that both engines load and ours routes.
pub fn all() -> Vec<Pair> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pairs = Vec::new();
    for (folder, public) in [("../../content/rules", false), ("../../../shared/data/sigma", true)] {
        let mut sources = Vec::new();
        files(&root.join(folder), &mut sources);
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        for source in sources {
            pairs.extend(
                source
                    .text
                    .split("\n---\n")
                    .filter_map(|text| pair(Source { name: source.name.clone(), text: format!("{text}\n") }, public)),
            );
        }
    }
    let mut ids = std::collections::HashSet::new();
    pairs.retain(|pair| ids.insert(pair.id.clone()));
    pairs
}

fn pair(source: Source, public: bool) -> Option<Pair> {
    let (engine, faults) = Engine::compile(std::slice::from_ref(&source));
    if !faults.is_empty() || engine.rules().len() != 1 {
        return None;
    }
    let rule = rsigma_parser::parse_sigma_yaml(&source.text).ok()?.rules.pop()?;
    rsigma_eval::Engine::new().add_rule(&rule).ok()?;
    let id = rule.id.clone()?;
    Some(Pair { source, rule, id, public })
}

/// So many rules: the first of these as they are, then the same with other letters in what they look for.
pub fn grown(pairs: &[&Pair], size: usize) -> Vec<Pair> {
    let mut grown = Vec::with_capacity(size);
    for turn in 0..size.div_ceil(pairs.len().max(1)) * 2 {
        for (number, one) in pairs.iter().enumerate() {
            if grown.len() == size {
                return grown;
            }
            let text = if turn == 0 { one.source.text.clone() } else { turned(&one.source.text, turn as u32) };
            let id = format!("{turn:08x}-0000-4000-8000-{number:012x}");
            let text = text.replace(&one.id, &id);
            let rule = rsigma_parser::parse_sigma_yaml(&text).ok().and_then(|mut read| read.rules.pop());
            let Some(rule) = rule.filter(|rule| rule.id.as_deref() == Some(id.as_str())) else { continue };
            let source = Source { name: format!("{}#{turn}", one.source.name), text };
            let (engine, faults) = Engine::compile(std::slice::from_ref(&source));
            if faults.is_empty() && engine.rules().len() == 1 && rsigma_eval::Engine::new().add_rule(&rule).is_ok() {
                grown.push(Pair { source, rule, id, public: one.public });
            }
        }
    }
    grown
}

/// The rule with the letters of its values turned; names, conditions and regular expressions stay.
fn turned(text: &str, turn: u32) -> String {
    let (mut inside, mut expression) = (false, false);
    let mut changed = String::with_capacity(text.len());
    for line in text.lines() {
        if !line.starts_with([' ', '-']) && !line.is_empty() {
            inside = line.starts_with("detection:");
        }
        let trimmed = line.trim_start();
        let item = trimmed.starts_with("- ") && !trimmed.contains(": ");
        if !item {
            expression = trimmed.contains("|re");
        }
        let value = match line.find(": ") {
            _ if !inside || expression || trimmed.starts_with("condition") || trimmed.contains(['{', '[']) => None,
            Some(at) => Some(at + 2),
            None if item => line.find("- ").map(|at| at + 2),
            None => None,
        };
        let at = value.unwrap_or(line.len());
        changed.push_str(&line[..at]);
        changed.extend(line[at..].chars().scan(turn, |seed, letter| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(if letter.is_ascii_lowercase() {
                char::from(b'a' + ((u32::from(letter) - 97 + (*seed >> 24)) % 26) as u8)
            } else {
                letter
            })
        }));
        changed.push('\n');
    }
    changed
}
