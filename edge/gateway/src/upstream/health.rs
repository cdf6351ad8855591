//! Health checks: each address of a pool is asked in turn, and thresholds keep one odd answer from counting.

use super::link::Link;
use super::upload::Upload;
use super::wire::Wire;
use super::{Origin, Upstream};
use crate::config::Health;
use crate::proxy::{RequestBody, head};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use tokio::time::MissedTickBehavior;

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
    let (Ok(request), Ok(link)) = (request.body(Empty::<Bytes>::new()), origin.dial().await) else { return false };
    let status = if upstream.http2 { http2(link, request).await } else { http1(link, request).await };
    status.is_some_and(|status| status.is_success() || status.is_redirection())
}

async fn http2(link: Link, request: Request<Empty<Bytes>>) -> Option<StatusCode> {
    let io = TokioIo::new(link);
    let (mut sender, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.ok()?;
    let driver = tokio::spawn(driver);
    let answer = sender.send_request(request).await;
    driver.abort();
    Some(answer.ok()?.status())
}

async fn http1(link: Link, request: Request<Empty<Bytes>>) -> Option<StatusCode> {
    let (method, mut head) = (request.method(), head::first_line(request.method(), request.uri()));
    for (name, value) in request.headers() {
        head::line(&mut head, name, value.as_bytes());
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    let (mut upload, mut wire) = (Upload::new(head, RequestBody::empty(), false, method), Wire::new(link));
    let answer = std::future::poll_fn(|cx| wire.poll_head(&mut upload, &mut |_, _| (), cx)).await;
    Some(answer.ok()?.status())
}
