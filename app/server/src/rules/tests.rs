//! Changes, what is on the shelf, and tests on the past, on tables in memory and a real lake.

use super::*;
use api::rules::{ExceptionField, RuleChange, RuleException, RuleFile, RuleProposalRequest, RuleTest, RuleTestRequest};
use base::{ManualClock, SeededRandom};
use detect::cases;
use lake::{Arrived, LakeConfig};
use port::MemoryTables;
use record::{Alert, Batch, Event, EventId, Host, Kind, Lane};

const NOW: i64 = 1_760_000_000_000_000;
const ID: &str = "7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11";
const RULE: &str = "title: Backup tool\nid: 7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11\nlevel: high\n\
    logsource: {product: linux, category: process_creation}\ndetection: {a: {Image|endswith: /restic}, condition: a}\n";
const MANY: &str = "---\ntitle: Many\nid: 7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a12\nlevel: low\n\
    correlation: {type: event_count, rules: [7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11], group-by: [User], timespan: 1h, \
    condition: {gte: 5}}\n";

struct Bench {
    folder: tempfile::TempDir,
    tables: Arc<MemoryTables>,
    clock: Arc<ManualClock>,
    agent: AgentId,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(NOW));
        Bench { folder: tempfile::tempdir().unwrap(), tables: Arc::default(), clock, agent: AgentId([7; 16]) }
    }

    async fn open(&self) -> (Arc<Rules>, Shelf) {
        let config = LakeConfig { dir: self.folder.path().join("lake"), ..LakeConfig::default() };
        let lake = Arc::new(Lake::open(config, self.tables.clone(), self.clock.clone()).await.unwrap());
        let hub = Arc::new(Hub::open(self.tables.clone(), self.clock.clone()).await.unwrap());
        hub.enrolled(self.agent, &host(), "edge").await.unwrap();
        let (shelf, random) = (Shelf::new(self.clock.clone()), Arc::new(SeededRandom::new(1)));
        let (tables, clock) = (self.tables.clone(), self.clock.clone());
        let rules = Rules::open(Base { tables, lake, hub, shelf: shelf.clone(), clock, random }).await.unwrap();
        (rules, shelf)
    }
}

fn host() -> Host {
    Host { name: "web1".into(), ..Host::default() }
}

fn asked(change: RuleChange) -> RuleChangeRequest {
    RuleChangeRequest { change, reason: "a test".into(), to: None }
}

fn enable(text: &str) -> RuleChangeRequest {
    asked(RuleChange::Enable { files: vec![RuleFile { name: "new.yml".into(), text: text.into() }] })
}

fn off(id: &str) -> RuleChangeRequest {
    asked(RuleChange::Off { id: id.into() })
}

