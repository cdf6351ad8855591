//! zentinel-modsec 0.5.0 as a peer: the rules of the first argument, requests as JSON lines on standard input in the form
//! of `oracle.py`, one answer a line: whether it stopped the request, and the microseconds that took.

use base64::Engine as _;
use serde_json::{Value, json};
use std::io::BufRead;
use std::time::Instant;
use zentinel_modsec::{ModSecurity, Result};

/// One request through phases 1 and 2, as `oracle.py` does it.
fn judge(engine: &ModSecurity, request: &Value, body: &[u8]) -> Result<bool> {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let mut transaction = engine.new_transaction();
    let version = format!("HTTP/{}", text("version"));
    transaction.process_uri(text("target"), text("method"), &version)?;
    for header in request["headers"].as_array().into_iter().flatten() {
        transaction.add_request_header(header[0].as_str().unwrap_or_default(), header[1].as_str().unwrap_or_default())?;
    }
    transaction.process_request_headers()?;
    if transaction.has_intervention() {
        return Ok(true);
    }
    if !body.is_empty() {
        transaction.append_request_body(body)?;
    }
    transaction.process_request_body()?;
    let stopped = transaction.has_intervention();
    transaction.process_logging()?;
    Ok(stopped)
}

fn main() -> Result<()> {
    let rules = std::env::args().nth(1).unwrap_or_default();
    let engine = ModSecurity::from_file(&rules)?;
    for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
        let Ok(request) = serde_json::from_str::<Value>(&line) else { continue };
        let encoded = request["body"].as_str().unwrap_or_default();
        let body = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
        let begin = Instant::now();
        let stopped = judge(&engine, &request, &body)?;
        println!("{}", json!({"stopped": stopped, "us": begin.elapsed().as_secs_f64() * 1e6}));
    }
    Ok(())
}
