//! What `garrison-gateway audit` shows: records that fit, the newest last.

use super::files::list;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Which records are shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Filter {
    /// Of this site.
    #[arg(long)]
    pub site: Option<String>,
    /// Of this client address.
    #[arg(long)]
    pub client: Option<String>,
    /// With this number, which the page of a refusal shows.
    #[arg(long)]
    pub reference: Option<String>,
    /// Most records, the newest.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

impl Filter {
    fn takes(&self, record: &Value) -> bool {
        let wanted = [("site", &self.site), ("client", &self.client), ("reference", &self.reference)];
        wanted.iter().all(|(key, wanted)| wanted.as_ref().is_none_or(|wanted| record[*key] == wanted.as_str()))
    }
}

/// The lines of records that fit. What does not read (the end of a file while it is written) is passed over.
pub fn show(folder: &Path, filter: &Filter) -> Vec<String> {
    let mut shown = VecDeque::new();
    for (_, path) in list(folder) {
        // The oldest may go while it is read.
        let Ok(file) = std::fs::File::open(&path) else { continue };
        for line in BufReader::new(file).lines().map_while(std::io::Result::ok) {
            let fits = serde_json::from_str::<Value>(&line).is_ok_and(|record| filter.takes(&record));
            if !fits || filter.limit == 0 {
                continue;
            }
            if shown.len() == filter.limit {
                shown.pop_front();
            }
            shown.push_back(line);
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_fit_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = (0..9).map(|at| format!("{{\"site\":\"s{}\",\"at\":{at}}}\n", at % 2)).collect();
        std::fs::write(folder.path().join("audit-0000000001.jsonl"), format!("{lines}{{\"torn")).unwrap();
        let filter = Filter { site: Some("s1".into()), limit: 2, ..Filter::default() };
        let shown = show(folder.path(), &filter);
        assert_eq!(shown, [r#"{"site":"s1","at":5}"#, r#"{"site":"s1","at":7}"#]);
        assert!(show(&folder.path().join("none"), &filter).is_empty());
    }
}
