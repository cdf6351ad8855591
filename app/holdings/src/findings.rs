//! Vulnerabilities of hosts in the state tables, the worst first.

use crate::assets::{ASSETS, Held, each, host, put};
use crate::catalogue::Catalogue;
use base::{Micros, Result};
use port::{Tables, Write};
use posture::ecosystem::{Installed, target};
use posture::matching::{Findings, check};
use posture::{Finding, Severity, System};
use record::ocsf::Vulnerable;
use std::collections::BTreeMap;

/// Findings: key `{agent}/{rank}/{package}/{version}/{name}`, value JSON [`Stored`].
pub const FINDINGS: &str = "vuln-findings";
/// How hosts were matched last: key agent, value JSON [`Matched`].
pub const MATCHED: &str = "vuln-matched";
/// Most of one host.
const MOST: usize = 20_000;

/// A finding as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    /// Agent.
    pub agent: String,
    /// Name of its host.
    pub host: String,
    /// When it was found first, µs.
    pub first_us: Micros,
    /// What.
    #[serde(flatten)]
    pub finding: Finding,
}

/// With what a host was matched last.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Matched {
    /// Its packages, by the time of their last change, µs.
    pub packages_us: Micros,
    /// The advisories: [`Catalogue::stamp`].
    pub advisories: String,
}

/// The exploited before the others, the bad before the less bad.
fn rank(finding: &Finding) -> u8 {
    let severity = match finding.severity {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
        Severity::Unknown => 4,
    };
    if finding.exploited { severity } else { 5 + severity }
}

fn key(agent: &str, finding: &Finding) -> String {
    format!("{agent}/{}/{}/{}/{}", rank(finding), finding.package, finding.version, finding.name)
}

/// Matches a host anew. Answers what is new, as OCSF Vulnerability Findings (2002).
pub async fn renew(
    tables: &dyn Tables,
    catalogue: &Catalogue,
    agent: &str,
    now: Micros,
) -> Result<Vec<serde_json::Value>> {
    let row = host(tables, agent).await?;
    let found = matched(tables, catalogue, agent).await?;
    let mut before: BTreeMap<(String, String, String), (String, Stored)> = BTreeMap::new();
    all(tables, &format!("{agent}/"), |key, stored| {
        let one = &stored.finding;
        before.insert((one.package.clone(), one.version.clone(), one.name.clone()), (key.to_owned(), stored));
        true
    })
    .await?;
    let (mut writes, mut fresh) = (Vec::new(), Vec::new());
    for finding in found.into_iter().take(MOST) {
        let old = before.remove(&(finding.package.clone(), finding.version.clone(), finding.name.clone()));
        let first_us = old.as_ref().map_or(now, |(_, stored)| stored.first_us);
        let stored = Stored { agent: agent.into(), host: row.host.clone(), first_us, finding };
        let place = key(agent, &stored.finding);
        match old {
            Some((_, old)) if old == stored => continue,
            Some((old, _)) if old != place => writes.push(Write::Delete { table: FINDINGS, key: old }),
            Some(_) => {}
            None => fresh.push(ocsf(&stored)),
        }
        writes.push(put(FINDINGS, place, &stored));
    }
    writes.extend(before.into_values().map(|(key, _)| Write::Delete { table: FINDINGS, key }));
    let matched = Matched { packages_us: row.packages_us, advisories: catalogue.stamp() };
    writes.push(put(MATCHED, agent.to_owned(), &matched));
    tables.commit(writes).await?;
    Ok(fresh)
}

/// What is asked of the catalogue: ecosystem, names, version.
type Asked = (String, Vec<String>, String);

async fn matched(tables: &dyn Tables, catalogue: &Catalogue, agent: &str) -> Result<Vec<Finding>> {
    let os = tables.get(ASSETS, &format!("{agent}/host/os")).await?;
    let os: Option<Held> = os.and_then(|item| serde_json::from_slice(&item.value).ok());
    let system = os.map(|os| System {
        id: os.details.get("id").cloned().unwrap_or_default(),
        version: os.version,
        codename: os.details.get("codename").cloned().unwrap_or_default(),
    });
    let system = system.unwrap_or_default();
    // Packages of one source and version ask the same.
    let mut targets: BTreeMap<Asked, (posture::Target, Vec<String>)> = BTreeMap::new();
    each(tables, &format!("{agent}/package/"), |_, held| {
        let detail = |name: &str| held.details.get(name).map_or("", String::as_str);
        let installed = Installed {
            manager: detail("manager"),
            name: &held.name,
            version: &held.version,
            source: detail("source"),
            source_version: detail("source_version"),
            system: detail("system") == "true",
        };
        if let Some(target) = target(&system, &installed) {
            let place = (target.ecosystem.clone(), target.names.clone(), target.version.clone());
            targets.entry(place).or_insert_with(|| (target, Vec::new())).1.push(held.key);
        }
        true
    })
    .await?;
    let mut findings = Findings::default();
    for (target, assets) in targets.values() {
        for (name, row) in catalogue.about(tables, target).await? {
            let Some(hit) = check(target, &row) else { continue };
            let exploited = catalogue.exploited(&row.cves);
            for asset in assets {
                findings.add(target, &name, asset, &row, hit.clone(), exploited);
            }
        }
    }
    Ok(findings.finish())
}

fn ocsf(stored: &Stored) -> serde_json::Value {
    let finding = &stored.finding;
    record::ocsf::vulnerability(&Vulnerable {
        agent: &stored.agent,
        host: &stored.host,
        time_us: stored.first_us,
        name: &finding.name,
        cves: &finding.cves,
        severity: match finding.severity {
            Severity::Unknown => record::Severity::Unknown,
            Severity::Low => record::Severity::Low,
            Severity::Medium => record::Severity::Medium,
            Severity::High => record::Severity::High,
            Severity::Critical => record::Severity::Critical,
        },
        score: finding.score,
        vector: &finding.vector,
        summary: &finding.summary,
        package: &finding.package,
        version: &finding.version,
        fixed: finding.fixed.as_deref(),
        exploited: finding.exploited,
    })
}

/// Goes over findings whose key begins so, until told to stop. One that does not read is passed over.
pub async fn all(tables: &dyn Tables, prefix: &str, mut one: impl FnMut(&str, Stored) -> bool + Send) -> Result<()> {
    let mut after = String::new();
    loop {
        let rows = tables.scan(FINDINGS, prefix, &after, crate::book::SCAN).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.key.clone();
        for item in &rows {
            if let Ok(stored) = serde_json::from_slice(&item.value)
                && !one(&item.key, stored)
            {
                return Ok(());
            }
        }
    }
}
