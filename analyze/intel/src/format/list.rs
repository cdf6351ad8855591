//! Lists: one value a line. Plain, ipsum, hosts files, Suricata datasets and reputation lists.

use super::detect::{Head, Source};
use super::{LINE_BYTES, Meter, lines};
use crate::guess;
use base::Result;
use base64::Engine;
use std::io::BufRead;
use std::net::IpAddr;

/// Whether a line says nothing to a machine.
pub(super) fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';', '!']) || line.starts_with("//")
}

/// One value a line, whatever its kind; comments behind it are dropped. The form of ad blockers (`||name^`) is read too.
pub struct Plain;

impl Source for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        if head.is_json() { 0 } else { head.share(|line| guess(value(line)).is_ok()) / 2 }
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| {
            if is_comment(line) {
                meter.pass("comment");
                return Ok(());
            }
            let claim = meter.settings.claim();
            meter.take(meter.settings.kind, value(line), claim).map(drop)
        })
    }
}

/// The value in front of a line.
fn value(line: &str) -> &str {
    let first = line.split([' ', '\t']).next().unwrap_or(line).trim_end_matches([',', ';']);
    first.strip_prefix("||").map_or(first, |name| name.split(['^', '$']).next().unwrap_or(name))
}

/// ipsum: an address and the number of lists that name it.
///
/// Confidence is that one of the lists is right when each is with a probability of a quarter: 25, 44, 58, 68, 76, 82 …
pub struct Ipsum;

impl Source for Ipsum {
    fn name(&self) -> &'static str {
        "ipsum"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        head.share(|line| counted(line).is_some()).saturating_sub(10)
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| {
            if is_comment(line) {
                meter.pass("comment");
                return Ok(());
            }
            let Some((address, lists)) = counted(line) else {
                meter.wrong("an address, a tabulator and a number", line);
                return Ok(());
            };
            let mut claim = meter.settings.claim();
            claim.confidence = of_lists(lists);
            claim.tags.push(format!("blocklists:{lists}"));
            meter.take(None, address, claim).map(drop)
        })
    }
}

fn counted(line: &str) -> Option<(&str, u32)> {
    let (address, lists) = line.split_once(['\t', ' '])?;
    address.parse::<IpAddr>().ok()?;
    Some((address, lists.trim().parse().ok()?))
}

fn of_lists(lists: u32) -> u8 {
    let wrong = 0.75_f64.powi(i32::try_from(lists.min(100)).unwrap_or(100));
    ((1.0 - wrong) * 100.0).round() as u8
}

/// A hosts file: names behind `0.0.0.0` or another address of this host.
pub struct Hosts;

impl Source for Hosts {
    fn name(&self) -> &'static str {
        "hosts"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        head.share(|line| hosts(line).is_some_and(|mut names| names.all(|name| name.parse::<f64>().is_err())))
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| {
            if is_comment(line) {
                meter.pass("comment");
                return Ok(());
            }
            let Some(names) = hosts(line) else {
                meter.wrong("an address of this host and names", line);
                return Ok(());
            };
            for name in names {
                // `localhost`, `broadcasthost` and their kin name this host.
                if !name.contains('.') || name.parse::<IpAddr>().is_ok() || name == "localhost.localdomain" {
                    meter.pass("name of this host");
                    continue;
                }
                let claim = meter.settings.claim();
                meter.take(Some(crate::Kind::Domain), name, claim)?;
            }
            Ok(())
        })
    }
}

fn hosts(line: &str) -> Option<impl Iterator<Item = &str>> {
    let bare = line.split('#').next().unwrap_or_default();
    let mut words = bare.split_ascii_whitespace();
    let address: IpAddr = words.next()?.parse().ok()?;
    let own = address.is_unspecified() || address.is_loopback() || bare.starts_with("fe80") || bare.starts_with("ff0");
    let mut words = words.peekable();
    (own && words.peek().is_some()).then_some(words)
}

/// Suricata: dataset files (strings in base64, hashes, addresses; a reputation behind a comma) and `iprep` lists
/// (`address,category,score` with a score of 0–127).
pub struct Suricata;

impl Source for Suricata {
    fn name(&self) -> &'static str {
        "suricata"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        if head.is_json() {
            return 0;
        }
        let reputation = head.share(|line| {
            let mut parts = line.split(',');
            let (value, numbers) =
                (parts.next().unwrap_or_default(), parts.map(|text| text.trim().parse::<u8>().is_ok()));
            let numbers: Vec<bool> = numbers.collect();
            value.parse::<IpAddr>().is_ok() && numbers.len() == 2 && numbers.iter().all(|number| *number)
        });
        let encoded = head.share(|line| {
            let value = line.split(',').next().unwrap_or_default();
            guess(value).is_err() && decoded(value).is_some_and(|text| guess(&text).is_ok())
        });
        reputation.max(encoded)
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| {
            if is_comment(line) {
                meter.pass("comment");
                return Ok(());
            }
            let parts: Vec<&str> = line.split(',').map(str::trim).collect();
            let mut claim = meter.settings.claim();
            if let [_, category, score] = parts.as_slice() {
                claim.tags.push(format!("iprep-category:{category}"));
                if let Ok(score) = score.parse::<u32>() {
                    claim.confidence = (score.min(127) * 100 / 127) as u8;
                }
            }
            let value = parts.first().copied().unwrap_or_default();
            let text = if guess(value).is_ok() { None } else { decoded(value) };
            meter.take(meter.settings.kind, text.as_deref().unwrap_or(value), claim).map(drop)
        })
    }
}

fn decoded(value: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
    String::from_utf8(bytes).ok()
}
