//! maltrail's static trails joined into one table: `class<TAB>family<TAB>trail`.
//!
//! Confidence follows the class: `malware` is the feed's, `malicious` three quarters of it, `suspicious` a half.

use super::detect::{Head, Source};
use super::{LINE_BYTES, Meter, lines};
use crate::Kind;
use base::Result;
use std::io::BufRead;
use std::net::IpAddr;

/// The format.
pub struct Maltrail;

const CLASSES: [(&str, u32); 3] = [("malware", 4), ("malicious", 3), ("suspicious", 2)];

impl Source for Maltrail {
    fn name(&self) -> &'static str {
        "maltrail"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        head.share(|line| split(line).is_some())
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| match split(line) {
            Some(trail) => trail.take(meter),
            None => {
                meter.wrong("class, family and trail", line);
                Ok(())
            }
        })
    }
}

struct Trail<'t> {
    class: &'t str,
    quarters: u32,
    family: &'t str,
    text: &'t str,
}

fn split(line: &str) -> Option<Trail<'_>> {
    let mut parts = line.split('\t');
    let (class, family, text) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, quarters) = CLASSES.into_iter().find(|(name, _)| *name == class)?;
    parts.next().is_none().then_some(Trail { class, quarters, family, text: text.trim() })
}

impl Trail<'_> {
    fn take(&self, meter: &mut Meter<'_>) -> Result<()> {
        if self.text.starts_with('/') {
            // A path alone names no host; every site that has such a path would alert.
            meter.pass("path of a URL without its host");
            return Ok(());
        }
        if self.text.contains(['(', '|', '\\', '*']) {
            meter.pass("regular expression");
            return Ok(());
        }
        let mut claim = meter.settings.claim();
        claim.confidence = (u32::from(claim.confidence) * self.quarters / 4) as u8;
        claim.tags.push(format!("maltrail:{}", self.class));
        if self.class == "malware" {
            claim.malware.push(self.family.to_string());
        } else {
            claim.tags.push(self.family.to_string());
        }
        // `address:port`, also with several ports; the port stays as a tag.
        if let Some((address, port)) = self.text.split_once(':')
            && address.parse::<IpAddr>().is_ok()
        {
            claim.tags.push(format!("port:{port}"));
            return meter.take(Some(Kind::Ip), address, claim).map(drop);
        }
        meter.take(None, self.text, claim).map(drop)
    }
}
