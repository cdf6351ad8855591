//! Advisories in the state tables, by package; each source is replaced as a whole.
//!
//! Rows carry the source's generation in their key. An import writes a new generation beside the one in force; the commit
//! of [`SOURCES`] puts it in force, and the old one is swept. Whatever a crash leaves is of no generation in force.

use crate::assets::{put, read};
use crate::book::SCAN;
use base::{Micros, Result};
use port::{Tables, Write};
use posture::{Row, Target};
use std::collections::HashSet;

/// Advisories about a package: key `{source}:{generation}|{ecosystem}|{package}|{id}`, value JSON [`Row`].
pub const AFFECTED: &str = "vuln-affected";
/// Where a name stands: key `{source}:{generation}|{NAME}|{ecosystem}|{package}|{id}`, no value.
pub const NAMES: &str = "vuln-names";
/// Known exploited: key `{source}:{generation}|{CVE}`, no value.
pub const EXPLOITED: &str = "vuln-exploited";
/// Sources: key source, value JSON [`Source`].
pub const SOURCES: &str = "vuln-sources";
/// Generations that are being written or swept: key `{source}:{generation}`, no value.
const OPEN: &str = "vuln-open";
/// Most known exploited ones held in memory.
const EXPLOITED_MOST: usize = 200_000;

/// A source of advisories.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// Its id.
    pub source: String,
    /// Generation in force.
    pub generation: String,
    /// Word of the form.
    pub format: String,
    /// Advisories taken.
    pub taken: u64,
    /// Entries that did not read.
    pub bad: u64,
    /// When, µs.
    pub imported_us: Micros,
}

impl Source {
    fn prefix(&self) -> String {
        prefix(&self.source, &self.generation)
    }
}

/// Beginning of the keys of a generation.
pub fn prefix(source: &str, generation: &str) -> String {
    format!("{source}:{generation}|")
}

/// What is in force.
pub struct Catalogue {
    sources: Vec<Source>,
    exploited: HashSet<String>,
}

impl Catalogue {
    /// Reads which generations are in force, and the known exploited ones.
    pub async fn load(tables: &dyn Tables) -> Result<Catalogue> {
        let rows = tables.scan(SOURCES, "", "", SCAN).await?;
        let sources: Vec<Source> = rows.iter().map(|item| read("source", &item.value)).collect::<Result<_>>()?;
        let mut exploited = HashSet::new();
        for source in &sources {
            for key in keys(tables, EXPLOITED, &source.prefix(), EXPLOITED_MOST).await? {
                exploited.extend(key.split_once('|').map(|(_, cve)| cve.to_owned()));
            }
        }
        Ok(Catalogue { sources, exploited })
    }

    /// Sources in force.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// A word that is another one when any source is.
    pub fn stamp(&self) -> String {
        self.sources.iter().map(Source::prefix).collect()
    }

    /// Whether one of these is known to be exploited.
    pub fn exploited(&self, cves: &[String]) -> bool {
        cves.iter().any(|cve| self.exploited.contains(cve))
    }

