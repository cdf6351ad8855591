//! Rules of every site, compiled; sites with the same rules and settings share an engine.

use crate::tuning::Tunings;
use base::Fault;
use gateway::{Act, Config, Judges, Rules, Site};
use std::sync::Arc;
use waf::{Collections, Engine, Memory};
use webrules::Source;

/// Keys of collections (`IP`, `SESSION`, …) that are remembered at once: about 100 MB at the very most.
const KEYS: usize = 200_000;
/// How long they are remembered after they were last written, seconds (`SecCollectionTimeout`'s default).
const TIMEOUT_S: u64 = 3600;

/// Engines of the present configuration, kept so that a reload compiles only what changed.
pub struct Engines {
    compiled: Vec<(Source, Arc<Engine>)>,
    collections: Arc<dyn Collections>,
}

impl Engines {
    /// None yet.
    pub fn new() -> Engines {
        Engines { compiled: Vec::new(), collections: Arc::new(Memory::new(KEYS, TIMEOUT_S)) }
    }

    /// A judge for every site whose firewall is not off.
    ///
    /// # Errors
    /// Everything that is wrong with rules and tuning, each with its place.
    pub fn judges(&mut self, config: &Config, tunings: &Tunings, today: &str) -> Result<Judges, Vec<Fault>> {
        let (mut judges, mut compiled, mut faults) = (Judges::new(), Vec::new(), Vec::new());
        for site in config.sites.iter().filter(|site| site.waf.mode != Act::Off) {
            match self.engine(site, tunings, today, &mut compiled) {
                Ok(engine) => {
                    let judge = Rules::new(engine, self.collections.clone());
                    judges.insert(site.name.clone(), Arc::new(judge));
                }
                Err(wrong) => faults.extend(wrong),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.compiled = compiled;
        Ok(judges)
    }

    fn engine(
        &self,
        site: &Site,
        tunings: &Tunings,
        today: &str,
        compiled: &mut Vec<(Source, Arc<Engine>)>,
    ) -> Result<Arc<Engine>, Vec<Fault>> {
        let source = Source { before: tunings.rules(&site.name, today)?, ..source(site) };
        // Files may have changed under the same names, so engines of before are shared only within one load.
        if let Some((_, engine)) = compiled.iter().find(|(known, _)| *known == source) {
            return Ok(engine.clone());
        }
        let engine = webrules::load(&source)?.engine;
        compiled.push((source, engine.clone()));
        Ok(engine)
    }

    /// How many distinct engines there are, and the rules in them.
    pub fn count(&self) -> (usize, usize) {
        (self.compiled.len(), self.compiled.iter().map(|(_, engine)| engine.summary().rules).sum())
    }
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
