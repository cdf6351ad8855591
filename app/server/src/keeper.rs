//! Regular work: flush, compaction, retention, letting go of the log behind the lake, and orders that wait.

use super::pipeline::Pipeline;
use base::Clock;
use bus::Wal;
use lake::Lake;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How often the lake is asked whether it is due when nobody tells, and waiting orders are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between compactions and retention, and between two looks into the table of open orders.
const ROUND: u64 = 60;

/// Runs until told to stop, then flushes once more. `due` tells that the lake has got something.
pub async fn run(lake: Arc<Lake>, wal: Wal, due: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    let mut round = 0;
    let mut tidying: Option<JoinHandle<()>> = None;
    loop {
        let ticked = tokio::select! {
            _ = tick.tick() => true,
            () = due.notified() => false,
            _ = stop.changed() => break,
        };
        if let Err(fault) = lake.tick().await {
            tracing::error!(fault = %fault.inside(), "the lake could not flush; what is acknowledged stays in the log");
        }
        if !ticked {
            continue;
        }
        round += 1;
        for fault in lake.notices() {
            tracing::warn!(fault = %fault.inside(), "the lake reports");
        }
        // Beside the loop: a long compaction must not hold the flush up.
        if round % ROUND == 0 && tidying.as_ref().is_none_or(JoinHandle::is_finished) {
            let (lake, wal) = (lake.clone(), wal.clone());
            tidying = Some(tokio::spawn(async move { tidy(&lake, &wal).await }));
        }
    }
    if let Err(fault) = lake.flush().await {
        tracing::error!(fault = %fault.inside(), "the last flush failed; the log is replayed at the next start");
    }
}

async fn tidy(lake: &Lake, wal: &Wal) {
    // The log first: it is the one that grows while a compaction takes its time.
    if let Err(fault) = wal.truncate_before(lake.committed_offset()).await {
        tracing::error!(fault = %fault.inside(), "the log could not be shortened");
    }
    match lake.retain().await {
        Ok(retired) => {
            for gone in retired {
                tracing::info!(?gone, "old telemetry was dropped");
            }
        }
        Err(fault) => tracing::error!(fault = %fault.inside(), "retention failed"),
    }
    if let Err(fault) = lake.compact().await {
        tracing::error!(fault = %fault.inside(), "compaction failed; nothing is lost");
    }
}

/// Sends waiting orders again and ends those whose time is over, until told to stop.
pub async fn orders(pipeline: Arc<Pipeline>, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    let mut round = 0;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        round += 1;
        if round % ROUND == 0
            && let Err(fault) = pipeline.hub.reload().await
        {
            tracing::error!(fault = %fault.inside(), "the open orders could not be read");
        }
        pipeline.hub.resend();
        if let Err(fault) = pipeline.expire(clock.wall()).await {
            tracing::error!(fault = %fault.inside(), "an order whose time is over could not be ended; it is tried again");
        }
    }
}
