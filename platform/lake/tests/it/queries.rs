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
