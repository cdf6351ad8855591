//! Questions while data arrives, their limits, and hostile ones.

use crate::scene::{Scene, count, frame, sql};
use kit::synthetic::{START_US, synthetic};
use lake::fault;
use port::fault::BAD_QUERY;
use port::{Query, QueryLimits};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_during_ingest_see_whole_frames_and_never_less_than_before() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let writer = {
        let lake = lake.clone();
        tokio::spawn(async move {
            for number in 0..40u64 {
                lake.append(frame(number * 51 + 1, synthetic(50, number))).unwrap();
                if number % 4 == 3 {
                    lake.flush().await.unwrap();
                }
                if number % 10 == 9 {
                    lake.compact().await.unwrap();
                }
            }
        })
    };
    let mut seen = 0;
    loop {
        let done = writer.is_finished();
        let row =
            sql(&lake, "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM sample) AS s").await.remove(0);
        let (events, samples) = (row[0].as_u64().unwrap(), row[1].as_u64().unwrap());
        assert_eq!(events % 50, 0, "a frame is seen whole or not at all");
        assert_eq!(events / 50, samples / 2, "all tables are of one moment");
        assert!(events >= seen, "{events} after {seen}");
        seen = events;
        if done {
            break;
        }
    }
    writer.await.unwrap();
    assert_eq!(seen, 2000);
}

#[tokio::test]
async fn answers_are_json_with_rfc_3339_times() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let mut events = synthetic(3, 1);
    events.iter_mut().for_each(|event| event.time_us = START_US + 1);
    lake.append(frame(1, events)).unwrap();
    for flush in [false, true] {
        if flush {
            lake.flush().await.unwrap();
        }
        let statement = "SELECT time, seq, host, 1.5 AS f, true AS b, NULL AS n FROM events WHERE seq = 2";
        let rows = lake.sql(statement, QueryLimits::default()).await.unwrap();
        let names: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["time", "seq", "host", "f", "b", "n"]);
        assert_eq!(
            rows.rows,
            [[json!("2026-01-01T00:00:00.000001Z"), json!(2), json!("web-017"), json!(1.5), json!(true), json!(null)]]
        );
    }
    assert_eq!(count(&lake, "SELECT count(*) FROM events WHERE time >= '2026-01-01T00:00:00Z'").await, 3);
    assert_eq!(count(&lake, "SELECT count(*) FROM events WHERE time > '2026-01-01T00:00:01Z'").await, 0);
    assert_eq!(count(&lake, "SELECT count(*) FROM events WHERE time > now() + interval '1 hour'").await, 0);
    assert_eq!(sql(&lake, "SELECT * FROM dns WHERE name = 'absent'").await.len(), 0);
    assert_eq!(count(&lake, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'events'").await, 1);
    let tables = lake.tables().await.unwrap();
    let network = tables.iter().find(|(name, _)| name == "network").unwrap();
    assert!(network.1.iter().any(|column| column.name == "remote_ip" && column.kind == "Utf8View"));
}

#[tokio::test]
async fn the_same_answer_from_memory_from_files_and_with_pruning() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let questions = [
        "SELECT kind, count(*), min(time), max(seq) FROM events GROUP BY kind ORDER BY kind",
        "SELECT exe, count(*) AS n FROM process WHERE kind = 'exec' GROUP BY exe ORDER BY n DESC, exe LIMIT 5",
        "SELECT seq FROM network WHERE remote_ip LIKE '10.2.0.%' AND remote_port = 443 ORDER BY seq",
        "SELECT count(*) FROM file WHERE path LIKE '/tmp/%' AND op = 'create'",
        "SELECT seq, remote_ip, path FROM events WHERE ancestors LIKE '%nginx%' ORDER BY time DESC, seq DESC LIMIT 20",
        "SELECT count(*) FROM events WHERE time < '2026-01-01T00:00:00.05Z'",
        "SELECT d.name, count(*) FROM dns d JOIN process p ON d.process_key = p.process_key GROUP BY d.name ORDER BY 2 DESC, 1 LIMIT 3",
    ];
    for number in 0..5 {
        lake.append(frame(number * 401 + 1, synthetic(400, number))).unwrap();
    }
    let mut answers = Vec::new();
    for question in questions {
        answers.push(sql(&lake, question).await);
    }
    assert!(answers.iter().all(|answer| !answer.is_empty()), "{answers:?}");
    lake.flush().await.unwrap();
    for (question, answer) in questions.iter().zip(&answers) {
        assert_eq!(&sql(&lake, question).await, answer, "from files: {question}");
    }
}

