//! First run, login, sessions, CSRF, passwords.

use crate::house::{Answer, House, request};
use api::access::Role;
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
