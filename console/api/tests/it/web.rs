//! Web sites that say yes to everything: what they do is shown by the desk's own tests.

use api::web::{Excluded, TunedSite, TunedSites};
use async_trait::async_trait;
use base::Result;
use record::Alert;
use serde_json::json;

/// Answers every call with something.
pub struct Agreeable;

#[async_trait]
impl api::Web for Agreeable {
    async fn sites(&self) -> Result<TunedSites> {
        Ok(TunedSites { version: 3, ..TunedSites::default() })
    }
    async fn site(&self, name: &str) -> Result<TunedSite> {
        Ok(TunedSite { site: name.into(), ..TunedSite::default() })
    }
    async fn replace(&self, _site: &str, _yaml: &str, _who: &str, _reason: &str) -> Result<()> {
        Ok(())
    }
    async fn exclude(
        &self,
        alert: &Alert,
        only: &[u64],
        _until: Option<&str>,
        _who: &str,
        _reason: &str,
    ) -> Result<Excluded> {
        Ok(Excluded { site: alert.id.clone(), ids: only.to_vec(), ..Excluded::default() })
    }
    async fn remove(&self, _site: &str, _id: u64, _who: &str, _reason: &str) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn exclusions_need_an_alert_and_a_reason() {
    use crate::house::{ALERT, House};
    let house = House::new();
    house.furnish().await;
    let token = house.master().await;
    let path = "/api/v1/web/exclusions";
    let without = house.post(&token, path, json!({"alert": ALERT, "reason": ""})).await;
    assert_eq!(without.code(), "api.invalid");
    let unknown = house.post(&token, path, json!({"alert": "none", "reason": "known scanner"})).await;
    assert_eq!(unknown.code(), "api.missing");
    let good =
        house.post(&token, path, json!({"alert": ALERT, "rules": [942100], "reason": "search of the shop"})).await;
    assert_eq!((good.status.as_u16(), &good.json["ids"]), (200, &json!([942100])));
    assert_eq!(house.get(&token, "/api/v1/web/tuning").await.json["version"], 3);
    assert_eq!(house.get(&token, "/api/v1/web/traffic?by=nonsense").await.code(), "api.invalid");
}