fn to_edge(change: RuleChangeRequest) -> RuleChangeRequest {
    RuleChangeRequest { to: Some(RuleAudience { groups: vec!["edge".into()], ..RuleAudience::default() }), ..change }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_enabled_offered_and_offered_again_after_a_restart() {
    let bench = Bench::new();
    let (rules, shelf) = bench.open().await;
    assert_eq!(shelf.published(Name::Rules).0.version, 0, "nothing was changed yet");
    let changed = rules.make(&enable(RULE), "user:eve").await.unwrap();
    assert_eq!((changed.version, changed.trial, changed.ids), (1, false, vec![ID.to_owned()]));
    assert!(changed.warnings.iter().any(|told| told.text.contains("description")), "{:?}", changed.warnings);
    let published = shelf.published(Name::Rules).0;
    let rows = rules.rows();
    assert_eq!((rows[0].id.as_str(), rows[0].source.as_str(), rows[0].state.as_str()), (ID, "own", "on"));
    assert_eq!(rows[0].place, "new.yml:1");
    drop(rules);
    let (rules, shelf) = bench.open().await;
    assert_eq!(shelf.published(Name::Rules).0, published, "the same bytes under the same version");
    assert_eq!(rules.whole(ID).unwrap().by, "user:eve");
    // The same rules under another text take the place of the old.
    rules.make(&enable(&RULE.replace("Backup tool", "Backup program")), "user:eve").await.unwrap();
    assert_eq!(rules.whole(ID).unwrap().row.title, "Backup program");
    assert_eq!(rules.rows().iter().filter(|row| row.source == "own").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_compile_is_refused_by_name_and_changes_nothing() {
    let bench = Bench::new();
    let (rules, shelf) = bench.open().await;
    rules.make(&enable(RULE), "user:eve").await.unwrap();
    let bad =
        RULE.replace("Image|endswith", "Imagination|endswith").replace(ID, "7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a19");
    let fault = rules.make(&enable(&bad), "user:eve").await.unwrap_err();
    assert!(fault.is(&detect::fault::FIELD) && fault.named().starts_with("new.yml:"), "{fault}");
    let fault = rules.make(&enable("title: ["), "user:eve").await.unwrap_err();
    assert!(fault.named().starts_with("new.yml"), "{fault}");
    assert!(rules.make(&off("nobody"), "user:eve").await.unwrap_err().is(&api::fault::MISSING));
    assert_eq!(shelf.published(Name::Rules).0.version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_switched_off_and_a_rollback_takes_it_back() {
    let bench = Bench::new();
    let (rules, shelf) = bench.open().await;
    let built_in = rules.rows().into_iter().find(|row| row.state == "on").unwrap();
    rules.make(&enable(RULE), "user:eve").await.unwrap();
    rules.make(&off(&built_in.id), "user:eve").await.unwrap();
    let state = |rules: &Rules| rules.whole(&built_in.id).unwrap().row.state;
    assert_eq!(state(&rules), "off");
    assert!(rules.make(&off(&built_in.id), "user:eve").await.unwrap_err().is(&api::fault::WRONG_STATE));
    let back = rules.make(&asked(RuleChange::Rollback), "user:eve").await.unwrap();
    assert_eq!((back.version, state(&rules)), (3, "on".into()), "another version with what was before");
    assert!(rules.whole(ID).is_ok());
    rules.make(&asked(RuleChange::Rollback), "user:eve").await.unwrap();
    assert!(rules.whole(ID).is_err(), "and once more, to the set that changes nothing");
    assert_eq!(shelf.published(Name::Rules).0.version, 4);
    assert!(rules.make(&asked(RuleChange::Promote), "user:eve").await.is_err(), "nothing is on trial");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_reaches_its_group_and_then_everyone_or_nobody() {
    let bench = Bench::new();
    let (rules, shelf) = bench.open().await;
    let changed = rules.make(&to_edge(enable(RULE)), "user:eve").await.unwrap();
    assert!(changed.trial && rules.whole(ID).is_err(), "it is not everyone's");
    assert_eq!((rules.standing().version, rules.standing().trial), (0, 1));
    assert_eq!(rules.standing().standings[0].wanted, 1);
    assert!(rules.make(&enable(RULE), "user:eve").await.unwrap_err().is(&api::fault::WRONG_STATE));
    drop(rules);
    let (rules, shelf_again) = bench.open().await;
    assert_eq!(shelf_again.published(Name::Rules).1, shelf.published(Name::Rules).1, "it goes on after a restart");
    rules.make(&asked(RuleChange::Rollback), "user:eve").await.unwrap();
    assert_eq!((rules.standing().trial, rules.standing().standings[0].wanted), (0, 0));
    let changed = rules.make(&to_edge(enable(RULE)), "user:eve").await.unwrap();
    assert_eq!(changed.version, 2, "a number is never used twice");
    rules.make(&asked(RuleChange::Promote), "user:eve").await.unwrap();
    assert_eq!((shelf_again.published(Name::Rules).0.version, rules.standing().version), (2, 2));
    assert!(rules.whole(ID).is_ok());
    let nowhere = RuleAudience { hosts: vec!["nowhere".into()], ..RuleAudience::default() };
    let asked = RuleChangeRequest { to: Some(nowhere), ..off(ID) };
    assert!(rules.make(&asked, "user:eve").await.unwrap_err().is(&api::fault::MISSING));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_any_call_of_the_tables_leaves_shelf_and_tables_the_same() {
    for call in 1..8 {
        let bench = Bench::new();
        let (rules, shelf) = bench.open().await;
        bench.tables.trip.fail_at(call);
        let done = rules.make(&enable(RULE), "user:eve").await;
        bench.tables.trip.fail_at(0);
        let (facts, _) = store::facts(&*bench.tables).await.unwrap();
        assert_eq!(facts.live, shelf.published(Name::Rules).0.version, "call {call}");
        assert_eq!((done.is_ok(), rules.whole(ID).is_ok()), (facts.live == 1, facts.live == 1), "call {call}");
        rules.make(&enable(RULE), "user:eve").await.unwrap();
    }
}

fn event(seq: u64, parent: &str) -> Event {
    let fields = [
        ("process.exe", "/usr/bin/restic"),
        ("parent.exe", parent),
        ("process.cmd_line", "restic backup"),
        ("process.user", "root"),
    ];
    let event = cases::event(Kind::Exec, &fields).unwrap();
    Event { seq, time_us: NOW - 3_600_000_000 + seq as i64 * 60_000_000, ..event }
}

/// Ten backups by cron and two by hand, and the alert about the last.
fn fill(rules: &Rules, agent: AgentId) -> String {
    let parent = |seq: u64| if seq <= 10 { "/usr/sbin/cron" } else { "/usr/bin/bash" };
    let events: Vec<Event> = (1..=12).map(|seq| event(seq, parent(seq))).collect();
    let id = EventId { agent, boot: 1, lane: Lane::Alert, seq: 1 }.to_string();
    let last = event(1, "/usr/sbin/cron");
    let alert = Alert {
        id: id.clone(),
        rule: ID.into(),
        time_us: last.time_us,
        evidence: Batch::pack(host(), [&last]),
        agent: agent.to_string(),
        ..Alert::default()
    };
    let arrived = |lane, events: Vec<Event>, alerts: Vec<Alert>| Arrived {
        agent,
        boot: 1,
        lane,
        first_seq: 1,
        count: (events.len() + alerts.len()) as u32,
        host: host(),
        events,
        alerts,
        samples: Vec::new(),
        wal_offset: 1,
    };
    rules.base.lake.append(arrived(Lane::Telemetry, events, Vec::new())).unwrap();
    rules.base.lake.append(arrived(Lane::Alert, Vec::new(), vec![alert])).unwrap();
    id
}

async fn ended(rules: &Arc<Rules>, asked: RuleTestRequest) -> RuleTest {
    let begun = rules.begin(RuleTestRequest { since_s: 7 * 86_400, limit: 3, ..asked }).await.unwrap();
    loop {
        let test = rules.test_of(&begun.id).unwrap();
        if test.state != "running" {
            return test;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_tried_on_the_past_and_an_exception_on_its_hits() {
    let bench = Bench::new();
    let (rules, shelf) = bench.open().await;
    let alert = fill(&rules, bench.agent);
    let files = vec![RuleFile { name: "new.yml".into(), text: format!("{RULE}{MANY}") }];
    let test = ended(&rules, RuleTestRequest { files: files.clone(), ..RuleTestRequest::default() }).await;
    assert_eq!((test.state.as_str(), test.judged, test.events, test.hosts), ("done", 12, 12, 1), "{test:?}");
    assert_eq!(test.held_from_us, event(1, "").time_us);
    let [single, several] = &test.rules[..] else { panic!("{:?}", test.rules) };
    assert_eq!((single.hits, single.silent, single.samples.len()), (12, true, 3));
    assert_eq!((several.title.as_str(), several.hits), ("Many", 1));
    assert_eq!((single.parents[0].value.as_str(), single.parents[0].count), ("/usr/sbin/cron", 10));
    assert!(single.noise == "flood" && single.reason.text.contains("cron"), "{:?}", single.reason);
    assert_eq!(shelf.published(Name::Rules).0.version, 0, "a test changes nothing");

    rules.make(&enable(RULE), "user:eve").await.unwrap();
    let wish = RuleProposalRequest { alert: alert.clone(), for_s: 3600, ..RuleProposalRequest::default() };
    let proposal = rules.proposal(&wish).await.unwrap();
    let names: Vec<&str> = proposal.exception.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["Image", "ParentImage"]);
    let exception = Some(proposal.exception.clone());
    let asked_of = |exception: Option<RuleException>| RuleTestRequest {
        ids: vec![ID.into()],
        exception,
        ..RuleTestRequest::default()
    };
    let test = ended(&rules, asked_of(exception)).await;
    assert_eq!((test.rules[0].hits, test.rules[0].silenced), (12, 10), "{test:?}");
    rules.make(&asked(RuleChange::Except { exception: proposal.exception }), "user:eve").await.unwrap();
    assert_eq!(ended(&rules, asked_of(None)).await.rules[0].hits, 2, "what is excepted is no hit");
    let present = rules.present();
    let made = &present.set.exceptions[0];
    assert_eq!((made.author.as_str(), made.until_us, made.alert == alert), ("user:eve", NOW + 3_600_000_000, true));
    let unknown = RuleProposalRequest { fields: vec!["Imagination".into()], ..wish };
    assert!(rules.proposal(&unknown).await.unwrap_err().is(&api::fault::INVALID));
    let bad = RuleException {
        rules: vec![ID.into()],
        fields: vec![ExceptionField { name: "Imagination".into(), values: vec!["x".into()] }],
        ..RuleException::default()
    };
    let fault = rules.make(&asked(RuleChange::Except { exception: bad }), "user:eve").await.unwrap_err();
    assert!(fault.is(&detect::fault::FIELD), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_nothing_and_too_many_tests_are_faults() {
    let bench = Bench::new();
    let (rules, _) = bench.open().await;
    assert!(rules.begin(RuleTestRequest::default()).await.unwrap_err().is(&api::fault::INVALID));
    let bad = RuleTestRequest {
        files: vec![RuleFile { name: "bad.yml".into(), text: "title: [".into() }],
        ..RuleTestRequest::default()
    };
    let fault = rules.begin(bad).await.unwrap_err();
    assert!(fault.named().starts_with("bad.yml"), "{fault}");
    let windows = RULE.replace("linux", "windows");
    let idle =
        RuleTestRequest { files: vec![RuleFile { name: "w.yml".into(), text: windows }], ..RuleTestRequest::default() };
    let fault = rules.begin(idle).await.unwrap_err();
    assert!(fault.got().contains("windows"), "{fault}");
    assert!(rules.test_of("none").unwrap_err().is(&api::fault::MISSING));
}
