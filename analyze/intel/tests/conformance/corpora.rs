//! The public corpora, where they are present: imports with their counts, ATT&CK with the galaxies merged into it.

use crate::cases::settings;
use base::Result;
use intel::Indicator;
use intel::attack::{Evidence, Graph};
use intel::format::{Report, Sink, import};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

fn path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: corpus not present");
    }
    path.exists().then_some(path)
}

fn open(name: &str) -> Option<BufReader<impl Read>> {
    let file = BufReader::new(std::fs::File::open(path(name)?).unwrap());
    Some(BufReader::with_capacity(1 << 16, lzma_rust2::XzReader::new(file, true)))
}

fn whole(name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open(name)?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// Counts what is found by kind.
#[derive(Default)]
struct Counted {
    kinds: BTreeMap<&'static str, u64>,
    objects: BTreeMap<String, u64>,
    told: u64,
}

impl Sink for Counted {
    fn indicator(&mut self, indicator: Indicator) -> Result<()> {
        *self.kinds.entry(indicator.kind.word()).or_default() += 1;
        Ok(())
    }

    fn object(&mut self, _id: &str, kind: &str, _text: &str) -> Result<()> {
        *self.objects.entry(kind.to_string()).or_default() += 1;
        Ok(())
    }

    fn progress(&mut self, _report: &Report) -> Result<()> {
        self.told += 1;
        Ok(())
    }
}

fn counted(name: &str, mut input: impl BufRead) -> (Report, Counted) {
    let mut counted = Counted::default();
    let report = import(&mut input, None, &settings(), &mut counted);
    println!(
        "{name}: {} {} records, {} taken {:?}, {} bad, passed {:?}",
        report.format, report.records, report.taken, counted.kinds, report.bad, report.passed
    );
    for fault in report.examples.iter().take(3) {
        println!("  {}", fault.outside(base::Lang::En));
    }
    assert!(report.fault.is_none(), "{:?}", report.fault);
    assert_eq!(counted.told, report.records / 10_000 + 1);
    (report, counted)
}

#[test]
fn public_feeds_are_taken_to_their_end() {
    let Some(ipsum) = open("intel/ipsum.txt.xz") else { return };
    let (report, found) = counted("ipsum", ipsum);
    assert_eq!((report.format, report.taken, report.bad, found.kinds["ip"]), ("ipsum", 120_430, 0, 120_430));
    let Some(maltrail) = open("intel/maltrail-static.tsv.xz") else { return };
    let (report, _) = counted("maltrail", maltrail);
    assert_eq!((report.format, report.records), ("maltrail", 1_832_134));
    let passed: u64 = report.passed.values().sum();
    assert_eq!(report.taken + report.bad + passed, report.records);
    assert!(report.bad < 2_000, "{} bad", report.bad);
}

#[test]
fn attack_and_galaxies_make_a_graph() {
    let Some(mut bundle) = open("attack/enterprise-attack-from-cti.json.xz") else { return };
    let mut graph = Graph::from_stix(&mut bundle).unwrap();
    assert_eq!(graph.techniques.len(), 691);
    assert_eq!(graph.technique("T1066").map(|technique| technique.id.as_str()), Some("T1027.005"));
    let kinds = |graph: &Graph| {
        let mut kinds = BTreeMap::new();
        graph.nodes.iter().for_each(|node| *kinds.entry(node.kind).or_insert(0) += 1);
        kinds
    };
    let uses: usize = graph.nodes.iter().map(|node| node.techniques.len()).sum();
    println!("ATT&CK: {:?}, {uses} uses of techniques, {} relations", kinds(&graph), graph.edges.len());
    assert_eq!(graph.nodes.len(), 172 + 784 + 52);
    assert!(uses > 15_000 && graph.edges.len() > 1_100);
    for name in ["threat-actor", "ransomware", "botnet"] {
        let Some(galaxy) = whole(&format!("intel/misp-galaxy-{name}.json.xz")) else { return };
        println!("{name}: {:?}", graph.merge_galaxy(&galaxy).unwrap());
    }
    let bytes = serde_json::to_vec(&graph).unwrap();
    println!("graph: {:?}, {} relations, {} bytes as JSON", kinds(&graph), graph.edges.len(), bytes.len());
    assert!(bytes.len() < 4_000_000);
    let graph = Graph::from_json(&bytes).unwrap();
    let evidence = Evidence { malware: vec![("Hildegard".into(), 80)], ..Evidence::default() };
    let found = graph.attribute(&evidence);
    let first = &found.actors[0];
    println!("Hildegard: {} {} {:?}", first.name, first.confidence, first.reasons[0].path);
    assert_eq!((first.id.as_str(), found.software[0].confidence), ("G0139", 72));
    // What everybody uses points at nobody in particular.
    let shared = Evidence { malware: vec![("Mimikatz".into(), 100)], ..Evidence::default() };
    let found = graph.attribute(&shared);
    println!("Mimikatz: {} {} {:?}", found.actors[0].name, found.actors[0].confidence, found.actors[0].reasons[0].path);
    assert!(found.actors.iter().all(|actor| actor.confidence <= 15));
    // A group's own techniques find it, and still prove nothing.
    let group = graph.node("G0139").unwrap();
    let ids = group.techniques.iter().map(|place| graph.techniques[*place as usize].id.clone()).collect();
    let found = graph.attribute(&Evidence { techniques: ids, ..Evidence::default() });
    assert_eq!((found.actors[0].id.as_str(), found.actors[0].confidence), ("G0139", 30));
    assert!(found.actors.iter().all(|actor| actor.confidence <= 30));
    let compact = std::fs::read(path("attack/attack-compact.json").unwrap()).unwrap();
    let compact = Graph::from_compact(&compact).unwrap();
    assert_eq!((compact.techniques.len(), compact.nodes.len()), (691, 172 + 784 + 52));
}
