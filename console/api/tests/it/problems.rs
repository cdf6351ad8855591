//! Every fault as problem details, in both languages; malformed requests; failing ports.

use crate::house::{House, request};
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

#[tokio::test]
async fn every_fault_is_a_problem_in_both_languages() {
    let house = House::new();
    let token = house.master().await;
    for code in api::fault::ALL.iter().chain(port::fault::ALL) {
        *house.control.status_fault.lock().unwrap() = Some(code);
        for (language, title, hint) in [("en", code.title, code.hint), ("zh-CN", code.title_zh, code.hint_zh)] {
            let mut asked = request("GET", "/api/v1/status", &token, None);
            asked.headers_mut().insert("accept-language", language.parse().unwrap());
            let answer = house.send(asked).await;
            assert_eq!(answer.status.as_u16(), code.class.row().http, "{}", code.id);
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(answer.headers["content-language"], language);
            let json = &answer.json;
            assert_eq!((json["title"].as_str(), json["hint"].as_str()), (Some(title), Some(hint)));
            assert_eq!((json["code"].as_str(), json["object"].as_str()), (Some(code.id), Some("thing")));
            assert_eq!(json["type"], format!("urn:garrison:fault:{}", code.id));
            assert_eq!(json["status"], answer.status.as_u16());
            assert_eq!(json["instance"], "/api/v1/status");
            assert!(!json.to_string().contains("secret"), "the cause leaked");
            assert_eq!(answer.headers.contains_key("retry-after"), json["retry"] == true);
        }
    }
}

#[test]
fn codes_are_unique_and_complete() {
    let mut ids: Vec<&str> = api::fault::ALL.iter().map(|code| code.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for code in api::fault::ALL {
        assert!([code.title, code.title_zh, code.hint, code.hint_zh].iter().all(|text| !text.is_empty()));
    }
}

#[tokio::test]
async fn malformed_requests_are_problems() {
    let house = House::new();
    let token = house.master().await;
    let orders = "/api/v1/orders";
    let raw = |kind: &str, body: Body| {
        let builder = Request::builder().method("POST").uri(orders).header("content-type", kind);
        builder.header("authorization", format!("Bearer {token}")).body(body).unwrap()
    };
    let cases = [
        (raw("application/json", Body::from("{")), 400, "api.invalid"),
        (raw("application/json", Body::from("[".repeat(100_000))), 400, "api.invalid"),
        (raw("application/json", Body::from(vec![0xff, 0xfe])), 400, "api.invalid"),
        (raw("application/json", Body::from("{\"unknown\":1}")), 400, "api.invalid"),
        (raw("text/plain", Body::from("{}")), 400, "api.invalid"),
        (raw("application/json", Body::from(vec![b' '; base::limits::API_BODY_BYTES + 1])), 413, "api.too-large"),
        (request("GET", "/api/v1/nothing", &token, None), 404, "api.no-route"),
        (request("GET", "/nothing", &token, None), 404, "api.no-route"),
        (request("PUT", orders, &token, None), 405, "api.no-method"),
        (request("GET", "/api/v1/orders?limit=0", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/orders?limit=1001", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/orders?limit=x", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/orders?cursor=%21", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/orders?unknown=1", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/ledger?cursor=eA", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/alerts/none", &token, None), 404, "api.missing"),
        (request("GET", "/api/v1/alerts/%FF", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/alerts?severity=bad", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/incidents?status=bad", &token, None), 400, "api.invalid"),
        (request("GET", "/api/v1/incidents/none", &token, None), 404, "api.missing"),
        (request("GET", "/api/v1/stream?kinds=all", &token, None), 400, "api.invalid"),
    ];
    for (request, status, code) in cases {
        let name = format!("{} {}", request.method(), request.uri());
        let answer = house.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{name}: {}", answer.json);
    }
    let sql = house.post(&token, "/api/v1/events/query", json!({"sql": "SELECT 1", "limit": 10_001})).await;
    assert_eq!(sql.code(), "api.invalid");
}

#[tokio::test]
async fn a_stored_document_that_does_not_parse_is_corrupt_not_a_panic() {
    let house = House::new();
    let token = house.master().await;
    let write = port::Write::Put { table: api::tables::INCIDENTS, key: "bad".into(), value: "{".into() };
    port::Tables::commit(&*house.tables, vec![write]).await.unwrap();
    let answer = house.get(&token, "/api/v1/incidents/bad").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (500, "api.corrupt"));
}

#[tokio::test]
async fn every_failing_call_of_storage_is_a_problem_and_the_next_try_works() {
    for (method, path, body) in [
        ("GET", "/api/v1/healthz", None),
        ("GET", "/api/v1/incidents/INC-0123456789abcdef0123456789abcdef-1-a-7", None),
        ("POST", "/api/v1/incidents/INC-0123456789abcdef0123456789abcdef-1-a-7/close", Some(json!({"reason": "x"}))),
        ("POST", "/api/v1/users", Some(json!({"name": "carol", "roles": ["viewer"]}))),
        ("POST", "/api/v1/tokens", Some(json!({"name": "m", "scopes": ["read"], "life_s": 9}))),
        ("GET", "/api/v1/alerts", None),
        ("GET", "/api/v1/orders", None),
    ] {
        let house = House::new();
        house.furnish().await;
        let token = house.master().await;
        for n in 1..100 {
            house.tables.trip.fail_at(n);
            let answer = house.send(request(method, path, &token, body.clone())).await;
            if answer.status.is_success() {
                assert!(house.tables.trip.calls() < n, "{path}");
                break;
            }
            assert_eq!((answer.status.as_u16(), answer.code()), (503, "port.failed"), "{path} call {n}");
            assert!(n < 90, "{path} never succeeds");
        }
    }
}
