//! From a set to what runs.

use crate::{Published, RULES};
use base::Fault;
use detect::correlation::{self, Compiled as Correlations};
use detect::{Engine, Placeholders, Source};
use std::collections::HashSet;

/// Folder that published texts are in, in their names: no file of a host.
pub const PUBLISHED: &str = "published/";

/// What a set is compiled with.
#[derive(Debug, Clone, Default)]
pub struct Ground<'g> {
    /// Whether the built-in rules run too.
    pub builtin: bool,
    /// Texts of this host.
    pub local: Vec<Source>,
    /// Values of placeholders.
    pub placeholders: Option<&'g Placeholders>,
}

/// What runs.
#[derive(Debug)]
pub struct Compiled {
    /// Rules about one event.
    pub engine: Engine,
    /// Rules about several.
    pub correlations: Correlations,
    /// When an exception ends and the set must be compiled again, µs since the Unix epoch.
    pub ends_us: Option<i64>,
    /// What was wrong, each with file and line.
    pub faults: Vec<Fault>,
}

impl Compiled {
    /// The first fault in a published text.
    pub fn refusal(&self) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.named().starts_with(PUBLISHED))
    }

    /// Ids of published rules.
    pub fn published(&self) -> HashSet<String> {
        let unrouted = self.engine.unrouted().iter().chain(self.correlations.unrouted()).map(|one| &one.rule);
        let running = self.engine.rules().iter().chain(self.correlations.rules().map(|(_, rule)| rule));
        running.chain(unrouted).filter(|rule| rule.place.starts_with(PUBLISHED)).map(|rule| rule.id.clone()).collect()
    }
}

/// Compiles a set. Published rules come first: of two with one id the first stays, and that a rule of the host or a
/// built-in one has given way is no fault.
pub fn compile(published: &Published, ground: Ground<'_>) -> Compiled {
    let of_server = |(name, text): &(String, String)| Source { name: format!("{PUBLISHED}{name}"), text: text.clone() };
    let mut sources: Vec<Source> = published.texts.iter().map(of_server).collect();
    if ground.builtin {
        sources.extend(RULES.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() }));
    }
    sources.extend(ground.local);
    let none = Placeholders::new();
    let off: HashSet<String> = published.off.iter().cloned().collect();
    let (engine, mut faults) = Engine::compile_with(&sources, ground.placeholders.unwrap_or(&none), &off);
    let (correlations, of_several) = correlation::compile(&engine);
    faults.extend(of_several);
    let mut compiled = Compiled { engine, correlations, ends_us: published.ends_us, faults };
    if !published.texts.is_empty() {
        let ids = compiled.published();
        compiled.faults.retain(|fault| {
            let own = !fault.named().starts_with(PUBLISHED);
            !(own && fault.is(&detect::fault::DUPLICATE) && ids.contains(fault.got()))
        });
    }
    compiled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exception, Field, Own, Set};

    #[test]
    fn the_built_in_rules_compile_and_one_is_replaced_excepted_and_switched_off() {
        let ground = || Ground { builtin: true, ..Ground::default() };
        let before = compile(&Published::default(), ground());
        assert!(before.faults.is_empty(), "{:?}", before.faults);
        let rules = before.engine.rules();
        let alone = |text: &str| !text.contains("\n---");
        let text_of = |at: usize| RULES.iter().find(|(name, _)| rules[at].place.starts_with(name)).unwrap().1;
        let mut own = (0..rules.len()).filter(|at| alone(text_of(*at)) && rules[*at].place.starts_with("execution/"));
        let (first, second, third) = (own.next().unwrap(), own.next().unwrap(), own.next().unwrap());
        let text = text_of(first).replacen(&rules[first].title, "changed here", 1);
        let mut set = Set::default();
        set.rules.push(Own { name: "a.yml".into(), text, ids: vec![rules[first].id.clone()], ..Own::default() });
        set.off.insert(rules[second].id.clone());
        let fields = vec![Field { name: "Image".into(), values: vec!["/usr/bin/known".into()] }];
        let (id, of) = ("0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a12".to_owned(), vec![rules[third].id.clone()]);
        set.exceptions.push(Exception { id: id.clone(), rules: of, fields, ..Exception::default() });
        let after = compile(&set.everywhere(), ground());
        assert!(after.refusal().is_none(), "{:?}", after.faults);
        let found = |id: &str| after.engine.find(id).map(|index| after.engine.rule(index));
        assert_eq!(found(&rules[first].id).unwrap().title, "changed here");
        assert!(found(&rules[second].id).is_none());
        let excepted = found(&rules[third].id).unwrap();
        assert!(excepted.filters == [id] && excepted.version != rules[third].version);
        assert_eq!(after.published().len(), 1);
    }

    #[test]
    fn what_is_off_is_listed_and_not_run_and_takes_its_correlation_with_it() {
        let ids = ["0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11", "0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a12"];
        let text = format!(
            "title: t\nid: {}\nname: base\nlogsource: {{product: linux, category: process_creation}}\ndetection: {{a: \
             {{Image: /x}}, condition: a}}\n---\ntitle: many\nid: {}\ncorrelation: {{type: event_count, rules: [base], \
             timespan: 1m, condition: {{gte: 2}}}}\n",
            ids[0], ids[1]
        );
        let run = |off: &[&str]| {
            let off = off.iter().map(|id| id.to_string()).collect();
            let own = Own { name: "a.yml".into(), text: text.clone(), ..Own::default() };
            let set = Set { rules: vec![own], off, ..Set::default() };
            let Compiled { engine, correlations, faults, .. } = compile(&set.everywhere(), Ground::default());
            let idle = (engine.unrouted().len(), correlations.unrouted().len());
            (engine.rules().len(), correlations.len(), idle, faults.len())
        };
        assert_eq!(run(&[]), (1, 1, (0, 0), 0));
        assert_eq!(run(&[ids[1]]), (1, 0, (0, 1), 0));
        assert_eq!(run(&[ids[0]]), (0, 0, (1, 0), 1), "the correlation names a rule that is off");
    }

    #[test]
    fn a_bad_published_text_is_named() {
        let mut set = Set::default();
        set.rules.push(Own { name: "bad.yml".into(), text: "title: [".into(), ..Own::default() });
        let compiled = compile(&set.everywhere(), Ground::default());
        assert!(compiled.refusal().unwrap().named().starts_with("published/rules/none/bad.yml"));
    }
}