#[tokio::test]
async fn limits_hold() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(500, 1))).unwrap();
    let rows = lake.sql("SELECT seq FROM events", QueryLimits { rows: 10, millis: 10_000 }).await.unwrap();
    assert!(rows.cut && rows.rows.len() == 10);
    let rows = lake.sql("SELECT seq FROM events LIMIT 10", QueryLimits { rows: 10, millis: 10_000 }).await.unwrap();
    assert!(!rows.cut && rows.rows.len() == 10);
    // Joins with an equality may grow without end; they are ended by time or memory, and the next query runs.
    let endless = "SELECT count(*) FROM events a JOIN events b ON a.host = b.host JOIN events c ON a.host = c.host \
         JOIN events d ON a.host = d.host WHERE a.seq + b.seq + c.seq + d.seq = 7";
    let fault = lake.sql(endless, QueryLimits { rows: 10, millis: 50 }).await.unwrap_err();
    assert!(fault.is(&fault::TOO_LONG) || fault.is(&fault::TOO_MUCH_MEMORY), "{fault:?}");
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 500);
    for unbounded in
        ["SELECT max(a.seq + b.seq) FROM events a, events b", "SELECT 1 FROM events a JOIN events b ON a.seq < b.seq"]
    {
        assert!(lake.sql(unbounded, QueryLimits::default()).await.unwrap_err().is(&BAD_QUERY), "{unbounded}");
    }
    assert_eq!(count(&lake, "SELECT count(*) FROM events WHERE seq > (SELECT max(seq) - 10 FROM events)").await, 10);
    assert_eq!(count(&lake, "SELECT count(*) FROM events, (VALUES (1), (2)) v(n)").await, 1000);
}

#[tokio::test]
async fn memory_of_queries_is_bounded() {
    let mut scene = Scene::new();
    scene.config.query_bytes = 1 << 20;
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(2000, 1))).unwrap();
    let heavy = "SELECT a.cmd_line || b.cmd_line AS x, count(*) FROM process a JOIN process b ON a.host = b.host GROUP BY x ORDER BY x";
    let fault = lake.sql(heavy, QueryLimits { rows: 10, millis: 20_000 }).await.unwrap_err();
    assert!(fault.is(&fault::TOO_MUCH_MEMORY), "{fault:?}");
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 2000, "the next one runs");
}

/// Queries that were given up hold their turns until they really end: were one of them not to, the last would find no turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_past_its_time_ends_and_its_turn_comes_free() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(4000, 1))).unwrap();
    let (join, add) = ("events b ON a.host = b.host JOIN events c ON a.host = c.host", "a.seq + b.seq + c.seq");
    for endless in [
        format!("SELECT count(*) FROM events a JOIN {join} WHERE {add} = 1"),
        format!("SELECT count(*) FROM events a LEFT JOIN {join} AND {add} = 1"),
        format!("SELECT * FROM events z WHERE z.seq NOT IN (SELECT a.seq FROM events a JOIN {join} WHERE {add} > 0)"),
        "SELECT count(*) FROM (SELECT a.host FROM events a JOIN events b ON a.host = b.host) ab WHERE ab.host IN \
         (SELECT c.host FROM events c JOIN events d ON c.host = d.host)"
            .to_string(),
        "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x".to_string(),
    ] {
        let fault = lake.sql(&endless, QueryLimits { rows: 10, millis: 30 }).await.unwrap_err();
        assert!(fault.is(&fault::TOO_LONG) || fault.is(&fault::TOO_MUCH_MEMORY), "{endless}: {fault:?}");
    }
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 4000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_queries_than_turns_wait_or_are_told_so() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(2000, 1))).unwrap();
    let long = "SELECT count(*) FROM events a JOIN events b ON a.host = b.host JOIN events c ON a.host = c.host \
         WHERE a.seq + b.seq + c.seq = 1";
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let lake = lake.clone();
            tokio::spawn(async move { lake.sql(long, QueryLimits { rows: 1, millis: 600_000 }).await })
        })
        .collect();
    let mut last = lake.sql("SELECT 1", QueryLimits { rows: 1, millis: 50 }).await;
    while last.is_ok() {
        // The four were not yet all at work.
        tokio::task::yield_now().await;
        last = lake.sql("SELECT 1", QueryLimits { rows: 1, millis: 50 }).await;
    }
    let fault = last.unwrap_err();
    assert!(fault.is(&fault::BUSY) || fault.is(&fault::TOO_LONG), "{fault:?}");
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 2000, "given up, they make room");
}

