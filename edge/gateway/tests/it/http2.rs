//! HTTP/2 in, HTTP/1.1 and HTTP/2 out.

use crate::{origin, rig};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

pub async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, driver) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    sender
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(format!("http://shop.example{path}"));
    let kind = if path == "/grpc" { "application/grpc" } else { "text/plain" };
    request.header("cookie", "a=1").header("cookie", "b=2").header("content-type", kind).body(body.into()).unwrap()
}

pub async fn text(answer: Response<hyper::body::Incoming>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn streams_go_to_an_http1_origin() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut sender = connect(rig.address()).await;
    let answer = sender.send_request(request("GET", "/x", "")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("connection").is_none());
    let told = text(answer).await;
    assert!(told.contains("GET /x HTTP/1.1\n") && told.contains("\nhost: shop.example\n"), "{told}");
    assert!(told.contains("\ncookie: a=1; b=2\n"), "{told}");
    let exchange = rig.exchange().await;
    assert!(exchange.h2.is_some(), "the fingerprint of the connection is known");
    let many = (0..50).map(|_| {
        let mut sender = sender.clone();
        async move { text(sender.send_request(request("POST", "/echo", "body")).await.unwrap()).await }
    });
    assert!(futures::future::join_all(many).await.iter().all(|text| text == "body"));
    assert_eq!(rig.gateway.status().connections, 1);
}

#[tokio::test]
async fn grpc_keeps_its_trailers_to_an_http2_origin() {
    let origin = origin::http2("a").await;
    let rig = rig::plain(&[origin.address], &[("pool", "protocol: http2")]).await;
    let mut sender = connect(rig.address()).await;
    for _ in 0..20 {
        let answer = sender.send_request(request("POST", "/grpc", "\0\0\0\0\x04body")).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(body.to_bytes(), "\0\0\0\0\x04body");
    }
    let told = text(sender.send_request(request("GET", "/x", "")).await.unwrap()).await;
    assert!(told.contains("GET http://shop.example/x HTTP/2.0\n"), "{told}");
    assert!(origin.connections.load(Ordering::SeqCst) <= 2, "one connection a worker");
}

#[tokio::test]
async fn a_refused_grpc_call_gets_a_status_of_its_own() {
    let rig = rig::plain(&["127.0.0.1:1".parse().unwrap()], &[]).await;
    let mut sender = connect(rig.address()).await;
    let answer = sender.send_request(request("POST", "/grpc", "")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["grpc-status"].as_bytes()), (200, &b"14"[..]));
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_do_not_wear_us_out() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut sender = connect(rig.address()).await;
    for _ in 0..200 {
        let mut one = sender.clone();
        if one.ready().await.is_err() {
            break;
        }
        let mut answer = Box::pin(one.send_request(request("GET", "/silent", "")));
        let _ = futures::poll!(answer.as_mut());
    }
    rig::until("nothing is left at work", || rig.gateway.status().sites[0].in_flight == 0).await;
    let mut again = connect(rig.address()).await;
    assert_eq!(again.send_request(request("GET", "/size/1", "")).await.unwrap().status(), 200);
    let _ = sender.ready().await;
}
