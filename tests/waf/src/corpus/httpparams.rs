//! HttpParamsDataset: decoded values of parameters with their class, sent as one argument of a GET.

use super::{Corpus, text};
use crate::encode;
use crate::request::{Case, Request};
use std::path::Path;

/// The set.
pub struct HttpParams;

impl Corpus for HttpParams {
    fn name(&self) -> &'static str {
        "httpparams"
    }

    fn read(&self, folder: &Path) -> Result<Vec<Case>, String> {
        let text = text(&folder.join("payload_full.csv"))?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut cases = Vec::new();
        for (number, row) in reader.records().enumerate() {
            let row = row.map_err(|cause| format!("payload_full.csv: {cause}"))?;
            let (Some(value), Some(kind)) = (row.get(0), row.get(2)) else {
                return Err(format!("payload_full.csv: row {} has no class", number + 1));
            };
            let attack = kind != "norm";
            let mut target = b"/search?q=".to_vec();
            target.extend(encode::query(value.as_bytes()));
            cases.push(Case {
                source: "httpparams".into(),
                class: if attack { kind.into() } else { "benign".into() },
                attack,
                name: format!("row {}", number + 1),
                request: Request::browser("GET", target),
            });
        }
        Ok(cases)
    }
}
