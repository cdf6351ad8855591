//! The store, the index, the filter and what leaves, together, on tables in memory.

use super::share::Share;
use super::store::Edit;
use super::*;
use base::ManualClock;
use intel::format::export::Profile;
use intel::format::taxii::server::Request;
use intel::{Claim, Filter, Tlp};
use port::{MemoryFetch, MemoryTables};
use std::path::Path;

struct Bench {
    folder: tempfile::TempDir,
    tables: Arc<MemoryTables>,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(1_760_000_000_000_000));
        Bench { folder: tempfile::tempdir().unwrap(), tables: Arc::default(), clock }
    }

    async fn open(&self) -> (Arc<Intel>, Shelf, tokio::sync::mpsc::Receiver<Vec<Indicator>>) {
        let shelf = Shelf::new(self.clock.clone());
        let folder = self.folder.path().join("intel");
        let (intel, fresh) = Intel::open(self.tables.clone(), self.clock.clone(), folder, shelf.clone()).await.unwrap();
        (intel, shelf, fresh)
    }
}

fn claim(value: &str, source: &str, tlp: Tlp) -> Edit {
    let claim = Claim { source: source.into(), confidence: 90, tlp, ..Claim::default() };
    Edit::Claim(Indicator::guess(value).unwrap().with(claim))
}