    /// Advisories about a package, each with the name under which it was found.
    pub async fn about(&self, tables: &dyn Tables, target: &Target) -> Result<Vec<(String, Row)>> {
        let mut found = Vec::new();
        for source in self.sources.iter().filter(|source| source.format != "kev") {
            for name in &target.names {
                let prefix = format!("{}{}|{name}|", source.prefix(), target.ecosystem);
                let mut after = String::new();
                loop {
                    let rows = tables.scan(AFFECTED, &prefix, &after, SCAN).await?;
                    let Some(last) = rows.last() else { break };
                    after = last.key.clone();
                    found.extend(
                        rows.iter().filter_map(|item| Some((name.clone(), serde_json::from_slice(&item.value).ok()?))),
                    );
                    if rows.len() < SCAN {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    /// What stands under a CVE or an advisory's id: source, ecosystem, package, row.
    pub async fn named(&self, tables: &dyn Tables, name: &str) -> Result<Vec<(String, String, String, Row)>> {
        let mut found = Vec::new();
        for source in &self.sources {
            let prefix = format!("{}{}|", source.prefix(), name.to_uppercase());
            for key in keys(tables, NAMES, &prefix, SCAN).await? {
                let Some(rest) = key.strip_prefix(&prefix) else { continue };
                let Some(item) = tables.get(AFFECTED, &format!("{}{rest}", source.prefix())).await? else { continue };
                let mut parts = rest.split('|').map(str::to_owned);
                if let (Some(ecosystem), Some(package)) = (parts.next(), parts.next()) {
                    found.push((source.source.clone(), ecosystem, package, read("advisory", &item.value)?));
                }
            }
        }
        Ok(found)
    }
}

async fn keys(tables: &dyn Tables, table: &'static str, prefix: &str, most: usize) -> Result<Vec<String>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    while found.len() < most {
        let rows = tables.scan(table, prefix, &after, SCAN).await?;
        let Some(last) = rows.last() else { break };
        after = last.key.clone();
        found.extend(rows.into_iter().map(|item| item.key));
    }
    Ok(found)
}

/// Writes for the rows of an advisory.
pub fn writes(prefix: &str, advisory: &posture::Advisory) -> Vec<Write> {
    let mut writes = Vec::new();
    for (affected, row) in advisory.rows() {
        let place = format!("{}|{}|{}", affected.ecosystem, affected.package, row.id);
        for name in std::iter::once(&row.id).chain(&row.cves) {
            let key = format!("{prefix}{}|{place}", name.to_uppercase());
            writes.push(Write::Put { table: NAMES, key, value: Default::default() });
        }
        writes.push(put(AFFECTED, format!("{prefix}{place}"), &row));
    }
    writes
}

/// Notes that a new generation is being written, and says which.
pub async fn begin(tables: &dyn Tables, source: &str, now: Micros) -> Result<String> {
    let held = tables.get(SOURCES, source).await?.and_then(|item| serde_json::from_slice::<Source>(&item.value).ok());
    let held = held.and_then(|held| u64::from_str_radix(&held.generation, 16).ok());
    // Never the one in force, whatever the clock does.
    let next = held.map_or(0, |held| held.saturating_add(1)).max(now.unsigned_abs());
    let generation = format!("{next:016x}");
    // What a crash left under this number must not come to life.
    sweep(tables, source, &generation).await?;
    let key = format!("{source}:{generation}");
    tables.commit(vec![Write::Put { table: OPEN, key, value: Default::default() }]).await?;
    Ok(generation)
}

/// Puts a generation in force and sweeps the one before.
pub async fn turn(tables: &dyn Tables, source: &Source) -> Result<()> {
    let before = tables.get(SOURCES, &source.source).await?;
    let before: Option<Source> = before.and_then(|item| serde_json::from_slice(&item.value).ok());
    let mut writes = vec![put(SOURCES, source.source.clone(), source)];
    writes.push(Write::Delete { table: OPEN, key: format!("{}:{}", source.source, source.generation) });
    if let Some(before) = &before {
        let key = format!("{}:{}", before.source, before.generation);
        writes.push(Write::Put { table: OPEN, key, value: Default::default() });
    }
    tables.commit(writes).await?;
    if let Some(before) = before {
        sweep(tables, &before.source, &before.generation).await?;
    }
    Ok(())
}

/// Takes a source out of force. Says whether there was one.
pub async fn remove(tables: &dyn Tables, source: &str) -> Result<bool> {
    let Some(item) = tables.get(SOURCES, source).await? else { return Ok(false) };
    let held: Source = read("source", &item.value)?;
    let open = Write::Put { table: OPEN, key: format!("{source}:{}", held.generation), value: Default::default() };
    tables.commit(vec![Write::Delete { table: SOURCES, key: source.into() }, open]).await?;
    sweep(tables, source, &held.generation).await?;
    Ok(true)
}

/// Removes every row of a generation that is not in force.
pub async fn sweep(tables: &dyn Tables, source: &str, generation: &str) -> Result<()> {
    let prefix = prefix(source, generation);
    for table in [AFFECTED, NAMES, EXPLOITED] {
        loop {
            let rows = tables.scan(table, &prefix, "", SCAN).await?;
            if rows.is_empty() {
                break;
            }
            tables.commit(rows.into_iter().map(|item| Write::Delete { table, key: item.key }).collect()).await?;
        }
    }
    tables.commit(vec![Write::Delete { table: OPEN, key: format!("{source}:{generation}") }]).await
}

/// Removes what a crash left of imports and sweeps.
pub async fn sweep_leftovers(tables: &dyn Tables) -> Result<()> {
    for item in tables.scan(OPEN, "", "", SCAN).await? {
        if let Some((source, generation)) = item.key.rsplit_once(':') {
            sweep(tables, source, generation).await?;
        }
    }
    Ok(())
}
