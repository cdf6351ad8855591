//! Every route × role × scope, and that every change is sealed.

use crate::house::{AGENT, ALERT, House, INCIDENT, ORDER, request};
use api::access::{self, Door, ENDPOINTS, Endpoint, Role, Scope};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn path_of(endpoint: &Endpoint) -> String {
    let id = match endpoint.path {
        path if path.contains("/alerts/") => ALERT,
        path if path.contains("/incidents/") => INCIDENT,
        path if path.contains("/orders/") => ORDER,
        path if path.contains("/agents/") => AGENT,
        path if path.contains("/web/") => "8000000",
        _ => "none",
    };
    let path = endpoint.path.replace("{id}", id).replace("{name}", "none").replace("{*rest}", "garrison/");
    let path = path.replace("{format}", "plain").replace("{source}", "none").replace("{site}", "shop");
    let asks = endpoint.method == "DELETE" && path.ends_with("/indicators") || path.ends_with("/intel/hunt");
    if asks { path + "?value=192.0.2.1" } else { path }
}

#[test]
fn every_route_stands_in_the_table_and_the_other_way_round() {
    let document = serde_json::to_value(api::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let table: BTreeSet<_> = ENDPOINTS.iter().map(|row| (row.method.to_string(), row.path.to_string())).collect();
    assert_eq!(routes, table);
    assert_eq!(table.len(), ENDPOINTS.len(), "a route stands twice");
}

#[tokio::test]
async fn every_route_opens_to_its_roles_and_to_no_other() {
    for role in Role::ALL {
        let house = House::new();
        house.furnish().await;
        let token = house.token(&[*role], Scope::ALL).await;
        for endpoint in ENDPOINTS {
            let path = path_of(endpoint);
            let wanted = access::allows(endpoint.door, &[*role], Some(Scope::ALL));
            let response = tower::ServiceExt::oneshot(
                house.router.clone(),
                request(endpoint.method, &path, &token, Some(json!({}))),
            );
            let status = response.await.unwrap().status().as_u16();
            let name = format!("{} {path} as {}", endpoint.method, role.word());
            assert_eq!(status != 403, wanted, "{name}: {status}");
            assert!(status != 401 || endpoint.door == Door::Open && endpoint.path.ends_with("login"), "{name}");
            assert!(status < 500, "{name}: {status}");
        }
    }
}

#[tokio::test]
async fn every_route_wants_a_credential_and_a_token_its_scope() {
    let house = House::new();
    for endpoint in ENDPOINTS {
        let path = path_of(endpoint);
        if endpoint.door == Door::Open {
            continue;
        }
        let answer = house.send(request(endpoint.method, &path, "", Some(json!({})))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "api.not-logged-in"), "{path}");
        for wrong in ["grt_", "grt_0000000000000000_AAAA", "Basic YTpi", "grt_0000000000000000"] {
            let answer = house.send(request(endpoint.method, &path, wrong, Some(json!({})))).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "api.bad-credential"), "{path}");
        }
        if let Door::Roles(_, scope) = endpoint.door {
            let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
            let token = house.token(Role::ALL, &others).await;
            let answer = house.send(request(endpoint.method, &path, &token, Some(json!({})))).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "api.denied"), "{path}");
        }
    }
}

/// A request that succeeds, for each route that seals by a token.
fn good_request(endpoint: &Endpoint) -> Value {
    match endpoint.path {
        "/api/v1/orders" => json!({
            "host": "web-1", "action": "isolate", "mode": "apply", "lease_s": 60, "reason": "test",
        }),
        "/api/v1/tokens" => json!({"name": "machine", "scopes": ["read"], "life_s": 60}),
        "/api/v1/users" => json!({"name": "carol", "roles": ["viewer"]}),
        "/api/v1/users/{name}/roles" => json!({"roles": ["viewer", "audit-admin"]}),
        "/api/v1/rules/changes" => json!({"change": {"kind": "rollback"}, "reason": "test"}),
        "/api/v1/web/exclusions" => json!({"alert": ALERT, "reason": "test"}),
        "/api/v1/web/tuning/{site}" => json!({"yaml": "", "reason": "test"}),
        "/api/v1/enrolments" => json!({"group": "web", "uses": 2, "ttl_s": 60}),
        _ => json!({"reason": "test"}),
    }
}

