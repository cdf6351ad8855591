//! Ways around the rules that a parser of ours could open: what rules cannot see must not pass, or must be seen.

use crate::client::{Answer, get, once};
use crate::http2::{connect, text};
use crate::{origin, rig};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Request;
use record::HttpDecision;
use std::io::Write;
use std::net::SocketAddr;

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimit 4294967295
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/json" "id:5,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:6,phase:2,deny,status:400"
SecRule ARGS "@rx ^(?:an )?attack$" "id:1,phase:2,deny,status:403"
SecRule REQUEST_HEADERS:Host "@streq bad.example" "id:2,phase:1,deny,status:403"
"#;

async fn rig(origin: &origin::Origin, waf: &str) -> rig::Rig {
    let site = format!("waf: {{mode: block, rules: [rules]{waf}}}");
    rig::start(rig::config(&[origin.address], &[("site", &site)]), rig::judges(RULES)).await
}

async fn post(address: SocketAddr, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    let mut client = crate::client::connect(address).await;
    client.send([head.as_bytes(), body].concat()).await;
    client.answer().await
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn arguments_beyond_the_bound_do_not_pass_unseen() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "").await;
    let hidden = format!("/?{}id=attack", "a&".repeat(1000));
    assert_eq!(get(rig.address(), &hidden).await.status, 400);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Blocked, "limits"));
    assert_eq!(get(rig.address(), &format!("/?{}id=x", "a&".repeat(900))).await.status, 200);
    let cookies = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {}id=attack\r\n\r\n", "a;".repeat(3000));
    assert_eq!(once(rig.address(), &cookies).await.status, 400);
    assert_eq!(post(rig.address(), FORM, format!("{}id=attack", "a&".repeat(2000))).await.status, 400);
}

#[tokio::test]
async fn a_form_that_is_filled_up_is_refused_and_an_upload_is_not() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "").await;
    let padded = format!("a={}&id=attack", "x".repeat(200_000));
    assert_eq!(post(rig.address(), FORM, &padded).await.status, 413);
    assert_eq!(rig.exchange().await.reason, "body-beyond-judgement");
    let upload = post(rig.address(), "Content-Type: application/octet-stream\r\n", &padded).await;
    assert_eq!((upload.status, upload.body.len()), (200, padded.len()));
    let lax = self::rig(&origin, ", beyond: pass").await;
    assert_eq!(post(lax.address(), FORM, &padded).await.status, 200);
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(200_000));
    let kind = "Content-Type: application/json\r\n";
    assert_eq!(post(lax.address(), kind, &json).await.status, 200, "what is cut is no mistake of the client");
    let early = json.replace("{", "{\"id\":\"attack\",");
    assert_eq!(post(lax.address(), kind, &early).await.status, 403);
    assert_eq!(post(lax.address(), kind, "{\"id\":\"x\"").await.status, 400);
}

#[tokio::test]
async fn fields_behind_a_large_file_are_seen() {
    let origin = origin::http1("a").await;
    let rig = rig(&origin, "").await;
    let kind = "Content-Type: multipart/form-data; boundary=BB\r\n";
    let form = |value: &str| {
        let file = "f".repeat(400_000);
        format!(
            "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n\r\n{file}\r\n\
             --BB\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{value}\r\n--BB--\r\n"
        )
    };
    assert_eq!(post(rig.address(), kind, form("attack")).await.status, 403);
    let passed = post(rig.address(), kind, form("good")).await;
    assert_eq!((passed.status, passed.body.len()), (200, form("good").len()));
    let field =
        format!("--BB\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{}\r\n--BB--\r\n", "x".repeat(200_000));
    assert_eq!(post(rig.address(), kind, field).await.status, 400, "fields are bounded together");
}

#[tokio::test]
async fn a_coded_body_is_read_or_refused() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "").await;
    let coded = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let headers = format!("{FORM}Content-Encoding: gzip\r\n");
    assert_eq!(post(rig.address(), &headers, coded("id=attack")).await.status, 403);
    let good = coded("id=good");
    assert_eq!(post(rig.address(), &headers, &good).await.body, good, "the origin gets what was sent");
    let bomb = coded(&format!("a={}", "x".repeat(10_000_000)));
    assert_eq!(post(rig.address(), &headers, bomb).await.status, 413);
    for _ in 0..3 {
        rig.exchange().await;
    }
    let other = format!("{FORM}Content-Encoding: br\r\n");
    assert_eq!(post(rig.address(), &other, "id=x").await.status, 415);
    assert_eq!(rig.exchange().await.reason, "content-encoding");
}

#[tokio::test]
async fn a_body_is_one_thing_to_everyone() {
    let origin = origin::http1("a").await;
    let rig = rig(&origin, "").await;
    let two = format!("Content-Type: text/plain\r\n{FORM}");
    assert_eq!(post(rig.address(), &two, "id=attack").await.status, 400);
    for kind in ["Content-Type: text/plain\r\n", ""] {
        assert_eq!(
            post(rig.address(), kind, "{\"id\": \"not an attack\", \"b\": [\"an attack\"]}").await.status,
            403,
            "{kind}"
        );
        assert_eq!(post(rig.address(), kind, "{\"id\": \"good\"}").await.status, 200);
    }
    // 128 harmless values in an argument no longer use up what a body may have.
    let full = format!("%5B{}%22x+y%22%5D", "%22some+text%22,".repeat(200));
    let target = format!("POST /echo?q={full} HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n[\"an attack\"]");
    assert_eq!(once(rig.address(), &target).await.status, 403);
}

#[tokio::test]
async fn rules_see_the_host_that_the_origin_gets() {
    let origin = origin::http1("a").await;
    let rig = rig(&origin, "").await;
    let mut sender = connect(rig.address()).await;
    let request = |authority: &str| {
        let request = Request::builder().uri(format!("http://{authority}/x")).header("host", "decoy.example");
        request.body(Default::default()).unwrap()
    };
    assert_eq!(sender.send_request(request("bad.example")).await.unwrap().status(), 403);
    let answer = sender.send_request(request("good.example")).await.unwrap();
    assert!(text(answer).await.contains("\nhost: good.example\n"));
}