async fn import(intel: &Arc<Intel>, text: &str, source: &str, whole: bool) -> Job {
    use std::io::Write;
    let (mut file, path) = intel.place().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let order = Order { source: source.into(), format: "plain".into(), whole, ..Order::default() };
    intel.import_now(order, path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_index_and_filter_and_survives_a_restart() {
    let bench = Bench::new();
    let (intel, shelf, mut fresh) = bench.open().await;
    let edits = vec![claim("192.0.2.1", "a", Tlp::Clear), claim("evil.example", "a", Tlp::Amber)];
    assert_eq!(intel.edit(edits).await.unwrap(), (2, 2));
    assert_eq!(fresh.recv().await.unwrap().len(), 2, "the past is to be searched for both");
    let verdict = intel.verdict(Kind::Domain, "www.evil.example").await.unwrap().unwrap();
    assert_eq!((verdict.score, verdict.tlp), (90, Tlp::Amber));
    assert_eq!(shelf.published(Name::IntelFilter).0.version, intel.known().index.epoch());
    drop(intel);
    let (intel, shelf, _) = bench.open().await;
    assert!(intel.verdict(Kind::Ip, "192.0.2.1").await.unwrap().is_some());
    assert!(intel.verdict(Kind::Ip, "192.0.2.2").await.unwrap().is_none());
    assert_eq!(shelf.published(Name::IntelFilter).0.version, intel.known().index.epoch());
    // Without its image the index comes from the tables.
    drop(intel);
    std::fs::remove_file(bench.folder.path().join("intel/index.image")).ok();
    let (intel, _, _) = bench.open().await;
    assert!(intel.verdict(Kind::Domain, "evil.example").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_any_call_of_the_tables_keeps_index_and_tables_the_same() {
    for n in 1..12 {
        let bench = Bench::new();
        let (intel, _, _) = bench.open().await;
        bench.tables.trip.fail_at(n);
        let done = intel.edit(vec![claim("192.0.2.1", "a", Tlp::Clear)]).await;
        bench.tables.trip.fail_at(0);
        let listed = intel.verdict(Kind::Ip, "192.0.2.1").await.unwrap().is_some();
        assert!(done.is_err() || listed, "call {n}");
        drop(intel);
        let (intel, _, _) = bench.open().await;
        let stored = store::read(&*bench.tables, Kind::Ip, "192.0.2.1").await.unwrap().is_some();
        assert_eq!(intel.verdict(Kind::Ip, "192.0.2.1").await.unwrap().is_some(), stored, "call {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_counts_what_is_new_and_a_whole_one_withdraws_what_is_gone() {
    let bench = Bench::new();
    let (intel, _, _) = bench.open().await;
    let many: String = (0..20_000).map(|number| format!("host{number}.evil.example\n")).collect();
    let job = import(&intel, &many, "feed", true).await;
    assert_eq!((job.fault.as_str(), job.fresh, job.withdrawn), ("", 20_000, 0));
    let job = import(&intel, &many, "feed", true).await;
    assert_eq!((job.fresh, job.withdrawn), (0, 0));
    let fewer: String = (1..20_000).map(|number| format!("host{number}.evil.example\n")).collect();
    let job = import(&intel, &(fewer + "not a value at all\n"), "feed", true).await;
    assert_eq!((job.withdrawn, job.report["bad"].as_u64()), (1, Some(1)));
    assert!(intel.verdict(Kind::Domain, "host0.evil.example").await.unwrap().is_none());
    let filter = intel.known().index.filter(intel.now()).unwrap();
    let copy = Filter::decode(&filter.encode()).unwrap();
    assert!(copy.contains(Key::of(Kind::Domain, "host7.evil.example")));
    let leftovers = std::fs::read_dir(bench.folder.path().join("intel")).unwrap().flatten();
    assert!(leftovers.map(|entry| entry.file_name()).all(|name| !name.to_string_lossy().starts_with("import-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_counted_and_named_and_stop_nothing() {
    let bench = Bench::new();
    let (intel, _, _) = bench.open().await;
    let line = |number: usize| match number % 5 {
        4 => format!("no value {number} \u{fffd}\n"),
        _ => format!("host{number}.evil.example\n"),
    };
    let many: String = (0..200_000).map(line).collect();
    let job = import(&intel, &many, "feed", false).await;
    assert_eq!((job.fault.as_str(), job.fresh), ("", 160_000), "{:?}", job.report);
    assert_eq!((job.report["records"].as_u64(), job.report["bad"].as_u64()), (Some(200_000), Some(40_000)));
    let examples = job.report["examples"].as_array().unwrap();
    assert!(
        !examples.is_empty() && examples.len() <= 100 && examples[0].as_str().unwrap().contains("record 5"),
        "{examples:?}"
    );
    assert!(intel.verdict(Kind::Domain, "host199998.evil.example").await.unwrap().is_some());
    assert_eq!(intel.known().index.rows(), 160_000, "what was taken in parts is seen at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_within_a_long_import_leaves_index_and_tables_the_same() {
    for n in [4, 6, 9, 12] {
        let bench = Bench::new();
        let (intel, _, _) = bench.open().await;
        let many: String = (0..60_000).map(|number| format!("host{number}.evil.example\n")).collect();
        bench.tables.trip.fail_at(n);
        let job = import(&intel, &many, "feed", false).await;
        bench.tables.trip.fail_at(0);
        assert!(!job.fault.is_empty() || job.fresh == 60_000, "call {n}: {job:?}");
        let there = bench.tables.scan(store::ORDER, "", "", usize::MAX).await.unwrap().len();
        drop(intel);
        let (intel, _, _) = bench.open().await;
        assert_eq!(intel.known().index.rows(), there, "call {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_above_the_ceiling_of_its_receiver() {
    let bench = Bench::new();
    let (intel, _, _) = bench.open().await;
    let edits = vec![
        claim("192.0.2.1", "open", Tlp::Clear),
        claim("192.0.2.2", "secret", Tlp::Red),
        claim("192.0.2.1", "secret", Tlp::Red),
    ];
    intel.edit(edits).await.unwrap();
    let (_, bytes) = intel.export("plain", Profile::default()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes).lines().filter(|line| !line.starts_with('#')).count(), 1);
    let share = Share {
        id: "3b0a9e7c-6c0e-4a6e-9d57-0d9c2d1f5a10".into(),
        alias: "partner".into(),
        title: "For a partner".into(),
        readers: vec!["bob".into()],
        writers: Vec::new(),
        ceiling: Tlp::Green,
        kinds: Vec::new(),
        min_confidence: 0,
        fields: Default::default(),
    };
    intel.put_share(&share).await.unwrap();
    let get = |path: &'static str| Request {
        method: "GET",
        path,
        accept: "application/taxii+json;version=2.1",
        now_us: 1,
        ..Request::default()
    };
    let objects = get("/taxii2/garrison/collections/partner/objects/");
    let answer = intel.taxii("bob", false, &objects).await.unwrap();
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 200 && text.contains("192.0.2.1") && !text.contains("192.0.2.2"), "{text}");
    assert!(!text.contains("secret"));
    assert_eq!(intel.taxii("eve", false, &objects).await.unwrap().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_taken_once_a_version_and_its_failures_are_told() {
    let bench = Bench::new();
    let (intel, _, _) = bench.open().await;
    let fetch = MemoryFetch::default();
    let url = "https://feeds.example/list.txt";
    fetch.answer(url, 200, &[("etag", "\"1\"")], "192.0.2.7\n192.0.2.8\n");
    let feed = Feed { id: "list".into(), url: url.into(), every_s: 3600, ..Feed::default() };
    intel.put_feed(feed).await.unwrap();
    let run = async || {
        let feed = intel.feeds().await.unwrap().remove(0);
        intel.fetch(feed, &fetch).await.unwrap()
    };
    let feed = run().await;
    assert_eq!((feed.health.failures, feed.health.last["fresh"].as_u64()), (0, Some(2)), "{:?}", feed.health);
    fetch.answer(url, 304, &[], "");
    assert_eq!(run().await.health.failures, 0);
    let asked = fetch.asked().pop().unwrap();
    assert!(asked.headers.contains(&("if-none-match".into(), "\"1\"".into())), "{asked:?}");
    fetch.answer(url, 500, &[], "");
    let feed = run().await;
    assert!(feed.health.failures == 1 && !feed.health.fault.is_empty());
    assert!(intel.verdict(Kind::Ip, "192.0.2.7").await.unwrap().is_some(), "a failure takes nothing back");
}

#[tokio::test(flavor = "multi_thread")]
async fn public_corpora_are_imported_with_progress() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/intel/ipsum.txt.xz");
    if !corpus.exists() {
        eprintln!("skipped: corpus not present");
        return;
    }
    let bench = Bench::new();
    let (intel, _, _) = bench.open().await;
    let copy = bench.folder.path().join("ipsum.txt.xz");
    std::fs::copy(&corpus, &copy).unwrap();
    let job = intel.import_now(Order { source: "ipsum".into(), ..Order::default() }, copy).await.unwrap();
    assert_eq!((job.fault.as_str(), job.fresh), ("", 120_430), "{job:?}");
    assert_eq!(intel.known().index.rows(), 120_430);
}
