//! Rules of every site, compiled; sites with the same rules and settings share an engine.

use crate::fault;
use crate::learned::Learned;
use crate::tuning::Tunings;
use base::Fault;
use gateway::{Act, Config, Judges, Rules, Site};
use profile::Profile;
use score::{Mode, Policy, Scorer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use waf::{Collections, Engine, Memory};
use webrules::Source;

/// Keys of collections (`IP`, `SESSION`, …) that are remembered at once: about 100 MB at the very most.
const KEYS: usize = 200_000;
/// How long they are remembered after they were last written, seconds (`SecCollectionTimeout`'s default).
const TIMEOUT_S: u64 = 3600;

/// The learned score that `make train-waf` made.
const MODEL: &str = include_str!("../../../content/waf/model.txt");
/// Largest OpenAPI document, bytes.
const OPENAPI_BYTES: u64 = 4 * 1024 * 1024;

/// Rules and those of their variables that do not decide ([`seclang::tuning::undecided`]).
pub type Undecided = BTreeSet<(u64, &'static str)>;

/// An engine, and what of its rules is told with alerts.
#[derive(Clone)]
struct Compiled {
    engine: Arc<Engine>,
    undecided: Arc<Undecided>,
}

/// Engines of the present configuration, kept so that a reload compiles only what changed.
pub struct Engines {
    compiled: Vec<(Source, Compiled)>,
    undecided: BTreeMap<String, Arc<Undecided>>,
    collections: Arc<dyn Collections>,
    scorer: Option<Arc<Scorer>>,
    /// What positive models learn.
    pub learned: Learned,
}

impl Engines {
    /// None yet.
    pub fn new() -> Engines {
        let collections = Arc::new(Memory::new(KEYS, TIMEOUT_S));
        Engines {
            compiled: Vec::new(),
            undecided: BTreeMap::new(),
            collections,
            scorer: None,
            learned: Learned::default(),
        }
    }

    /// A judge for every site whose firewall is not off.
    ///
    /// # Errors
    /// Everything that is wrong with rules and tuning, each with its place.
    pub fn judges(&mut self, config: &Config, tunings: &Tunings, today: &str) -> Result<Judges, Vec<Fault>> {
        let (mut judges, mut compiled, mut faults) = (Judges::new(), Vec::new(), Vec::new());
        let mut undecided = BTreeMap::new();
        for site in config.sites.iter().filter(|site| site.waf.mode != Act::Off) {
            let engine = self.engine(site, tunings, today, &mut compiled);
            let judge = engine.and_then(|compiled| {
                undecided.insert(site.name.clone(), compiled.undecided);
                self.judge(site, compiled.engine).map_err(|fault| vec![fault])
            });
            match judge {
                Ok(judge) => drop(judges.insert(site.name.clone(), Arc::new(judge))),
                Err(wrong) => faults.extend(wrong),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        (self.compiled, self.undecided) = (compiled, undecided);
        Ok(judges)
    }

    /// Of a site's rules.
    pub fn undecided(&self, site: &str) -> Arc<Undecided> {
        self.undecided.get(site).cloned().unwrap_or_default()
    }

    fn engine(
        &self,
        site: &Site,
        tunings: &Tunings,
        today: &str,
        compiled: &mut Vec<(Source, Compiled)>,
    ) -> Result<Compiled, Vec<Fault>> {
        let source = Source { before: tunings.rules(site, today)?, ..source(site) };
        // Files may have changed under the same names, so engines of before are shared only within one load.
        if let Some((_, engine)) = compiled.iter().find(|(known, _)| *known == source) {
            return Ok(engine.clone());
        }
        let loaded = webrules::load(&source)?;
        let undecided = Arc::new(seclang::tuning::undecided(&loaded.ruleset.items));
        let engine = Compiled { engine: loaded.engine, undecided };
        compiled.push((source, engine.clone()));
        Ok(engine)
    }

    /// The engine with what stands beside it.
    fn judge(&mut self, site: &Site, engine: Arc<Engine>) -> Result<Rules, Fault> {
        let waf = &site.waf;
        let mut judge = Rules::builder(engine, self.collections.clone());
        if waf.inside {
            judge = judge.look_inside();
        }
        if waf.model != Act::Off {
            let mode = if waf.model == Act::Block { Mode::Block } else { Mode::Observe };
            judge = judge.model(self.scorer()?, Policy { mode, ..Policy::default() }, waf.threshold);
        }
        if let Some(path) = waf.positive.openapi.as_deref().filter(|_| waf.positive.mode != Act::Off) {
            judge = judge.profile(Arc::new(positive(path)?), waf.positive.mode);
        }
        if waf.positive.learn {
            judge = judge.learn(self.learned.of(&site.name));
        }
        Ok(judge.build())
    }

    fn scorer(&mut self) -> Result<Arc<Scorer>, Fault> {
        if let Some(scorer) = &self.scorer {
            return Ok(scorer.clone());
        }
        let scorer = Arc::new(Scorer::read(MODEL)?);
        self.scorer = Some(scorer.clone());
        Ok(scorer)
    }

    /// How many distinct engines there are, and the rules in them.
    pub fn count(&self) -> (usize, usize) {
        (self.compiled.len(), self.compiled.iter().map(|(_, compiled)| compiled.engine.summary().rules).sum())
    }
}

/// A positive model from an OpenAPI document; what of it cannot be enforced is logged.
fn positive(path: &Path) -> Result<Profile, Fault> {
    let unreadable =
        |cause: &dyn std::fmt::Display| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    let size = std::fs::metadata(path).map_err(|cause| unreadable(&cause))?.len();
    if size > OPENAPI_BYTES {
        let fault = Fault::new(&base::config::INVALID).object(path.display());
        return Err(fault.expected(format!("at most {OPENAPI_BYTES} bytes")).found(size));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| unreadable(&cause))?;
    let read = profile::read(text.as_bytes(), true)?;
    for note in &read.notes {
        tracing::warn!(file = %path.display(), %note, "not enforced");
    }
    Ok(read.profile)
}

/// The rules that a site's configuration names.
pub fn source(site: &Site) -> Source {
    let waf = &site.waf;
    Source {
        files: waf.rules.clone(),
        paranoia: waf.paranoia,
        threshold: waf.threshold,
        response_threshold: waf.response_threshold,
        observe: waf.mode == Act::Observe,
        body: waf.body,
        responses: waf.responses.then(|| waf.response_types.clone()),
        response_body: waf.response_body,
        before: Vec::new(),
        after: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_with_the_same_rules_share_an_engine_and_faults_of_all_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.conf");
        std::fs::write(&path, "SecRule ARGS \"@rx a\" \"id:1,phase:2,deny\"\n").unwrap();
        let site = |name: &str, rules: &str, paranoia: u8| {
            format!(
                "  - {{name: {name}, hosts: [{name}.example], pool: a, waf: {{mode: block, rules: [{rules}], paranoia: {paranoia}}}}}\n"
            )
        };
        let own = path.display().to_string();
        let text = |sites: &[String]| {
            format!(
                "listeners:\n  - {{name: w, address: 127.0.0.1:0}}\npools: {{a: {{addresses: [127.0.0.1:9]}}}}\nsites:\n{}",
                sites.concat()
            )
        };
        let good = Config::parse(&text(&[site("a", &own, 1), site("b", &own, 1), site("c", &own, 2)]), "x").unwrap();
        let mut engines = Engines::new();
        let judges = engines.judges(&good, &Tunings::default(), "2026-01-01").unwrap();
        assert_eq!((judges.len(), engines.count().0), (3, 2));
        let bad = Config::parse(&text(&[site("a", "/nowhere.conf", 1), site("b", "/none.conf", 1)]), "x").unwrap();
        assert_eq!(engines.judges(&bad, &Tunings::default(), "2026-01-01").err().unwrap().len(), 2);
        assert_eq!(engines.count().0, 2, "what was there before stays");
    }
}
