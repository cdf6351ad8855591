//! Two sets of nftables, for IPv4 and IPv6, as a script for `nft -f`. It is one transaction: the sets hold the old
//! values or the new ones, never none. The rules that use them are the reader's own.

use super::{Export, Files, Gate};
use crate::Kind;
use base::Result;

/// Elements in one command.
const BATCH: usize = 1000;
const SCRIPT: &str = "garrison.nft";

/// The format.
pub struct Nft;

impl Export for Nft {
    fn name(&self) -> &'static str {
        "nft"
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        let table = table(&gate.profile.place);
        files.append(SCRIPT, format!("add table inet {table}\n").as_bytes())?;
        for (set, sort) in [("indicators4", "ipv4_addr"), ("indicators6", "ipv6_addr")] {
            let text = format!(
                "add set inet {table} {set} {{ type {sort}; flags interval; auto-merge; }}\nflush set inet {table} {set}\n"
            );
            files.append(SCRIPT, text.as_bytes())?;
        }
        let mut pending = [Vec::new(), Vec::new()];
        while let Some(said) = gate.next() {
            // Only what is an address or a range in its canonical form: nothing else may reach the script.
            let address = said.value.split('/').next().unwrap_or_default().parse::<std::net::IpAddr>();
            match (said.kind, address) {
                (Kind::Ip | Kind::Cidr, Ok(ip)) => {
                    let batch = &mut pending[usize::from(ip.is_ipv6())];
                    batch.push(said.value);
                    if batch.len() >= BATCH {
                        flush(&table, ip.is_ipv6(), batch, files)?;
                    }
                }
                _ => gate.unfit(),
            }
        }
        let [four, six] = &mut pending;
        flush(&table, false, four, files)?;
        flush(&table, true, six, files)?;
        Ok(())
    }
}

fn flush(table: &str, six: bool, batch: &mut Vec<String>, files: &mut dyn Files) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let set = if six { "indicators6" } else { "indicators4" };
    let text = format!("add element inet {table} {set} {{ {} }}\n", batch.join(", "));
    batch.clear();
    files.append(SCRIPT, text.as_bytes())
}

/// The table's name: the profile's when it is a plain word.
fn table(place: &str) -> String {
    let word = !place.is_empty()
        && place.len() <= 64
        && place.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && place.starts_with(|first: char| first.is_ascii_lowercase());
    if word { place.to_string() } else { "garrison_intel".to_string() }
}
