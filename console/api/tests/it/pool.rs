//! A pool that says yes to everything: what it does is shown by the desk's own tests.

use api::addresses::{Part, PoolAddress, PoolAllocated, PoolAllocation, PoolChange, PoolHolder, PoolSummary};
use async_trait::async_trait;
use base::{Fault, Result};
use serde_json::json;

/// Answers every call with something.
pub struct Agreeable;

#[async_trait]
impl api::Addresses for Agreeable {
    async fn summary(&self) -> Result<PoolSummary> {
        Ok(PoolSummary { changes: 3, ..PoolSummary::default() })
    }
    async fn address(&self, address: &str) -> Result<PoolAddress> {
        Ok(PoolAddress { address: address.into(), state: "free".into(), holder: None })
    }
    async fn holders(&self, place: &str, limit: usize) -> Result<Part<PoolHolder>> {
        let next = place.is_empty().then(|| "acme".to_string());
        Ok((vec![PoolHolder { name: format!("{limit} after {place}"), ..PoolHolder::default() }], next))
    }
    async fn ranges(&self, holder: Option<&str>, _place: &str, _limit: usize) -> Result<Part<String>> {
        Ok((vec![holder.unwrap_or("free").into()], None))
    }
    async fn check(&self, change: &PoolChange) -> Result<()> {
        match change.deed.as_str() {
            "impossible" => Err(Fault::new(&api::fault::INVALID).object("do")),
            _ => Ok(()),
        }
    }
    async fn change(&self, _change: &PoolChange, _who: &str) -> Result<()> {
        Ok(())
    }
    async fn allocate(&self, _wish: &PoolAllocation, _who: &str) -> Result<PoolAllocated> {
        Ok(PoolAllocated { ranges: vec!["192.0.2.1".into()] })
    }
}

#[tokio::test]
async fn the_pool_is_read_in_pages_and_changed_for_a_reason() {
    use crate::house::House;
    let house = House::new();
    let token = house.master().await;
    let first = house.get(&token, "/api/v1/pool/holders?limit=5").await;
    assert_eq!(first.json["items"][0]["name"], "5 after ");
    let next = format!("/api/v1/pool/holders?cursor={}", first.json["next"].as_str().unwrap());
    assert_eq!(house.get(&token, &next).await.json["items"][0]["name"], "100 after acme");
    assert_eq!(house.get(&token, "/api/v1/pool/ranges?holder=acme").await.json["items"], json!(["acme"]));
    assert_eq!(house.get(&token, "/api/v1/pool/addresses/2001:db8::1").await.json["address"], "2001:db8::1");
    let path = "/api/v1/pool/changes";
    let moved = json!({"do": "move", "range": "192.0.2.1", "from": "acme", "to": "beta"});
    assert_eq!(house.post(&token, path, moved.clone()).await.code(), "api.invalid", "without a reason");
    let mut good = moved;
    good["reason"] = json!("a new contract");
    assert_eq!(house.post(&token, path, good.clone()).await.status.as_u16(), 204);
    let sealed = house.control.seals.lock().unwrap().len();
    good["do"] = json!("impossible");
    assert_eq!(house.post(&token, path, good).await.code(), "api.invalid");
    assert_eq!(house.control.seals.lock().unwrap().len(), sealed, "what cannot be done is not sealed");
}