#[tokio::test]
async fn few_words_do_not_make_long_values() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(3000, 1))).unwrap();
    let doubling = |make: &str| {
        let steps: Vec<String> = (1..40).map(|n| format!("a{n} AS (SELECT {make} AS t FROM a{})", n - 1)).collect();
        format!("WITH a0 AS (SELECT cmd_line AS t FROM process), {} SELECT max(length(t)) FROM a39", steps.join(", "))
    };
    for long in [
        "SELECT repeat('x', 2000000000)".to_string(),
        "SELECT lpad('x', 2000000000)".to_string(),
        "SELECT rpad(exe, 2000000000) FROM process".to_string(),
        "SELECT range(1, 2000000000)".to_string(),
        "SELECT * FROM generate_series(1, 2000000000)".to_string(),
        "SELECT generate_series(1, 2000000000)".to_string(),
        "SELECT array_repeat(exe, 2000000000) FROM process".to_string(),
        "SELECT array_resize(make_array(1), 2000000000, 1)".to_string(),
        doubling("t || t"),
        doubling("concat(t, t)"),
        doubling("make_array(t, t)").replace("max(length(t))", "count(t)"),
        doubling("t || t").replace("cmd_line", "'0123456789012345678901234567890123456789'"),
        format!("SELECT replace(cmd_line, 'e', '{}') FROM process", "x".repeat(60_000)),
        format!("SELECT regexp_replace(cmd_line, '(.*)', '{}') FROM process", "\\1".repeat(20_000)),
    ] {
        let outcome = lake.sql(&long, QueryLimits { rows: 10, millis: 60_000 }).await;
        let shown: String = long.chars().take(60).collect();
        let known = |fault: &base::Fault| fault.is(&BAD_QUERY) || fault.is(&fault::TOO_MUCH_MEMORY);
        assert!(outcome.as_ref().is_err_and(known), "{shown}: {outcome:?}");
    }
    let fine = "SELECT exe || ':' || pid, NULL || 'x', concat(exe, ' ', cmd_line), replace(exe, '/', '|'), \
         regexp_replace(cmd_line, '[0-9]+', 'N', 'g'), 'a' || 1 FROM process WHERE kind = 'exec' LIMIT 1";
    let row = sql(&lake, fine).await.remove(0);
    assert!(row[0].as_str().is_some_and(|text| text.starts_with('/') && text.contains(':')), "{row:?}");
    assert!(row[1].is_null() && row[3].as_str().is_some_and(|text| text.starts_with('|')) && row[5] == "a1", "{row:?}");
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(4000, 1))).unwrap();
    let wide = format!("SELECT e.seq, l.t FROM events e, (VALUES ('{}')) l(t)", "x".repeat(30_000));
    let rows = lake.sql(&wide, QueryLimits { rows: 100_000, millis: 60_000 }).await.unwrap();
    assert!(rows.cut && (1000..2300).contains(&rows.rows.len()), "{} rows", rows.rows.len());
}

