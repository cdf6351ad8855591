//! Giving and undoing orders.

use crate::house::{AGENT, House, NOW, ORDER, order, request};
use api::tables;
use port::Tables;
use record::{OrderMode, Receipt, ReceiptState};
use serde_json::{Value, json};

fn block(reason: &str) -> Value {
    json!({
        "host": "web-1", "action": "block", "mode": "apply", "parameters": {"address": "192.0.2.7"},
        "lease_s": 600, "reason": reason,
    })
}

#[tokio::test]
async fn an_order_goes_out_once_checked_and_sealed() {
    let house = House::new();
    let token = house.master().await;
    let answer = house.post(&token, "/api/v1/orders", block("attack")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let given = house.control.given.lock().unwrap().clone();
    assert_eq!(given.len(), 1);
    assert_eq!((given[0].agent.as_str(), given[0].issued_us, given[0].lease_s), (AGENT, NOW, 600));
    assert_eq!(answer.json["id"], given[0].id.as_str());
    let seal = house.control.seals.lock().unwrap()[0].clone();
    assert_eq!(
        (seal.object.as_str(), &seal.details["parameters"]["address"]),
        (given[0].id.as_str(), &json!("192.0.2.7"))
    );
    let read = house.get(&token, &format!("/api/v1/orders/{}", given[0].id)).await;
    assert_eq!((&read.json["action"], &read.json["receipts"]), (&json!("block"), &json!([])));
    for (field, value) in [("host", json!("mail-1")), ("action", json!("reboot")), ("lease_s", json!(0))] {
        let mut bad = block("attack");
        bad[field] = value;
        let code = if field == "host" { "api.missing" } else { "api.invalid" };
        assert_eq!(house.post(&token, "/api/v1/orders", bad).await.code(), code, "{field}");
    }
    assert_eq!(house.control.given.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_key_gives_the_order_once() {
    let house = House::new();
    let token = house.master().await;
    let send = |key: &'static str, reason: &'static str| {
        let mut request = request("POST", "/api/v1/orders", &token, Some(block(reason)));
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        house.send(request)
    };
    let first = send("k1", "attack").await;
    let again = send("k1", "attack").await;
    assert_eq!(first.json, again.json);
    assert_eq!(house.control.given.lock().unwrap().len(), 1);
    assert_eq!(house.sealed().len(), 1);
    assert_eq!(*house.control.repeated.lock().unwrap(), 1, "the second call sends what still waits");
    assert_eq!(send("k1", "another").await.code(), "api.key-reused");
    assert_ne!(send("k2", "attack").await.json["id"], first.json["id"]);
    assert_eq!(send("", "attack").await.code(), "api.invalid");

    // The giving failed after the key was claimed: the same key may try again and makes the same id.
    house.control.trip.fail_at(2);
    assert_eq!(send("k3", "attack").await.status, 503);
    let retried = send("k3", "attack").await;
    assert_eq!(retried.status, 200);
    assert_eq!(house.control.given.lock().unwrap().len(), 3);
    house.clock.advance(25 * 3600 * 1_000_000);
}

#[tokio::test]
async fn a_dry_run_needs_no_reason() {
    let house = House::new();
    let token = house.master().await;
    let mut wish = block("");
    wish["mode"] = "dry-run".into();
    assert_eq!(house.post(&token, "/api/v1/orders", wish).await.json["mode"], "dry-run");
    assert_eq!(house.post(&token, "/api/v1/orders", block("")).await.code(), "api.invalid");
}

#[tokio::test]
async fn an_order_in_force_can_be_undone() {
    let house = House::new();
    house.furnish().await;
    let token = house.master().await;
    let path = format!("/api/v1/orders/{ORDER}/undo");
    assert_eq!(house.post(&token, &path, json!({"reason": ""})).await.code(), "api.invalid");
    let answer = house.post(&token, &path, json!({"reason": "false alarm"})).await;
    assert_eq!((&answer.json["mode"], &answer.json["undoes"]), (&json!("undo"), &json!(ORDER)));
    let given = house.control.given.lock().unwrap().pop().unwrap();
    assert_eq!((given.mode(), given.parameters, given.agent), (OrderMode::Undo, order().parameters, order().agent));

    let undone =
        Receipt { order: ORDER.into(), state: ReceiptState::Undone as i32, time_us: NOW + 900, ..Receipt::default() };
    house.tables.commit(tables::receipt_writes(&undone)).await.unwrap();
    assert_eq!(house.post(&token, &path, json!({"reason": "again"})).await.code(), "api.wrong-state");
    assert_eq!(house.post(&token, "/api/v1/orders/none/undo", json!({"reason": "x"})).await.code(), "api.missing");

    let killed = record::Order { id: "ord-kill".into(), action: record::ActionKind::KillTree as i32, ..order() };
    house.tables.commit(tables::order_writes(&killed)).await.unwrap();
    let answer = house.post(&token, "/api/v1/orders/ord-kill/undo", json!({"reason": "x"})).await;
    assert_eq!(answer.code(), "api.wrong-state");
}

#[tokio::test]
async fn an_agent_is_shut_out_once_sealed() {
    let house = House::new();
    let token = house.master().await;
    let path = format!("/api/v1/agents/{AGENT}/deny");
    assert_eq!(house.post(&token, &path, json!({"reason": ""})).await.code(), "api.invalid");
    assert_eq!(house.post(&token, "/api/v1/agents/none/deny", json!({"reason": "x"})).await.code(), "api.missing");
    assert!(house.sealed().is_empty());
    assert_eq!(house.post(&token, &path, json!({"reason": "stolen"})).await.status, 204);
    assert_eq!(
        (house.sealed(), house.control.denied.lock().unwrap().clone()),
        (vec!["agent.deny".to_string()], vec![AGENT.to_string()])
    );
}
