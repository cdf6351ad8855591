//! `garrison-agent drill`: every drill against this host's kernel with no server, as the kernel matrix runs it.

use crate::config::{Config, Respond};
use crate::outlet::Outlet;
use crate::service::Service;
use base::{Clock, Result};
use record::{Alert, Event, Receipt, ReceiptState, Sample};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Longest wait for an alert after a drill ended, and for the answering action.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a running drill is looked at.
const LOOK: Duration = Duration::from_millis(20);

enum News {
    Alert(Box<Alert>),
    Receipt(Box<Receipt>),
}

/// Sends what matters for a drill to the table, and drops the rest.
struct ToTable(Sender<News>);

impl Outlet for ToTable {
    fn events(&self, events: &mut Vec<Event>) {
        events.clear();
    }

    fn alert(&self, mut alert: Alert) -> Result<Alert> {
        alert.id = format!("self-test-{}-{}", alert.rule, alert.time_us);
        // The table ends only with the program.
        let _ = self.0.send(News::Alert(Box::new(alert.clone())));
        Ok(alert)
    }

    fn receipt(&self, receipt: Receipt) -> Result<()> {
        let _ = self.0.send(News::Receipt(Box::new(receipt)));
        Ok(())
    }

    fn sample(&self, _: Sample) {}

    fn keep(&self) {}
}

/// One line of the table.
struct Row {
    drill: &'static drill::Drill,
    detected_us: Option<i64>,
    answered_us: Option<u64>,
    reverted: bool,
}

impl Row {
    /// Whether the alert or the answer is still to come.
    fn wants(&self) -> bool {
        self.detected_us.is_none() || (!self.drill.answer.is_empty() && self.answered_us.is_none())
    }
}

/// Runs every drill, prints the table, and says whether all were detected, answered and reverted.
pub fn run(config: Config, folder: &Path, clock: Arc<dyn Clock>, as_json: bool) -> Result<bool> {
    let (sender, news) = channel();
    let mut config = Config { respond: Respond::Drills, ..config };
    // Files that a drill writes or runs are scanned; the rest of the host is no part of a rehearsal.
    config.scan.roots.clear();
    let service = Service::start(&config, Arc::new(ToTable(sender)), clock, Default::default())?;
    let root = rustix::process::geteuid().is_root();
    let mut rows = Vec::new();
    for drill in drill::all().iter().filter(|drill| root || !drill.root) {
        rows.push(rehearse(drill, folder, &news)?);
    }
    service.stop();
    print(&rows, as_json);
    Ok(rows.iter().all(|row| !row.wants() && row.reverted))
}

fn rehearse(drill: &'static drill::Drill, folder: &Path, news: &Receiver<News>) -> Result<Row> {
    let rehearsal = drill::Rehearsal::start(drill, folder)?;
    let mut row = Row { drill, detected_us: None, answered_us: None, reverted: false };
    let (mut ended, mut deadline) = (false, Instant::now() + drill::TIME_LIMIT);
    // Its folder stays until the alert is there: by it a rehearsal is known.
    while row.wants() && Instant::now() < deadline {
        if !ended && rehearsal.ended() {
            (ended, deadline) = (true, Instant::now() + PATIENCE);
        }
        match news.recv_timeout(LOOK) {
            Ok(News::Alert(alert)) if alert.drill == drill.name && alert.rule == drill.rule => {
                row.detected_us.get_or_insert(alert.decided_us - alert.time_us);
            }
            Ok(News::Receipt(receipt)) if of_drill(&receipt, drill) => {
                row.answered_us.get_or_insert(receipt.took_us);
            }
            _ => {}
        }
    }
    row.reverted = rehearsal.finish().reverted;
    Ok(row)
}

fn of_drill(receipt: &Receipt, drill: &drill::Drill) -> bool {
    let order = receipt.local_order.as_ref();
    receipt.state() == ReceiptState::Verified && order.is_some_and(|order| order.by.contains(&drill.rule))
}

fn print(rows: &[Row], as_json: bool) {
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({"drill": row.drill.name, "technique": row.drill.technique, "detected_us": row.detected_us,
                    "answer": row.drill.answer, "answered_us": row.answered_us, "reverted": row.reverted})
            })
            .collect();
        println!("{}", serde_json::Value::Array(rows));
        return;
    }
    println!("{:<12} {:<18} {:>14} {:<10} {:>12} reverted", "technique", "drill", "detected", "answer", "read back");
    let millis = |micros: Option<f64>| micros.map_or("no".to_string(), |micros| format!("{:.1} ms", micros / 1000.0));
    for row in rows {
        let answered =
            if row.drill.answer.is_empty() { String::new() } else { millis(row.answered_us.map(|us| us as f64)) };
        println!(
            "{:<12} {:<18} {:>14} {:<10} {:>12} {}",
            row.drill.technique,
            row.drill.name,
            millis(row.detected_us.map(|us| us as f64)),
            row.drill.answer,
            answered,
            if row.reverted { "yes" } else { "NO" }
        );
    }
    let detected = rows.iter().filter(|row| row.detected_us.is_some()).count();
    println!("{detected}/{} detected", rows.len());
}
