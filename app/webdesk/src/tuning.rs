//! The tuning of all sites: read, changed, offered.

use crate::store::{self, Facts, Stored};
use base::{Clock, Fault, Result};
use fleet::content::{Files, Name, Shelf};
use port::Tables;
use seclang::tuning::Tuning;
use std::sync::Arc;

/// Largest tuning of a site, bytes.
const BYTES: usize = 1024 * 1024;
/// Longest name of a site.
const NAME: usize = 64;

/// Tuning of the sites of this installation.
pub struct Web {
    pub(crate) tables: Arc<dyn Tables>,
    shelf: Shelf,
    pub(crate) clock: Arc<dyn Clock>,
    /// One writer at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Web {
    /// Opens what is stored and offers it to gateways.
    pub async fn open(tables: Arc<dyn Tables>, shelf: Shelf, clock: Arc<dyn Clock>) -> Result<Arc<Web>> {
        let web = Arc::new(Web { tables, shelf, clock, turn: Default::default() });
        let (facts, _) = store::facts(&*web.tables).await?;
        web.offer(facts.version).await?;
        Ok(web)
    }

    /// The tuning of a site; an empty one when it has none.
    pub async fn read(&self, site: &str) -> Result<(Stored, Tuning)> {
        let (stored, _) = store::site(&*self.tables, checked(site)?).await?;
        let tuning = Tuning::read(&stored.yaml, site)?;
        Ok((stored, tuning))
    }

    /// Changes the tuning of a site: `change` edits it, what it gives back is given back. Compiled before it is stored,
    /// offered after.
    pub async fn change<T>(
        &self,
        site: &str,
        (who, reason): (&str, &str),
        change: impl FnOnce(&mut Tuning) -> Result<T>,
    ) -> Result<T> {
        let site = checked(site)?;
        let _turn = self.turn.lock().await;
        let (before, document) = store::site(&*self.tables, site).await?;
        let (mut facts, facts_document) = store::facts(&*self.tables).await?;
        let mut tuning = Tuning::read(&before.yaml, site)?;
        let answer = change(&mut tuning)?;
        let yaml = sound(&tuning, site)?;
        let (who, reason) = (who.to_string(), reason.to_string());
        let stored = Stored { site: site.into(), yaml, time_us: self.clock.wall(), who, reason };
        facts.version += 1;
        store::commit(&*self.tables, &stored, document, (&facts, facts_document)).await?;
        self.offer(facts.version).await?;
        tracing::info!(site, version = facts.version, who = stored.who, "the tuning of a site changed");
        Ok(answer)
    }

    /// The version offered, and how many gateways hold it.
    pub async fn standing(&self) -> Result<(u64, usize, usize)> {
        let (Facts { version }, _) = store::facts(&*self.tables).await?;
        let tally = self.shelf.tally(Name::WafTuning, version);
        Ok((version, tally.hold, tally.refused))
    }

    async fn offer(&self, version: u64) -> Result<()> {
        if version == 0 {
            return Ok(());
        }
        let sites = store::sites(&*self.tables).await?;
        let files = sites.into_iter().map(|site| (format!("{}.yml", site.site), site.yaml));
        let (shelf, content) = (self.shelf.clone(), Files::of(files).bytes());
        let publish = move || shelf.publish(Name::WafTuning, version, &content);
        let done = tokio::task::spawn_blocking(publish).await;
        done.map_err(|cause| Fault::new(&api::fault::BUG).object("tuning").because(cause))??;
        Ok(())
    }
}

/// A name that can be a file's.
fn checked(site: &str) -> Result<&str> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if site.is_empty() || site.len() > NAME || site.starts_with('.') || !site.chars().all(good) {
        let fault = Fault::new(&api::fault::INVALID).object("site").found(site);
        return Err(fault.expected("1 to 64 of letters, digits, dot, hyphen, underscore"));
    }
    Ok(site)
}

/// The YAML of a tuning that compiles; the first fault of one that does not. The day is one on which nothing has ended.
fn sound(tuning: &Tuning, site: &str) -> Result<String> {
    let compiled = tuning.compile(site, "0000-01-01", &waf::vocabulary());
    compiled
        .map_err(|faults| faults.into_iter().next().unwrap_or_else(|| Fault::new(&api::fault::BUG).object(site)))?;
    let yaml = tuning.yaml();
    if yaml.len() > BYTES {
        return Err(Fault::new(&api::fault::TOO_LARGE).object(site).expected(format!("at most {BYTES} bytes")));
    }
    Ok(yaml)
}
