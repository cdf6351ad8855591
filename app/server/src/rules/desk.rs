//! Rules as the API asks for them.

use super::Rules;
use super::show::form;
use super::store;
use api::rules::{
    RuleChange, RuleChangeRequest, RuleChanged, RuleException, RuleFull, RuleProposal, RuleProposalRequest,
    RuleRollout, RuleRow, RuleTest, RuleTestRequest, RuleVersion,
};
use async_trait::async_trait;
use base::Result;
use serde_json::{Value, json};
use std::sync::Arc;

/// The desk.
pub struct RulesDesk(pub Arc<Rules>);

#[async_trait]
impl api::Rules for RulesDesk {
    async fn list(&self) -> Result<Vec<RuleRow>> {
        Ok(self.0.rows())
    }

    async fn show(&self, id: &str) -> Result<RuleFull> {
        self.0.whole(id)
    }

    async fn check(&self, asked: &RuleChangeRequest) -> Result<Value> {
        let (facts, _) = store::facts(&*self.0.base.tables).await?;
        let planned = self.0.plan(asked, "", &facts).await?;
        let audience = planned.to.as_ref().map(|to| self.0.audience(to)).transpose()?;
        drop(audience);
        let mut details = json!({"change": planned.what, "ids": planned.ids, "reason": asked.reason, "to": planned.to});
        match &asked.change {
            // Which texts: the versions of their rules are in every alert.
            RuleChange::Enable { .. } => {
                let versions = super::change::every(&planned.compiled).filter(|rule| planned.ids.contains(&rule.id));
                let versions: Vec<&str> = versions.map(|rule| rule.version.as_str()).collect();
                details["versions"] = json!(versions);
            }
            RuleChange::Except { exception } => details["exception"] = json!(exception),
            _ => {}
        }
        if let Some(stored) = &planned.stored {
            details["set"] = json!(stored.version);
        }
        Ok(details)
    }

    async fn change(&self, asked: RuleChangeRequest, who: &str) -> Result<RuleChanged> {
        self.0.make(&asked, who).await
    }

    async fn versions(&self) -> Result<Vec<RuleVersion>> {
        let (facts, _) = store::facts(&*self.0.base.tables).await?;
        let versions = store::versions(&*self.0.base.tables).await?;
        let state = |version: u64| match &facts.trial {
            _ if version == facts.live => "live",
            Some((trial, _)) if *trial == version => "trial",
            _ => "",
        };
        let version = |stored: store::Stored| RuleVersion {
            version: stored.version,
            state: state(stored.version).into(),
            time_us: stored.time_us,
            who: stored.who,
            what: stored.what,
            ids: stored.ids,
            reason: stored.reason,
            rules: stored.set.rules.len(),
            off: stored.set.off.len(),
            exceptions: stored.set.exceptions.len(),
        };
        Ok(versions.into_iter().map(version).collect())
    }

    async fn rollout(&self) -> Result<RuleRollout> {
        Ok(self.0.standing())
    }

    async fn exceptions(&self) -> Result<Vec<RuleException>> {
        Ok(self.0.present().set.exceptions.iter().map(form).collect())
    }

    async fn propose(&self, asked: RuleProposalRequest) -> Result<RuleProposal> {
        self.0.proposal(&asked).await
    }

    async fn test(&self, asked: RuleTestRequest) -> Result<RuleTest> {
        self.0.begin(asked).await
    }

    async fn tested(&self, id: &str) -> Result<RuleTest> {
        self.0.test_of(id)
    }

    async fn cancel(&self, id: &str) -> Result<()> {
        self.0.end_test(id)
    }
}
