//! What an event costs on the disk.

use crate::scene::{Scene, frame};
use kit::synthetic::Stream;

/// Bytes an event, rows and images together, as flushed and as compacted.
#[tokio::test]
async fn an_event_takes_few_bytes() {
    let mut scene = Scene::new();
    scene.config.flush_rows = 131_072;
    let lake = scene.open().await.unwrap();
    let (events, frame_events) = (200_000u64, 2_000u64);
    let mut stream = Stream::new(1);
    for number in 0..events / frame_events {
        let events = (0..frame_events).map(|_| stream.next_event()).collect();
        let mut arrived = frame(number * frame_events + 1, events);
        arrived.samples.clear();
        arrived.count -= 1;
        lake.append(arrived).unwrap();
        lake.tick().await.unwrap();
    }
    lake.flush().await.unwrap();
    let flushed = lake.status();
    lake.compact().await.unwrap();
    let compacted = lake.status();
    let per_event = |bytes: u64| bytes as f64 / events as f64;
    println!("bytes an event: {:.1} as flushed, {:.1} compacted", per_event(flushed.bytes), per_event(compacted.bytes));
    for (table, rows, bytes) in &flushed.tables {
        println!("  {table}: {rows} rows, {:.1} bytes a row", *bytes as f64 / (*rows).max(1) as f64);
    }
    assert!(per_event(flushed.bytes) < 60.0 && per_event(compacted.bytes) < 60.0);
}
