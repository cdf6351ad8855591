//! What positive models learn, kept over restarts.

use crate::{fault, show};
use base::{Fault, Micros, Result};
use profile::Learner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How long what is not proven is kept since it was last asked for: a month, so that what is done once a month is learned.
const UNPROVEN: Micros = 31 * 24 * 3_600_000_000;

/// Learners by the name of their site.
#[derive(Default)]
pub struct Learned {
    folder: Option<PathBuf>,
    sites: BTreeMap<String, Arc<Mutex<Learner>>>,
}

fn file(folder: &Path, site: &str) -> PathBuf {
    folder.join(format!("{site}.learned"))
}

/// What was learned of a site, from its file.
///
/// # Errors
/// When there is none, or it does not read.
pub fn stored(folder: &Path, site: &str) -> Result<Learner> {
    let path = file(folder, site);
    let none = |cause: std::io::Error| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    Learner::restore(&std::fs::read(&path).map_err(none)?)
}

impl Learned {
    /// Learners that are kept in a folder.
    pub fn keep_in(&mut self, folder: PathBuf) {
        self.folder = Some(folder);
    }

    /// The learner of a site: the one at work, what was kept of it, or a new one.
    pub fn of(&mut self, site: &str) -> Arc<Mutex<Learner>> {
        let folder = self.folder.clone();
        let begin = || {
            let kept =
                folder.as_deref().filter(|folder| file(folder, site).exists()).map(|folder| stored(folder, site));
            let kept = kept.transpose().unwrap_or_else(|fault| {
                tracing::warn!(fault = %fault.inside(), site, "what was learned is lost; it is learned anew");
                None
            });
            Arc::new(Mutex::new(kept.unwrap_or_default()))
        };
        self.sites.entry(site.to_string()).or_insert_with(begin).clone()
    }

    /// Writes what was learned, without what nobody has asked for any more; `now` in microseconds.
    ///
    /// # Errors
    /// The first file that cannot be written.
    pub fn store(&self, now: Micros) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |cause: std::io::Error| Fault::new(&fault::STATE_FILE).object(folder.display()).because(cause);
        if !self.sites.is_empty() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        for (site, learner) in &self.sites {
            let bytes = {
                let mut learner = learner.lock().unwrap_or_else(PoisonError::into_inner);
                learner.forget(now - UNPROVEN);
                learner.store()
            };
            // The first few values of each parameter stand in it.
            show::write_private(&file(folder, site), &bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use profile::{Place, Request};

    #[test]
    fn what_was_learned_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut learned = Learned::default();
        learned.keep_in(folder.path().join("learned"));
        for source in 0..40 {
            let page = source.to_string();
            let parameters = [(Place::Query, &b"page"[..], page.as_bytes())];
            let request =
                Request { method: b"GET", path: b"/shop", content_type: b"", parameters: &parameters, source };
            learned.of("shop").lock().unwrap().learn(&request, 200, 0);
        }
        let rare = Request { method: b"GET", path: b"/rare", content_type: b"", parameters: &[], source: 1 };
        learned.of("shop").lock().unwrap().learn(&rare, 200, 5);
        learned.store(0).unwrap();
        let path = folder.path().join("learned/shop.learned");
        let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).unwrap()) & 0o777;
        assert_eq!(mode(&path), 0o600, "values of the site's users are in it");
        let restored = stored(&folder.path().join("learned"), "shop").unwrap();
        assert_eq!((restored.profile().paths().len(), restored.left().nodes), (1, 2));
        learned.store(UNPROVEN + 6).unwrap();
        let restored = stored(&folder.path().join("learned"), "shop").unwrap();
        assert_eq!((restored.profile().paths().len(), restored.left().nodes), (1, 1), "the rare one is forgotten");
        let mut again = Learned::default();
        again.keep_in(folder.path().join("learned"));
        assert_eq!(again.of("shop").lock().unwrap().profile().paths().len(), 1);
    }
}
