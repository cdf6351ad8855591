//! Regular work: flush, compaction, retention, and letting go of the log behind the lake.

use base::Clock;
use bus::Wal;
use lake::Lake;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the lake is asked whether it is due.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between compactions and retention.
const ROUND: u64 = 60;

/// Runs until told to stop, then flushes once more.
pub async fn run(lake: Arc<Lake>, wal: Wal, _clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    let mut round = 0;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        round += 1;
        if let Err(fault) = lake.tick().await {
            tracing::error!(fault = %fault.inside(), "the lake could not flush; what is acknowledged stays in the log");
        }
        for fault in lake.notices() {
            tracing::warn!(fault = %fault.inside(), "the lake reports");
        }
        if round % ROUND == 0 {
            tidy(&lake, &wal).await;
        }
    }
    if let Err(fault) = lake.flush().await {
        tracing::error!(fault = %fault.inside(), "the last flush failed; the log is replayed at the next start");
    }
}

async fn tidy(lake: &Lake, wal: &Wal) {
    if let Err(fault) = lake.compact().await {
        tracing::error!(fault = %fault.inside(), "compaction failed; nothing is lost");
    }
    match lake.retain().await {
        Ok(retired) => {
            for gone in retired {
                tracing::info!(?gone, "old telemetry was dropped");
            }
        }
        Err(fault) => tracing::error!(fault = %fault.inside(), "retention failed"),
    }
    if let Err(fault) = wal.truncate_before(lake.committed_offset()).await {
        tracing::error!(fault = %fault.inside(), "the log could not be shortened");
    }
}
