//! Answers of origins that are not as they should be, or that only look so.

use crate::client::{connect, get, once};
use crate::{origin, rig};

#[tokio::test]
async fn answers_without_a_length_end_with_their_connection() {
    let origin = origin::raw("HTTP/1.0 200 OK\nX-Old: 1\n\nall of it").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let answer = get(rig.address(), "/").await;
    assert_eq!((answer.status, answer.header("x-old"), answer.text().as_str()), (200, Some("1"), "all of it"));
}

#[tokio::test]
async fn chunks_win_over_a_length_which_is_not_passed_on() {
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let origin = origin::raw(both).await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let answer = get(rig.address(), "/").await;
    assert_eq!((answer.header("content-length"), answer.text().as_str()), (None, "hello"));
}

#[tokio::test]
async fn what_is_no_answer_is_502() {
    for text in [
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1",
        "SSH-2.0-x\r\n\r\n",
    ] {
        let origin = origin::raw(text).await;
        let rig = rig::plain(&[origin.address], &[("pool", "retries: 0")]).await;
        assert_eq!(get(rig.address(), "/").await.status, 502, "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_short_for_the_client_too() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
    ] {
        let origin = origin::raw(text).await;
        let mut rig = rig::plain(&[origin.address], &[]).await;
        let mut client = connect(rig.address()).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let all = String::from_utf8(client.rest().await).unwrap();
        // How much of it was sent before is a matter of time; that it ended is said by nothing but the end.
        let body = all.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        assert!(body.len() < 14 && !body.contains("\r\n0\r\n"), "{all}");
        assert_eq!(rig.exchange().await.reason, "origin-broken");
    }
}

#[tokio::test]
async fn trailers_of_an_http1_origin_lose_what_belongs_in_heads() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                5\r\nhello\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\n\r\n";
    let origin = origin::raw(text).await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let mut client = connect(rig.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, te\r\n\r\n").await;
    let all = String::from_utf8(client.rest().await).unwrap().to_ascii_lowercase();
    assert!(all.ends_with("0\r\nx-sum: 9\r\n\r\n"), "{all}");
}

#[tokio::test]
async fn an_early_answer_to_a_long_body_is_passed_on() {
    let origin = origin::raw("HTTP/1.1 413 Too Long\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlong").await;
    let rig = rig::plain(&[origin.address], &[]).await;
    let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(1000));
    let answer = once(rig.address(), &request).await;
    assert_eq!((answer.status, answer.text().as_str()), (413, "long"));
}
