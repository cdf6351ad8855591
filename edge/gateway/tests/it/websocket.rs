//! WebSockets pass through, bytes of any kind, until one end is done.

use crate::client::{connect, once};
use crate::{origin, rig};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ASK: &str =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";

#[tokio::test]
async fn both_ends_are_joined() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("timeouts", "head: 100ms, idle: 100ms")]).await;
    let mut client = connect(rig.address()).await;
    client.send(ASK).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("websocket")));
    assert_eq!(answer.header("sec-websocket-accept"), Some("x"));
    // Frames are no HTTP: the guard no longer looks, and time for heads does not run.
    for piece in ["\0\n\r\n", "GET / HTTP/1.1\n\n", "last"] {
        tokio::time::sleep(std::time::Duration::from_millis(120)).await;
        client.send(piece).await;
        client.until(piece.as_bytes()).await;
    }
    drop(client);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.status, exchange.reason), (101, ""));
    assert_eq!((exchange.request_bytes, exchange.response_bytes), (24, 24));
    assert_eq!(rig.gateway.status().sites[0].in_flight, 0);
}

#[tokio::test]
async fn a_stream_of_http2_becomes_one_too() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let stream = tokio::net::TcpStream::connect(rig.address()).await.unwrap();
    let (mut sender, driver) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    let ask = |path: &str| {
        let request = Request::connect(format!("http://a{path}")).header("sec-websocket-version", "13");
        let request = request.extension(Protocol::from_static("websocket"));
        request.body(Empty::<Bytes>::new()).unwrap()
    };
    // The peer's leave to ask comes with its settings, which come with the first answer at the latest.
    let first = Request::get("http://a/size/1").body(Empty::new()).unwrap();
    assert_eq!(sender.send_request(first).await.unwrap().status(), 200);
    let mut answer = sender.send_request(ask("/ws")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("sec-websocket-accept")), (200, None));
    let mut stream = TokioIo::new(hyper::upgrade::on(&mut answer).await.unwrap());
    let mut piece = [0; 5];
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut piece).await.unwrap();
    assert_eq!(&piece, b"hello");
    stream.shutdown().await.unwrap();
    drop(stream);
    rig.exchange().await;
    let exchange = rig.exchange().await;
    assert_eq!((exchange.method.as_str(), exchange.request_bytes, exchange.response_bytes), ("GET", 5, 5));
    assert_eq!(sender.send_request(ask("/status/403")).await.unwrap().status(), 403);
    let other = Request::connect("http://a/").extension(Protocol::from_static("connect-udp")).body(Empty::new());
    assert_eq!(sender.send_request(other.unwrap()).await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_refusal_and_a_forbidden_websocket_are_plain_answers() {
    let origin = origin::http1("a").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    assert_eq!(once(rig.address(), &ASK.replace("/ws", "/status/403")).await.status, 403);
    let rig = rig::plain(&[origin.address], &[("site", "request: {websocket: false}")]).await;
    assert_eq!(once(rig.address(), ASK).await.status, 426);
}

#[tokio::test]
async fn silent_ends_are_parted_and_a_stop_does_not_wait_for_them() {
    let origin = origin::http1("a").await;
    let mut rig = rig::plain(&[origin.address], &[("site", "timeouts: {silence: 100ms}")]).await;
    let mut client = connect(rig.address()).await;
    client.send(ASK).await;
    assert_eq!(client.answer().await.status, 101);
    assert!(client.closed().await);
    assert_eq!(rig.exchange().await.reason, "tunnel-silent");
    let mut rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send(ASK).await;
    assert_eq!(client.answer().await.status, 101);
    rig.gateway.stop().await;
    assert!(client.closed().await);
    assert_eq!(rig.exchanges.recv().await.unwrap().reason, "gateway-stops");
}
