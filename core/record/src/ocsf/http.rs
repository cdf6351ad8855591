//! HTTP Activity (4002) of the gateway, with the profile `security_control`.

use super::class::OTHER;
use super::draft::Draft;
use super::parts::{self, put};
use crate::{HttpActivity, HttpDecision};
use serde_json::{Map, Value, json};

/// `activity_id` of a request's method (RFC 9110).
pub(super) fn method(word: &str) -> u32 {
    const METHODS: &[&str] = &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"];
    METHODS.iter().position(|known| *known == word).map_or(OTHER, |place| place as u32 + 1)
}

/// `action_id`, its caption, `disposition_id` and its caption.
const fn control(decision: HttpDecision) -> (u32, &'static str, u32, &'static str) {
    match decision {
        HttpDecision::Unjudged | HttpDecision::FailedOpen => (1, "Allowed", 16, "No Action"),
        HttpDecision::Allowed => (1, "Allowed", 1, "Allowed"),
        HttpDecision::Observed => (3, "Observed", 15, "Detected"),
        HttpDecision::Blocked => (2, "Denied", 2, "Blocked"),
        HttpDecision::Challenged => (2, "Denied", 23, "Challenge"),
        HttpDecision::Limited | HttpDecision::Malformed => (2, "Denied", 25, "Rejected"),
        HttpDecision::FailedClosed => (2, "Denied", 27, "Error"),
    }
}

/// A request through the gateway.
pub(super) fn exchange(draft: &mut Draft, http: &HttpActivity) {
    draft.profile("host");
    draft.set("http_request", request(http));
    if http.status > 0 {
        let latency = http.duration_us / 1000;
        draft.set("http_response", json!({"code": http.status, "length": http.response_bytes, "latency": latency}));
    }
    let client = parts::endpoint(&http.client_ip, http.client_port, "");
    draft.set("src_endpoint", client.unwrap_or_else(|| json!({"svc_name": "unknown"})));
    let server = parts::endpoint(&http.server_ip, http.server_port, &http.host);
    draft.set("dst_endpoint", server.unwrap_or_else(|| json!({"svc_name": "garrison-gateway"})));
    if !http.tls.is_empty() {
        draft.set("tls", tls(http));
    }
    fingerprints(draft, http);
    let (action, action_caption, disposition, caption) = control(http.decision());
    draft.profile("security_control");
    draft.set("action_id", action);
    draft.set("action", action_caption);
    draft.set("disposition_id", disposition);
    draft.set("disposition", caption);
    if let Some(first) = http.rules.first() {
        draft.set("firewall_rule", json!({"uid": first.to_string(), "type": "waf"}));
    }
    rest(draft, http);
}

fn request(http: &HttpActivity) -> Value {
    let mut url = Map::new();
    put(&mut url, "scheme", &http.scheme);
    put(&mut url, "hostname", &http.host);
    put(&mut url, "path", if http.path.is_empty() { "/" } else { &http.path });
    put(&mut url, "query_string", &http.query);
    let mut request = Map::new();
    if method(&http.method) != OTHER {
        request.insert("http_method".into(), http.method.as_str().into());
    }
    put(&mut request, "version", &http.version);
    put(&mut request, "user_agent", &http.user_agent);
    put(&mut request, "referrer", &http.referrer);
    request.insert("length".into(), http.request_bytes.into());
    request.insert("url".into(), Value::Object(url));
    Value::Object(request)
}

fn tls(http: &HttpActivity) -> Value {
    let mut tls = Map::new();
    put(&mut tls, "version", &http.tls);
    put(&mut tls, "sni", &http.sni);
    if !http.ja3.is_empty() {
        let hash = json!({"algorithm_id": 1, "algorithm": "MD5", "value": http.ja3});
        tls.insert("ja3_hash".into(), hash);
    }
    Value::Object(tls)
}

/// JA4 has a list of its own in the schema.
fn fingerprints(draft: &mut Draft, http: &HttpActivity) {
    if !http.ja4.is_empty() {
        draft.set("ja4_fingerprint_list", json!([{"type_id": 1, "type": "JA4", "value": http.ja4}]));
    }
    draft.other("header_order", http.order.as_str());
}

fn rest(draft: &mut Draft, http: &HttpActivity) {
    draft.text("message", &http.reason);
    draft.other("site", http.site.as_str());
    draft.other("method", if method(&http.method) == OTHER { http.method.as_str() } else { "" });
    draft.other("upstream", http.upstream.as_str());
    draft.other("content_type", http.content_type.as_str());
    draft.other("h2_fingerprint", http.h2.as_str());
    draft.other("decision", http.decision().word());
    draft.other("reference", http.reference.as_str());
    for (name, value) in [("score", http.score), ("model_score", http.model), ("level", http.level)] {
        if value > 0 {
            draft.other(name, value);
        }
    }
    if !http.rules.is_empty() {
        draft.other("rules", http.rules.clone());
    }
}
