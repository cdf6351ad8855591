//! Threat intelligence that says yes to everything: what it does is shown by the server's own tests.

use api::Intelligence;
use api::intelligence::{TaxiiAnswer, TaxiiRequest};
use async_trait::async_trait;
use base::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Answers every call with something.
pub struct Agreeable;

#[async_trait]
impl Intelligence for Agreeable {
    async fn status(&self) -> Result<Value> {
        Ok(json!({"indicators": 1}))
    }
    async fn lookup(&self, value: &str) -> Result<Value> {
        Ok(json!({ "value": value }))
    }
    async fn add(&self, indicator: Value) -> Result<Value> {
        Ok(indicator)
    }
    async fn withdraw(&self, value: &str) -> Result<Value> {
        Ok(json!({ "value": value }))
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
    async fn export(&self, _format: &str, _profile: Value) -> Result<(&'static str, Bytes)> {
        Ok(("text/plain", Bytes::from_static(b"192.0.2.1\n")))
    }
    async fn hunt(&self, value: &str, days: u64) -> Result<Value> {
        Ok(json!({"value": value, "days": days}))
    }
    async fn attribute(&self, incident: &str) -> Result<Value> {
        Ok(json!({ "incident": incident }))
    }
    async fn feeds(&self) -> Result<Value> {
        Ok(json!({"items": []}))
    }
    async fn put_feed(&self, _feed: Value) -> Result<()> {
        Ok(())
    }
    async fn drop_feed(&self, _id: &str) -> Result<()> {
        Ok(())
    }
    async fn run_feed(&self, id: &str) -> Result<Value> {
        Ok(json!({ "id": id }))
    }
    async fn shares(&self) -> Result<Value> {
        Ok(json!({"items": []}))
    }
    async fn put_share(&self, _share: Value) -> Result<()> {
        Ok(())
    }
    async fn drop_share(&self, _id: &str) -> Result<()> {
        Ok(())
    }
    async fn taxii(&self, account: &str, all: bool, request: TaxiiRequest) -> Result<TaxiiAnswer> {
        let body = json!({"account": account, "all": all, "path": request.path}).to_string().into_bytes();
        let headers = vec![("Content-Type", "application/taxii+json;version=2.1".to_owned())];
        Ok(TaxiiAnswer { status: 200, headers, body })
    }
}
