//! Who may be behind an alert, on a small graph.

use intel::attack::{Evidence, Graph, NodeKind};
use intel::format::fault;

const TABLE: &str = r#"{
 "techniques":[{"id":"T1059","name":"Interpreter","tactics":["execution"]},{"id":"T1059.004","name":"Unix Shell","tactics":["execution"]},
  {"id":"T1496","name":"Hijack","tactics":["impact"]},{"id":"T1105","name":"Transfer","tactics":["command-and-control"]},{"id":"T1027","name":"Obfuscated"}],
 "revoked":{"T1064":"T1059","T9999":"T1064"},
 "groups":[{"id":"G1","name":"TeamTNT","aliases":["TeamTNT"],"techniques":["T1059.004","T1496","T1105"],"software":["S1","S2"]},
  {"id":"G2","name":"Rocke","techniques":["T1059","T1027"],"software":["S2"]},
  {"id":"G3","name":"Other","aliases":["Shared Name"],"techniques":["T1027"]},{"id":"G4","name":"Fourth","aliases":["Shared Name"]}],
 "software":[{"id":"S1","name":"Hilde Gard","type":"malware","techniques":["T1105"]},{"id":"S2","name":"Peirates","type":"tool","techniques":["T1059"]}],
 "campaigns":[{"id":"C1","name":"Operation X","attributed_to":["G3"],"software":["S1"],"first_seen":"2020","last_seen":"2021"}]}"#;

fn graph() -> Graph {
    Graph::from_compact(TABLE.as_bytes()).unwrap()
}

fn malware(name: &str) -> Evidence {
    Evidence { malware: vec![(name.to_string(), 100)], ..Evidence::default() }
}

fn techniques(ids: &[&str]) -> Evidence {
    Evidence { techniques: ids.iter().map(|id| id.to_string()).collect(), ..Evidence::default() }
}

#[test]
fn names_point_along_what_is_used_and_shared_things_point_less() {
    let found = graph().attribute(&malware("hilde-gard"));
    assert_eq!((found.software[0].id.as_str(), found.software[0].confidence), ("S1", 90));
    let actors: Vec<(&str, u8)> = found.actors.iter().map(|actor| (actor.id.as_str(), actor.confidence)).collect();
    // One actor uses it: 90 × 0.8; one campaign too, whose actor is 0.9 of that.
    assert_eq!(actors, [("C1", 72), ("G1", 72), ("G3", 65)]);
    let reason = &found.actors[2].reasons[0];
    assert_eq!(
        (reason.from.as_str(), reason.path.join(" > ")),
        ("hilde-gard", "Hilde Gard > Operation X > Other".into())
    );
    let found = graph().attribute(&malware("Peirates"));
    assert!(found.actors.iter().all(|actor| actor.confidence == 36), "two use it: 90 × 0.8 / 2");
    assert_eq!(found.software[0].kind, NodeKind::Tool);
}

#[test]
fn an_ambiguous_alias_is_worth_less_and_evidence_adds_up() {
    let one = Evidence { actors: vec![("shared name".into(), 100)], ..Evidence::default() };
    let found = graph().attribute(&one);
    assert_eq!(found.actors.iter().map(|actor| actor.confidence).collect::<Vec<_>>(), [45, 45]);
    let both = Evidence { malware: vec![("Hilde Gard".into(), 100), ("Peirates".into(), 100)], ..Evidence::default() };
    let found = graph().attribute(&both);
    let first = &found.actors[0];
    assert_eq!((first.id.as_str(), first.confidence, first.reasons.len()), ("G1", 82, 2), "1 − 0.28 × 0.64");
}

#[test]
fn techniques_alone_never_name_anyone() {
    let found = graph().attribute(&techniques(&["T1059.004", "T1496", "T1105"]));
    assert_eq!((found.actors[0].id.as_str(), found.actors[0].confidence), ("G1", 30), "all of them and nothing else");
    assert_eq!(found.actors[0].reasons[0].techniques, ["T1059.004", "T1105", "T1496"]);
    assert!(graph().attribute(&techniques(&["T1496"])).actors.is_empty(), "one technique says nothing");
    let with = Evidence { malware: vec![("Hilde Gard".into(), 100)], ..techniques(&["T1059.004", "T1496", "T1105"]) };
    assert_eq!(graph().attribute(&with).actors[0].confidence, 80, "72 + 28 × 0.30");
}

#[test]
fn revoked_techniques_lead_to_their_successors() {
    let graph = graph();
    assert_eq!(graph.technique("t1064").unwrap().id, "T1059");
    assert!(graph.technique("T9999").is_some() && graph.technique("T0000").is_none());
    assert_eq!(graph.techniques.len(), 5);
}

#[test]
fn a_graph_reads_back_and_galaxies_merge_by_name() {
    let mut graph = graph();
    let galaxy = r#"{"type":"threat-actor","values":[
      {"value":"TEAM TNT","uuid":"11111111-1111-4111-8111-111111111111","meta":{"synonyms":["Adept Libra"]}},
      {"value":"New Crew","uuid":"11111111-1111-4111-8111-111111111112","related":[{"dest-uuid":"11111111-1111-4111-8111-111111111111","type":"similar"}]},
      {"value":"Shared Name","uuid":"11111111-1111-4111-8111-111111111113"},{"value":"no uuid"}]}"#;
    let merged = graph.merge_galaxy(galaxy.as_bytes()).unwrap();
    assert_eq!((merged.joined, merged.added, merged.relations), (1, 2, 1), "an alias alone joins nothing");
    assert_eq!(graph.named("adept libra")[0].id, "G1");
    let text = serde_json::to_vec(&graph).unwrap();
    let again = Graph::from_json(&text).unwrap();
    assert_eq!((again.nodes.len(), again.edges.len()), (graph.nodes.len(), graph.edges.len()));
    let evidence = Evidence { actors: vec![("New Crew".into(), 100)], ..Evidence::default() };
    assert_eq!(again.attribute(&evidence), graph.attribute(&evidence));
    assert_eq!(again.attribute(&evidence).actors[1].name, "TeamTNT");
    assert!(graph.merge_galaxy(b"{}").unwrap_err().is(&fault::ATTACK));
    assert!(Graph::from_compact(b"[]").unwrap_err().is(&fault::ATTACK));
    assert!(Graph::from_stix(&mut r#"{"objects":[]}"#.as_bytes()).unwrap_err().is(&fault::ATTACK));
}