#[tokio::test]
async fn events_of_one_moment_have_one_order() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    for (agent, boot) in [(9, 1), (9, 2), (3, 1), (3, 5)] {
        let mut events = synthetic(6, 1);
        events.iter_mut().for_each(|event| event.time_us = START_US);
        let frame = frame(1, events);
        lake.append(lake::Arrived { agent: record::AgentId([agent; 16]), boot, ..frame }).unwrap();
        if boot == 1 {
            lake.flush().await.unwrap();
        }
    }
    let place = |one: &(record::EventId, std::sync::Arc<record::Host>, record::Event)| {
        (one.0.agent, std::cmp::Reverse(one.0.boot), std::cmp::Reverse(one.0.seq))
    };
    let all = lake.restore("", 100).await.unwrap();
    assert!(all.len() == 24 && all.is_sorted_by_key(place));
    for limit in [1, 7, 13, 20] {
        assert_eq!(lake.restore("", limit).await.unwrap(), all[..limit], "a page is the beginning of a longer one");
    }
}

#[tokio::test]
async fn programs_are_found_by_their_hash_in_memory_and_in_files() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    let mut events = synthetic(400, 3);
    let hash = vec![0xabu8; 32];
    let process =
        events.iter().find_map(|event| (event.kind() == record::Kind::Exec).then_some(event.process.clone()?));
    let key = process.unwrap().info.key;
    for event in &mut events {
        let Some(process) = event.process.as_mut().filter(|process| process.info.key == key) else { continue };
        let mut info = process.info.clone();
        info.exe.sha256 = hash.clone();
        *process = record::Proc::new(info, process.parent.clone());
    }
    lake.append(frame(1, events)).unwrap();
    let wanted = std::collections::HashSet::from([hash]);
    for _ in 0..2 {
        assert_eq!(lake.programs(wanted.clone(), 0, 10).await.unwrap(), (vec![key], false));
        let rows = lake.restore(&format!("kind = 'exec' AND process_key IN ({key})"), 10).await.unwrap();
        assert!(!rows.is_empty());
        lake.flush().await.unwrap();
    }
    assert_eq!(lake.programs(wanted.clone(), i64::MAX, 10).await.unwrap(), (vec![], false), "before that time");
    assert_eq!(lake.programs(wanted, 0, 0).await.unwrap(), (vec![], true), "no more than allowed");
}

#[tokio::test]
async fn hostile_sql_is_refused_by_name() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(10, 1))).unwrap();
    let outside = scene.folder.path().join("outside");
    let place = outside.display();
    for statement in [
        "DROP TABLE process".to_string(),
        "SELECT 1; SELECT 2".to_string(),
        "INSERT INTO process SELECT * FROM process".to_string(),
        format!("COPY (SELECT 1) TO '{place}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{place}'"),
        "SELECT * INTO stolen FROM process".to_string(),
        "SELECT * FROM '/etc/passwd'".to_string(),
        "SELECT * FROM \"lake/process/1.parquet\"".to_string(),
        "SELECT * FROM read_csv('/etc/passwd')".to_string(),
        "SET datafusion.runtime.memory_limit = '100G'".to_string(),
        "SELECT nonsense FROM events".to_string(),
        "SELECT CAST('x' AS INT) + 1".to_string(),
        format!("SELECT {}1", "NOT ".repeat(550)),
        format!("SELECT {}1{}", "(".repeat(299), ")".repeat(299)),
        "WITH RECURSIVE x AS (DELETE FROM process) SELECT 1".to_string(),
    ] {
        let outcome = lake.sql(&statement, QueryLimits { rows: 10, millis: 10_000 }).await;
        assert!(outcome.as_ref().is_err_and(|fault| fault.is(&BAD_QUERY)), "{statement}: {outcome:?}");
    }
    assert!(!outside.exists());
    // As deep as the guard lets pass: it must answer or refuse, and the process must live.
    for deep in [format!("SELECT {}1", "1+".repeat(590)), format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(190))] {
        let _ = lake.sql(&deep, QueryLimits { rows: 1000, millis: 20_000 }).await;
    }
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 10);
}
