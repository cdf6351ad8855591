//! Rules that say yes to everything: what they do is shown by the server's own tests.

use api::Rules;
use api::rules::{
    RuleChangeRequest, RuleChanged, RuleException, RuleFull, RuleProposal, RuleProposalRequest, RuleRollout, RuleRow,
    RuleTest, RuleTestRequest, RuleVersion,
};
use async_trait::async_trait;
use base::Result;
use serde_json::{Value, json};

/// Answers every call with something.
pub struct Agreeable;

#[async_trait]
impl Rules for Agreeable {
    async fn list(&self) -> Result<Vec<RuleRow>> {
        let row = |id: &str, state: &str| RuleRow { id: id.into(), state: state.into(), ..RuleRow::default() };
        Ok(vec![row("a", "on"), row("b", "off")])
    }
    async fn show(&self, _id: &str) -> Result<RuleFull> {
        Ok(RuleFull::default())
    }
    async fn check(&self, _asked: &RuleChangeRequest) -> Result<Value> {
        Ok(json!({}))
    }
    async fn change(&self, _asked: RuleChangeRequest, _who: &str) -> Result<RuleChanged> {
        Ok(RuleChanged::default())
    }
    async fn versions(&self) -> Result<Vec<RuleVersion>> {
        Ok(Vec::new())
    }
    async fn rollout(&self) -> Result<RuleRollout> {
        Ok(RuleRollout::default())
    }
    async fn exceptions(&self) -> Result<Vec<RuleException>> {
        Ok(Vec::new())
    }
    async fn propose(&self, _asked: RuleProposalRequest) -> Result<RuleProposal> {
        Ok(RuleProposal::default())
    }
    async fn test(&self, asked: RuleTestRequest) -> Result<RuleTest> {
        Ok(RuleTest { since_us: asked.since_s as i64, ..RuleTest::default() })
    }
    async fn tested(&self, _id: &str) -> Result<RuleTest> {
        Ok(RuleTest::default())
    }
    async fn cancel(&self, _id: &str) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn rules_are_listed_by_state_and_a_change_needs_a_reason() {
    let house = crate::house::House::new();
    let token = house.master().await;
    let listed = house.get(&token, "/api/v1/rules?state=off").await;
    assert_eq!(listed.json["items"].as_array().map(|items| items.len()), Some(1));
    assert_eq!(listed.json["items"][0]["id"], "b");
    let change = json!({"change": {"kind": "off", "id": "a"}, "reason": " "});
    assert_eq!(house.post(&token, "/api/v1/rules/changes", change).await.code(), "api.invalid");
    let unknown = json!({"change": {"kind": "of", "id": "a"}, "reason": "x"});
    assert_eq!(house.post(&token, "/api/v1/rules/changes", unknown).await.code(), "api.invalid");
    let tested = house.post(&token, "/api/v1/rules/tests", json!({"since_s": 0})).await;
    assert_eq!((tested.status.as_u16(), tested.json["since_us"].as_i64()), (202, Some(1)));
}
