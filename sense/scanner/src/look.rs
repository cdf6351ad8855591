//! One file through every engine, and what is in it if it is an archive.

use crate::archive::{self, Allowance, Bomb};
use crate::engine::{Engine, Scanner};
use crate::finding::{detail, finding, text};
use crate::kind::{self, Kind};
use crate::{packer, script};
use base::Fault;
use record::Scan;
use scan::limits::FINDINGS;

/// Faults told of one file; a rule that runs away does so in every member.
const FAULTS: usize = 4;

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings, at most [`FINDINGS`].
    pub findings: Vec<Scan>,
    /// Bytes looked at: those of the file and what came out of it.
    pub looked_bytes: u64,
    /// Members of archives left out.
    pub members_left_out: u32,
    /// What went wrong beside.
    pub faults: Vec<Fault>,
}

/// Looks at one file after the other.
pub struct Looker<'r> {
    yara: Scanner<'r>,
}

impl<'r> Looker<'r> {
    /// With these rules.
    pub fn new(engine: &'r Engine) -> Looker<'r> {
        Looker { yara: engine.scanner() }
    }

    /// Looks at the content of a file. `length` is that of the whole file, of which `bytes` may be only the beginning.
    pub fn look(&mut self, name: &str, bytes: &[u8], length: u64) -> Outcome {
        let (mut outcome, mut allowance) = (Outcome::default(), Allowance::default());
        self.content(&Member { name, path: "", depth: 0 }, bytes, length, &mut outcome, &mut allowance);
        outcome.looked_bytes = bytes.len() as u64 + allowance.unpacked();
        outcome.members_left_out = allowance.left_out;
        if let Some(bomb) = allowance.bomb {
            outcome.findings.truncate(FINDINGS - 1);
            outcome.findings.push(exploding(bomb, bytes.len(), &allowance));
        }
        outcome
    }

    fn content(
        &mut self,
        member: &Member<'_>,
        bytes: &[u8],
        length: u64,
        outcome: &mut Outcome,
        allowance: &mut Allowance,
    ) {
        let mut found = match self.yara.scan(bytes) {
            Ok(found) => found,
            Err(fault) => {
                if outcome.faults.len() < FAULTS {
                    outcome.faults.push(fault);
                }
                Vec::new()
            }
        };
        let kind = kind::of(bytes);
        match kind {
            Kind::Elf => found.extend(packer::look(bytes, length)),
            // A picture may carry a script behind it: any content that is not one of these.
            Kind::Other => found.extend(script::look(member.name, bytes)),
            _ => {}
        }
        let room = FINDINGS.saturating_sub(outcome.findings.len());
        let path = text(member.path.as_bytes());
        outcome.findings.extend(found.into_iter().take(room).map(|scan| Scan { member: path.clone(), ..scan }));
        archive::members(kind, bytes, member.depth, allowance, &mut |name, content, allowance| {
            // A stream has the name of its file without the ending.
            let inner = if name.is_empty() { stem(member.name) } else { name };
            let path = if member.path.is_empty() { inner.to_owned() } else { format!("{}!{inner}", member.path) };
            let member = Member { name: inner, path: &path, depth: member.depth + 1 };
            self.content(&member, content, content.len() as u64, outcome, allowance);
        });
    }
}

/// Where a content is from.
struct Member<'m> {
    /// Its name, for the kinds that need one.
    name: &'m str,
    /// Path inside the file, empty for the file itself.
    path: &'m str,
    depth: u32,
}

fn stem(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once('.').map_or(last, |(stem, _)| stem)
}

fn exploding(bomb: Bomb, packed: usize, allowance: &Allowance) -> Scan {
    let mut scan = finding("archive", bomb.word(), "bomb", bomb.score());
    detail(&mut scan, "packed-bytes", packed.to_string());
    detail(&mut scan, "unpacked-bytes", allowance.unpacked().to_string());
    scan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::tests::gzip;
    use crate::archive::tests::{tar, zip};
    use scan::protocol::RuleFile;

    fn look(name: &str, bytes: &[u8]) -> Outcome {
        let rule = "rule needle { strings: $a = \"needle\" condition: $a }";
        let (engine, faults) = Engine::compile(&[RuleFile { name: "t".into(), text: rule.into() }]);
        assert!(faults.is_empty(), "{faults:?}");
        Looker::new(&engine).look(name, bytes, bytes.len() as u64)
    }

    fn found(outcome: &Outcome) -> Vec<(&str, &str)> {
        outcome.findings.iter().map(|scan| (scan.name.as_str(), scan.member.as_str())).collect()
    }

    #[test]
    fn a_member_of_an_archive_in_an_archive_is_named_with_its_way() {
        let inner = zip(&[("b/c.txt", b"a needle in it", true), ("d", b"hay", true)]);
        let outer = gzip(&tar(&[("x/in.zip", &inner)]));
        let outcome = look("/srv/all.tar.gz", &outer);
        assert_eq!(found(&outcome), [("needle", "all.tar!x/in.zip!b/c.txt")]);
        assert!(outcome.looked_bytes > inner.len() as u64 && outcome.members_left_out == 0);
    }

    #[test]
    fn a_script_in_an_archive_and_behind_a_picture_is_read() {
        let shell = b"GIF89a\x01\x00<?php system($_GET['c']); ?>";
        assert_eq!(found(&look("/srv/a.gif", shell)), [("request-runs-as-command", "")]);
        let war = zip(&[("x.jsp", b"<% Runtime.getRuntime().exec(request.getParameter(\"c\")); %>", true)]);
        assert_eq!(found(&look("/srv/a.war", &war)), [("request-runs-as-command", "x.jsp")]);
    }

    #[test]
    fn archives_that_explode_are_findings() {
        let zeros = gzip(&vec![0; 40 * 1024 * 1024]);
        assert_eq!(found(&look("/a.gz", &zeros)), [("bomb-ratio", "")]);
        let nested = (0..8).fold(b"needle".to_vec(), |bytes, _| gzip(&bytes));
        let outcome = look("/a.gz", &nested);
        assert_eq!(found(&outcome).last(), Some(&("bomb-nested", "")));
    }

    #[test]
    fn findings_of_one_file_are_bounded() {
        let members: Vec<(String, &[u8])> = (0..200).map(|number| (format!("f{number}"), &b"needle"[..])).collect();
        let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        assert_eq!(look("/a.tar", &tar(&members)).findings.len(), FINDINGS);
    }
}
