//! First run, login, sessions, CSRF, passwords.

use crate::house::{Answer, House, request};
use api::access::{Role, Scope};
use api::account::first_run;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

struct Session {
    cookie: String,
    csrf: String,
}

fn session(answer: &Answer) -> Session {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["__Host-garrison=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let csrf = answer.json["csrf"].as_str().unwrap().to_string();
    Session { cookie: cookie.split(';').next().unwrap().into(), csrf }
}

fn with(session: &Session, method: &str, path: &str, csrf: bool, body: Value) -> Request<Body> {
    let mut request = request(method, path, "", Some(body));
    request.headers_mut().insert("cookie", format!("other=1; {}", session.cookie).parse().unwrap());
    if csrf {
        request.headers_mut().insert("x-csrf-token", session.csrf.parse().unwrap());
    }
    request
}

async fn login(house: &House, user: &str, password: &str) -> Answer {
    house.post("", "/api/v1/login", json!({"user": user, "password": password})).await
}

#[tokio::test]
async fn the_first_administrator_logs_in_and_must_change_the_password() {
    let house = House::new();
    let first = first_run(&*house.tables, &*house.random, &*house.clock).await.unwrap().unwrap();
    assert!(first_run(&*house.tables, &*house.random, &*house.clock).await.unwrap().is_none());

    let answer = login(&house, &first.user, &first.password).await;
    assert_eq!((answer.status.as_u16(), &answer.json["must_change"]), (200, &json!(true)));
    let early = session(&answer);
    let denied = house.send(with(&early, "GET", "/api/v1/status", false, json!({}))).await;
    assert_eq!(denied.code(), "api.must-change-password");
    assert_eq!(house.send(with(&early, "GET", "/api/v1/me", false, json!({}))).await.json["user"], "admin");

    let change = |old: &str, new: &str| with(&early, "POST", "/api/v1/password", true, json!({"old": old, "new": new}));
    assert_eq!(house.send(change("wrong password", "a new good password")).await.code(), "api.bad-credential");
    assert_eq!(house.send(change(&first.password, "short")).await.code(), "api.weak-password");
    assert_eq!(house.send(change(&first.password, &first.password)).await.code(), "api.weak-password");
    let answer = house.send(change(&first.password, "a new good password")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let later = session(&answer);
    assert_eq!(house.send(with(&early, "GET", "/api/v1/me", false, json!({}))).await.code(), "api.bad-credential");
    assert_eq!(house.send(with(&later, "GET", "/api/v1/status", false, json!({}))).await.status, 200);

    let user = json!({"name": "carol", "roles": ["viewer"]});
    let forged = house.send(with(&later, "POST", "/api/v1/users", false, user.clone())).await;
    assert_eq!(forged.code(), "api.forged");
    let made = house.send(with(&later, "POST", "/api/v1/users", true, user.clone())).await;
    assert_eq!(made.status, 200);
    assert_eq!(house.send(with(&later, "POST", "/api/v1/users", true, user)).await.code(), "api.exists");
    let carol = login(&house, "carol", made.json["password"].as_str().unwrap()).await;
    assert_eq!(carol.json["must_change"], true);

    let last = house.send(with(&later, "DELETE", "/api/v1/users/admin", true, json!({}))).await;
    assert_eq!(last.code(), "api.last-administrator");
    assert_eq!(house.send(with(&later, "POST", "/api/v1/logout", true, json!({}))).await.status, 204);
    assert_eq!(house.send(with(&later, "GET", "/api/v1/me", false, json!({}))).await.code(), "api.bad-credential");
    assert_eq!(house.sealed(), ["login", "password.change", "user.create", "login", "logout"]);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let house = House::new();
    let first = first_run(&*house.tables, &*house.random, &*house.clock).await.unwrap().unwrap();
    let session = session(&login(&house, &first.user, &first.password).await);
    assert_eq!(house.send(with(&session, "GET", "/api/v1/me", false, json!({}))).await.status, 200);
    house.clock.advance(api::session::LASTS_S * 1_000_000);
    assert_eq!(house.send(with(&session, "GET", "/api/v1/me", false, json!({}))).await.code(), "api.bad-credential");
}

#[tokio::test]
async fn guessing_is_stopped_and_sealed() {
    let house = House::new();
    house.account("alice", &[Role::Viewer]).await;
    for _ in 0..5 {
        assert_eq!(login(&house, "alice", "guess guess guess").await.code(), "api.bad-credential");
    }
    let stopped = login(&house, "alice", "guess guess guess").await;
    assert_eq!((stopped.status.as_u16(), stopped.code()), (429, "api.too-many-logins"));
    let wait: u64 = stopped.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=901).contains(&wait));
    // A name without an account gets the same answer as one with.
    assert_eq!(login(&house, "nobody", "guess guess guess").await.code(), "api.bad-credential");
    assert_eq!(login(&house, "No Such", "guess guess guess").await.code(), "api.bad-credential");
    assert_eq!(house.sealed().iter().filter(|what| *what == "login.failed").count(), 6);
    house.clock.advance(16 * 60 * 1_000_000);
    assert_eq!(login(&house, "alice", "guess guess guess").await.code(), "api.bad-credential");
    // Guesses from one network do not lock the account for another one.
    for _ in 0..5 {
        login(&house, "alice", "guess guess guess").await;
    }
    let from = |address: &str| {
        let mut asked = request("POST", "/api/v1/login", "", Some(json!({"user": "alice", "password": "x"})));
        asked.extensions_mut().insert(api::Remote(address.parse().unwrap()));
        asked
    };
    assert_eq!(login(&house, "alice", "guess guess guess").await.code(), "api.too-many-logins");
    assert_eq!(house.send(from("192.0.2.7")).await.code(), "api.bad-credential");
}