#[tokio::test]
async fn every_change_is_sealed_before_its_effect() {
    for endpoint in ENDPOINTS.iter().filter(|row| matches!(row.door, Door::Roles(..)) && !row.seals.is_empty()) {
        let house = House::new();
        house.furnish().await;
        let token = house.master().await;
        house.account("bob", &[Role::Viewer]).await;
        let own = token.split('_').nth(1).unwrap();
        let path = endpoint.path.replace("{name}", "bob");
        let path = if path.contains("/tokens/") { path.replace("{id}", own) } else { path };
        let path = path_of(&Endpoint { path: Box::leak(path.into_boxed_str()), ..*endpoint });
        let send = || house.send(request(endpoint.method, &path, &token, Some(good_request(endpoint))));

        // The ledger refuses: nothing may happen. `status` counts as a call where the order looks up its host.
        let looked_up = ["/api/v1/orders", "/api/v1/agents/{id}/deny"].contains(&endpoint.path);
        let calls = if looked_up { 2 } else { 1 };
        house.control.trip.fail_at(calls);
        let answer = send().await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.json);
        assert!(house.sealed().is_empty() && house.control.given.lock().unwrap().is_empty(), "{path}");

        let answer = send().await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.json);
        assert_eq!(house.sealed(), [endpoint.seals], "{path}");
        let draft = house.control.seals.lock().unwrap()[0].clone();
        assert!(draft.who.starts_with("user:") && draft.details["token"] == own, "{draft:?}");
    }
}

#[tokio::test]
async fn a_token_dies_with_its_time_its_revocation_and_its_owner() {
    let house = House::new();
    let token = house.token(&[Role::Viewer], &[Scope::Read, Scope::Admin]).await;
    assert_eq!(house.get(&token, "/api/v1/status").await.status, 200);
    let id = token.split('_').nth(1).unwrap();
    let answer = house.send(request("DELETE", &format!("/api/v1/tokens/{id}"), &token, None)).await;
    assert_eq!(answer.status, 204);
    assert_eq!(house.get(&token, "/api/v1/status").await.code(), "api.bad-credential");

    let token = house.token(&[Role::Viewer], &[Scope::Read]).await;
    house.clock.advance(3600 * 1_000_000);
    assert_eq!(house.get(&token, "/api/v1/status").await.code(), "api.bad-credential");

    let (master, token) = (house.master().await, house.token(&[Role::Viewer], &[Scope::Read]).await);
    let users = house.get(&master, "/api/v1/users").await;
    let owner = users.json["items"].as_array().unwrap().iter().rfind(|user| user["roles"] == json!(["viewer"]));
    for user in users.json["items"].as_array().unwrap().iter().filter(|user| user["roles"] == json!(["viewer"])) {
        let path = format!("/api/v1/users/{}", user["name"].as_str().unwrap());
        assert_eq!(house.send(request("DELETE", &path, &master, None)).await.status, 204);
    }
    assert!(owner.is_some());
    assert_eq!(house.get(&token, "/api/v1/status").await.code(), "api.bad-credential");
}

#[tokio::test]
async fn a_token_cannot_make_a_stronger_one_and_sees_only_its_own() {
    let house = House::new();
    let token = house.token(&[Role::SecurityAdmin], &[Scope::Admin]).await;
    let wish = json!({"name": "more", "scopes": ["act"], "life_s": 60});
    assert_eq!(house.post(&token, "/api/v1/tokens", wish).await.code(), "api.denied");
    let other = house.token(&[Role::SecurityAdmin], &[Scope::Admin]).await;
    let seen = house.get(&token, "/api/v1/tokens").await;
    assert_eq!(seen.json["items"].as_array().unwrap().len(), 1);
    assert!(seen.json["items"][0].get("hash").is_none());
    let path = format!("/api/v1/tokens/{}", other.split('_').nth(1).unwrap());
    assert_eq!(house.send(request("DELETE", &path, &token, None)).await.code(), "api.missing");
}
