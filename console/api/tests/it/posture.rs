//! Inventory and vulnerabilities that say yes to everything: what they do is shown by the server's own tests.

use api::posture::{AssetFilter, FindingFilter, Found};
use async_trait::async_trait;
use base::Result;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Answers every call with something.
pub struct Agreeable;

#[async_trait]
impl api::Posture for Agreeable {
    async fn hosts(&self) -> Result<Vec<Value>> {
        Ok(vec![json!({"host": "web"})])
    }
    async fn assets(&self, filter: &AssetFilter, after: &str, _limit: usize) -> Result<Found> {
        Ok((vec![json!({"kind": filter.kind, "after": after})], Some("place".into())))
    }
    async fn findings(&self, filter: &FindingFilter, after: &str, _limit: usize) -> Result<Found> {
        Ok((vec![json!({"package": filter.package, "after": after})], None))
    }
    async fn vulnerability(&self, name: &str) -> Result<Value> {
        Ok(json!({ "name": name }))
    }
    async fn sources(&self) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
    async fn forget(&self, _source: &str) -> Result<()> {
        Ok(())
    }
    async fn place(&self) -> Result<(std::fs::File, PathBuf)> {
        Ok((std::fs::File::create("/dev/null").unwrap(), "/dev/null".into()))
    }
    async fn import(&self, _order: Value, _file: PathBuf) -> Result<String> {
        Ok("1".into())
    }
    async fn job(&self, id: &str) -> Result<Value> {
        Ok(json!({ "id": id }))
    }
}

#[tokio::test]
async fn pages_of_assets_and_findings_take_their_filters() {
    use crate::house::{House, request};
    let house = House::new();
    let token = house.master().await;
    let get = |path: &'static str| house.send(request("GET", path, &token, None));
    let first = get("/api/v1/assets?kind=port").await;
    assert_eq!(first.json["items"], json!([{"kind": "port", "after": ""}]));
    let path = format!("/api/v1/assets?cursor={}", first.json["next"].as_str().unwrap());
    let second = house.send(request("GET", &path, &token, None)).await;
    assert_eq!(second.json["items"][0]["after"], "place");
    let findings = get("/api/v1/vulnerabilities?fixable=true&package=openssl").await;
    assert_eq!(findings.json["items"][0]["package"], "openssl");
    for bad in ["/api/v1/assets?limit=0", "/api/v1/assets?cursor=%21", "/api/v1/vulnerabilities?fixable=maybe"] {
        assert_eq!(get(bad).await.status.as_u16(), 400, "{bad}");
    }
}