#[tokio::test]
async fn bad_accounts_are_refused() {
    let house = House::new();
    let token = house.master().await;
    for bad in [
        json!({"name": "Carol", "roles": ["viewer"]}),
        json!({"name": "", "roles": ["viewer"]}),
        json!({"name": "carol", "roles": []}),
        json!({"name": "carol", "roles": ["emperor"]}),
        json!({"name": "carol", "roles": ["viewer"], "password": "chosen"}),
    ] {
        assert_eq!(house.post(&token, "/api/v1/users", bad.clone()).await.code(), "api.invalid", "{bad}");
    }
    assert_eq!(house.send(request("DELETE", "/api/v1/users/none", &token, None)).await.code(), "api.missing");
}

#[tokio::test]
async fn roles_change_at_once_and_one_system_administrator_stays() {
    let house = House::new();
    house.account("root", &[Role::SystemAdmin]).await;
    house.account("alice", &[Role::Viewer]).await;
    let wish = api::token::Wish { name: "t".into(), owner: "root".into(), scopes: Scope::ALL.into(), life_s: 60 };
    let token = api::token::issue(&*house.tables, &*house.random, &*house.clock, wish).await.unwrap().1;
    let set = |name: &str, roles: Value| {
        request("PUT", &format!("/api/v1/users/{name}/roles"), &token, Some(json!({"roles": roles})))
    };
    // The account of the machine's own command line is no person.
    house.account("system:local", &[Role::SystemAdmin]).await;
    assert_eq!(house.send(set("root", json!(["viewer"]))).await.code(), "api.last-administrator");
    assert_eq!(house.send(set("none", json!(["viewer"]))).await.code(), "api.missing");
    assert_eq!(house.send(set("alice", json!([]))).await.code(), "api.invalid");
    let both = json!(["system-admin", "audit-admin"]);
    assert_eq!(house.send(set("alice", both.clone())).await.code(), "api.roles-apart");
    let made = house.post(&token, "/api/v1/users", json!({"name": "bob", "roles": both})).await;
    assert_eq!(made.code(), "api.roles-apart");
    let answer = house.send(set("alice", json!(["system-admin"]))).await;
    assert_eq!(answer.json["roles"], json!(["system-admin"]));
    assert_eq!(house.send(set("root", json!(["viewer"]))).await.status, 200);
    // The token's owner is no administrator any more, from this moment on.
    assert_eq!(house.send(set("alice", json!(["viewer"]))).await.code(), "api.denied");
    assert_eq!(house.sealed(), ["user.roles", "user.roles"]);
}

#[tokio::test]
async fn a_reset_password_opens_once_and_ends_the_sessions() {
    let house = House::new();
    let master = house.master().await;
    let made = house.post(&master, "/api/v1/users", json!({"name": "carol", "roles": ["viewer"]})).await;
    let first = made.json["password"].as_str().unwrap().to_string();
    let open = session(&login(&house, "carol", &first).await);
    let weak = house.token(&[Role::SystemAdmin], &[Scope::Admin]).await;
    let denied = house.post(&weak, "/api/v1/users/carol/password", json!({})).await;
    assert_eq!(denied.code(), "api.denied");
    let reset = house.post(&master, "/api/v1/users/carol/password", json!({})).await;
    assert_eq!((reset.status.as_u16(), &reset.json["user"]["must_change"]), (200, &json!(true)));
    assert_eq!(house.send(with(&open, "GET", "/api/v1/me", false, json!({}))).await.code(), "api.bad-credential");
    assert_eq!(login(&house, "carol", &first).await.code(), "api.bad-credential");
    let second = reset.json["password"].as_str().unwrap();
    assert_eq!(login(&house, "carol", second).await.json["must_change"], true);
}

#[tokio::test]
async fn what_is_stored_of_a_session_forges_nothing() {
    let house = House::new();
    let first = first_run(&*house.tables, &*house.random, &*house.clock).await.unwrap().unwrap();
    let open = session(&login(&house, &first.user, &first.password).await);
    let stored = port::Tables::scan(&*house.tables, api::tables::SESSIONS, "", "", 10).await.unwrap();
    let (key, value) = (&stored[0].key, String::from_utf8_lossy(&stored[0].value));
    let cookie = open.cookie.split_once('=').unwrap().1;
    for secret in [cookie, &open.csrf] {
        assert!(!key.contains(secret) && !value.contains(secret), "{value}");
    }
}
