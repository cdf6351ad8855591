//! Tuning as the API asks for it.

use crate::store::{self, Stored};
use crate::{Web, from_alert};
use api::web::{Excluded, TunedItem, TunedSite, TunedSites};
use async_trait::async_trait;
use base::{Fault, Result};
use record::Alert;
use seclang::tuning::{Origin, Tuning};

#[async_trait]
impl api::Web for Web {
    async fn sites(&self) -> Result<TunedSites> {
        let (version, hold, refused) = self.standing().await?;
        let mut sites = Vec::new();
        for stored in store::sites(&*self.tables).await? {
            let tuning = Tuning::read(&stored.yaml, &stored.site)?;
            sites.push(shown(&stored, &tuning, false));
        }
        Ok(TunedSites { version, hold, refused, sites })
    }

    async fn site(&self, name: &str) -> Result<TunedSite> {
        let (stored, tuning) = self.read(name).await?;
        Ok(shown(&stored, &tuning, true))
    }

    async fn replace(&self, site: &str, yaml: &str, who: &str, reason: &str) -> Result<()> {
        let tuning = Tuning::read(yaml, site)?;
        let put = |present: &mut Tuning| {
            *present = tuning;
            Ok(())
        };
        self.change(site, (who, reason), put).await
    }

    async fn exclude(
        &self,
        alert: &Alert,
        only: &[u64],
        until: Option<&str>,
        who: &str,
        reason: &str,
    ) -> Result<Excluded> {
        let origin = Origin {
            by: who.into(),
            at: day(self.clock.wall()),
            why: reason.into(),
            why_zh: None,
            until: until.map(String::from),
        };
        // The site stands in the alert: a first look, on nothing.
        let (site, _) = from_alert(alert, only, &mut Tuning::default(), &origin)?;
        let add = |tuning: &mut Tuning| {
            let (_, ids) = from_alert(alert, only, tuning, &origin)?;
            Ok((ids.clone(), items(tuning).into_iter().filter(|item| ids.contains(&item.id)).collect()))
        };
        let (ids, items) = self.change(&site, (who, reason), add).await?;
        Ok(Excluded { site, ids, items })
    }

    async fn remove(&self, site: &str, id: u64, who: &str, reason: &str) -> Result<()> {
        let remove = |tuning: &mut Tuning| {
            let before = items(tuning).len();
            tuning.exclusions.retain(|item| item.id != id);
            tuning.variables.retain(|item| item.id != id);
            tuning.patches.retain(|item| item.id != id);
            let gone = items(tuning).len() < before;
            gone.then_some(()).ok_or_else(|| Fault::new(&api::fault::MISSING).object(format!("{site} {id}")))
        };
        self.change(site, (who, reason), remove).await
    }
}

fn shown(stored: &Stored, tuning: &Tuning, whole: bool) -> TunedSite {
    TunedSite {
        site: stored.site.clone(),
        time_us: stored.time_us,
        who: stored.who.clone(),
        reason: stored.reason.clone(),
        items: items(tuning),
        yaml: if whole { stored.yaml.clone() } else { String::new() },
    }
}

/// Every item of a tuning in one line each.
fn items(tuning: &Tuning) -> Vec<TunedItem> {
    let item = |id: u64, kind: &str, what: String, origin: &Origin| TunedItem {
        id,
        kind: kind.into(),
        what,
        by: origin.by.clone(),
        at: origin.at.clone(),
        why: origin.why.clone(),
        until: origin.until.clone().unwrap_or_default(),
    };
    let exclusions = tuning.exclusions.iter().map(|one| {
        let rules: Vec<String> = one.rules.iter().map(ToString::to_string).chain(one.tags.iter().cloned()).collect();
        let targets = if one.targets.is_empty() { "*".into() } else { one.targets.join(" ") };
        let path = one.scope.path.clone().unwrap_or_else(|| "*".into());
        let methods = one.scope.methods.join(",");
        item(one.id, "exclusion", format!("{} {targets} {methods} {path}", rules.join(" ")), &one.origin)
    });
    let variables = tuning.variables.iter();
    let variables = variables.map(|one| item(one.id, "variable", format!("{} = {}", one.name, one.value), &one.origin));
    let patches = tuning.patches.iter().map(|one| {
        let path = one.scope.path.clone().unwrap_or_else(|| "*".into());
        item(one.id, "patch", path, &one.origin)
    });
    exclusions.chain(variables).chain(patches).collect()
}

/// The day of a moment in UTC, `YYYY-MM-DD`.
fn day(now_us: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(now_us.div_euclid(1_000_000));
    moment.map_or_else(|_| "1970-01-01".into(), |moment| moment.date().to_string())
}
