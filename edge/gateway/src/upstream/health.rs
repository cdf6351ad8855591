//! Health checks: each address of a pool is asked in turn, and thresholds keep one odd answer from counting.

use super::{Origin, Upstream};
use crate::config::Health;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{HOST, USER_AGENT};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use tokio::time::MissedTickBehavior;

/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 * 1024;

/// Checks the addresses of a pool until the task is dropped.
pub(super) async fn watch(upstream: Arc<Upstream>, health: Health) {
    let mut ticks = tokio::time::interval(health.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let checks = upstream.origins.iter().map(|origin| check(&upstream, origin, &health));
        futures::future::join_all(checks).await;
    }
}

async fn check(upstream: &Upstream, origin: &Origin, health: &Health) {
    let good = tokio::time::timeout(health.answer, ask(upstream, origin, health)).await.unwrap_or(false);
    if origin.checked(good, health.fall, health.rise) {
        if good {
            tracing::info!(pool = %upstream.name, origin = %origin.name, "healthy again");
        } else {
            tracing::warn!(pool = %upstream.name, origin = %origin.name, "unhealthy: taken out of the pool");
        }
    }
}

/// One request on a connection of its own; whether the answer was good.
async fn ask(upstream: &Upstream, origin: &Origin, health: &Health) -> bool {
    let request = Request::get(&health.path).header(HOST, &health.host).header(USER_AGENT, "garrison-gateway-health");
    let (Ok(request), Ok(stream)) = (request.body(Empty::<Bytes>::new()), origin.dial().await) else { return false };
    let io = TokioIo::new(stream);
    let answer = if upstream.http2 {
        let Ok((mut sender, driver)) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await else {
            return false;
        };
        let driver = tokio::spawn(driver);
        let answer = sender.send_request(request).await;
        driver.abort();
        answer
    } else {
        let Ok((mut sender, driver)) = super::wire::builder().handshake(io).await else { return false };
        let mut answer = std::pin::pin!(sender.send_request(request));
        let mut driver = std::pin::pin!(driver);
        tokio::select! {
            biased;
            answer = answer.as_mut() => answer,
            _ = driver.as_mut() => answer.await,
        }
    };
    let Ok(answer) = answer else { return false };
    let status = answer.status();
    drop(Limited::new(answer.into_body(), ANSWER_BYTES).boxed());
    status.is_success() || status.is_redirection()
}
