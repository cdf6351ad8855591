//! Reading: events, alerts, incidents, orders, ledger, live stream.

use crate::house::{AGENT, ALERT, House, INCIDENT, NOW, ORDER, alert, incident, request};
use api::tables::{self, StoredAlert};
use api::view::Live;
use http_body_util::BodyExt;
use port::Tables;
use serde_json::{Value, json};
use tower::ServiceExt;

#[tokio::test]
async fn an_incident_is_told_whole() {
    let house = House::new();
    house.furnish().await;
    let token = house.master().await;
    let answer = house.get(&token, &format!("/api/v1/incidents/{INCIDENT}")).await;
    let json = &answer.json;
    assert_eq!(json["findings"][0]["id"], ALERT);
    let tree = json["tree"].as_array().unwrap();
    assert_eq!((tree[0]["name"].as_str(), tree[1]["name"].as_str()), (Some("nginx"), Some("sh")));
    assert_eq!(tree[1]["parent"], tree[0]["id"]);
    assert_eq!((&tree[0]["alerts"], &tree[1]["alerts"]), (&json!([]), &json!([ALERT])));
    let kinds: Vec<&str> =
        json["timeline"].as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["alert", "order", "receipt"]);
    assert_eq!(json["timeline"][1]["text"], "freeze apply");
    assert_eq!(json["timeline"][2]["host"], "web-1");

    let close = format!("/api/v1/incidents/{INCIDENT}/close");
    let closed = house.post(&token, &close, json!({"reason": "handled"})).await;
    assert_eq!(closed.json["status"], "closed");
    assert_eq!(house.control.closed.lock().unwrap().as_slice(), [INCIDENT]);
    assert_eq!(house.post(&token, &close, json!({"reason": "twice"})).await.code(), "api.wrong-state");
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let house = House::new();
    let token = house.master().await;
    for n in 0..5 {
        let alert = record::Alert { id: format!("a{n}"), time_us: NOW + n, ..alert() };
        house.tables.commit(StoredAlert::new(alert, Value::Null).writes()).await.unwrap();
        let incident = record::Incident { id: format!("i{n}"), first_us: NOW + n, ..incident() };
        house.tables.commit(tables::incident_writes(&incident)).await.unwrap();
    }
    for (path, wanted) in [("alerts", ["a4", "a3", "a2", "a1", "a0"]), ("incidents", ["i4", "i3", "i2", "i1", "i0"])] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for _ in 0..9 {
            let page = house.get(&token, &format!("/api/v1/{path}?limit=2{cursor}")).await;
            let items = page.json["items"].as_array().unwrap().clone();
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_string()));
            let Some(next) = page.json["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, wanted);
    }
    let count = async |query: &str| {
        let page = house.get(&token, &format!("/api/v1/{query}")).await;
        page.json["items"].as_array().unwrap().len()
    };
    assert_eq!(count("alerts?severity=critical").await, 0);
    assert_eq!(count(&format!("alerts?host={AGENT}&severity=high&drill=without")).await, 5);
    assert_eq!(count("alerts?drill=only").await, 0);
    assert_eq!(count(&format!("alerts?since={}&until={}", NOW + 1, NOW + 3)).await, 2);
    assert_eq!(count("incidents?status=open").await, 5);
    assert_eq!(count("incidents?status=closed").await, 0);
    // An incident whose first event turns out to be earlier is still listed once.
    let earlier = record::Incident { id: "i4".into(), first_us: NOW - 9, ..incident() };
    house.tables.commit(tables::incident_writes(&earlier)).await.unwrap();
    assert_eq!(count("incidents").await, 5);
    assert_eq!(count("agents?limit=1").await, 1);
}

#[tokio::test]
async fn events_are_paged_by_time_and_filtered_in_sql() {
    let house = House::with_events(vec![990, 980, 980, 980, 980, 970]);
    let token = house.master().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..9 {
        let page = house.get(&token, &format!("/api/v1/events?kind=exec&limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.json);
        seen.extend(page.json["items"].as_array().unwrap().iter().map(|row| row["metadata"]["uid"].as_i64().unwrap()));
        let Some(next) = page.json["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
    assert!(house.query.asked.lock().unwrap()[0].contains("kind IN ('exec')"));
    let answer = house.get(&token, "/api/v1/events?kind=nonsense").await;
    assert_eq!(answer.code(), "api.invalid");

    let rows = house.post(&token, "/api/v1/events/query", json!({"sql": "SELECT 1", "limit": 5})).await;
    assert_eq!(rows.json["rows"], json!([[5]]));
    assert_eq!(house.get(&token, "/api/v1/events/tables").await.json[0]["name"], "events");
}

#[tokio::test]
async fn orders_ledger_and_the_document_can_be_read() {
    let house = House::new();
    house.furnish().await;
    let token = house.master().await;
    let orders = house.get(&token, "/api/v1/orders").await;
    assert_eq!(orders.json["items"][0]["receipts"][0]["state"], "verified");
    assert_eq!(house.get(&token, &format!("/api/v1/orders/{ORDER}")).await.json["origin"], "rule");
    for n in 0..3 {
        let body = json!({"group": format!("g{n}"), "uses": 1, "ttl_s": 60});
        let made = house.post(&token, "/api/v1/enrolments", body).await;
        assert_eq!(made.json["token"], format!("enrol-g{n}-1-60"));
    }
    let page = house.get(&token, "/api/v1/ledger?limit=2").await;
    assert_eq!(page.json["items"][1]["seq"], 2);
    let next = page.json["next"].as_str().unwrap();
    let page = house.get(&token, &format!("/api/v1/ledger?cursor={next}")).await;
    assert_eq!((&page.json["items"][0]["seq"], &page.json["next"]), (&json!(3), &Value::Null));
    assert_eq!(house.get(&token, "/api/v1/ledger/verify").await.json["intact"], true);
    assert_eq!(house.get("", "/api/v1/openapi.json").await.json["openapi"], "3.1.0");
    assert_eq!(house.get("", "/api/v1/healthz").await.json["ok"], true);
    for bad in [json!({"group": "a b"}), json!({"uses": 0}), json!({"ttl_s": 0}), json!({"uses": 10_001})] {
        assert_eq!(house.post(&token, "/api/v1/enrolments", bad).await.code(), "api.invalid");
    }
}

#[tokio::test]
async fn a_stream_sends_what_was_asked_for_and_counts_what_was_missed() {
    let house = House::new();
    let token = house.master().await;
    let response = house.router.clone().oneshot(request("GET", "/api/v1/stream?kinds=alert", &token, None));
    let response = response.await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let live = |kind: &str, n: u32| Live { kind: kind.into(), json: json!({ "n": n }) };
    house.control.sender.send(live("event", 1)).unwrap();
    house.control.sender.send(live("alert", 2)).unwrap();
    let mut text = async || {
        let frame = body.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    };
    let first = text().await;
    assert_eq!(first, "event: alert\ndata: {\"n\":2}\n\n");
    for n in 0..9 {
        house.control.sender.send(live("alert", n)).unwrap();
    }
    let gap = text().await;
    assert_eq!(gap, "event: gap\ndata: {\"missed\":5}\n\n");
}
