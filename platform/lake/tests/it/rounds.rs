//! Records come back whole: from memory, from files, from compacted files; as OCSF too.

use crate::arbitrary;
use crate::scene::{AGENT, NOW_US, Scene, alert_frame, frame};
use lake::Lake;
use port::Query;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use record::{Event, EventId, Lane};

fn any_events(count: usize) -> Vec<Event> {
    let mut runner = TestRunner::deterministic();
    let mut events = arbitrary::events(count..count + 1).new_tree(&mut runner).unwrap().current();
    // Ended days, so that compaction takes them all into few files.
    events.iter_mut().for_each(|event| event.time_us = NOW_US - 200_000_000_000 + event.time_us % 1_000_000_000);
    events
}

async fn all(lake: &Lake) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for (id, host, event) in lake.restore("", 100_000).await.unwrap() {
        assert_eq!((id.agent, id.boot, id.lane, id.seq), (AGENT, 1, Lane::Telemetry, event.seq));
        assert_eq!(*host, kit::synthetic::host());
        events.push(event);
    }
    assert!(events.is_sorted_by(|a, b| a.time_us >= b.time_us), "newest first");
    events.sort_by_key(|event| event.seq);
    events
}

#[tokio::test]
async fn events_of_every_kind_come_back_from_memory_files_and_compacted_files() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let sent = any_events(600);
    let mut expected = Vec::new();
    for (index, part) in sent.chunks(100).enumerate() {
        let frame = frame(index as u64 * 101 + 1, part.to_vec());
        expected.extend(frame.events.clone());
        lake.append(frame).unwrap();
        if index != 5 {
            lake.flush().await.unwrap();
        }
    }
    assert_eq!(all(&lake).await, expected, "from files and memory");
    lake.flush().await.unwrap();
    assert_eq!(all(&lake).await, expected, "from files");
    let compacted = lake.compact().await.unwrap();
    assert!(compacted.from > compacted.to && compacted.to >= 5, "{compacted:?}");
    assert_eq!(all(&lake).await, expected, "from compacted files");
    drop(lake);
    assert_eq!(all(&scene.open().await.unwrap()).await, expected, "after a start");
}

#[tokio::test]
async fn ocsf_is_rebuilt_as_the_record_gives_it() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let arrived = frame(1, any_events(40));
    let ids = |seq| EventId { agent: AGENT, boot: 1, lane: Lane::Telemetry, seq };
    let direct = arrived.events.iter().map(|event| record::ocsf::event(&arrived.host, &ids(event.seq), event));
    let mut direct: Vec<String> = direct.map(|value| value.to_string()).collect();
    lake.append(arrived.clone()).unwrap();
    let memory = "SELECT count(DISTINCT ocsf) FROM ocsf WHERE ocsf LIKE '%\"class_uid\":%'";
    assert_eq!(crate::scene::count(&lake, memory).await, 40, "from memory");
    lake.flush().await.unwrap();
    let rebuilt = lake.events("seq <= 40", 1000).await.unwrap();
    let mut rebuilt: Vec<String> = rebuilt.iter().map(ToString::to_string).collect();
    direct.sort();
    rebuilt.sort();
    assert_eq!(rebuilt, direct);
    let mut asked: Vec<String> = Vec::new();
    for row in crate::scene::sql(&lake, "SELECT ocsf FROM ocsf WHERE seq <= 40").await {
        asked.push(row[0].as_str().unwrap().to_string());
    }
    asked.sort();
    assert_eq!(asked, direct, "in SQL, too");
    let exec = lake.events("kind = 'file'", 3).await.unwrap();
    assert!(exec.len() <= 3 && exec.iter().all(|value| value["class_uid"] == 1001));
    assert!(lake.events("true) OR (1=1", 3).await.unwrap_err().is(&port::fault::BAD_QUERY));
    assert!(lake.events("no_such_column = 1", 3).await.unwrap_err().is(&port::fault::BAD_QUERY));
}

#[tokio::test]
async fn alerts_come_back_whole() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let arrived = alert_frame(1, 5, 10);
    lake.append(arrived.clone()).unwrap();
    lake.flush().await.unwrap();
    let mut alerts = lake.findings("severity = 'high' AND severity_id >= 4", 100).await.unwrap();
    alerts.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(alerts, arrived.alerts);
    assert_eq!(lake.findings("", 2).await.unwrap().len(), 2);
}
