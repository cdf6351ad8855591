//! The host's time zone: half of the logs of a host write local time without saying which.
//!
//! Reads the TZif format (RFC 8536): the transitions of its widest block and the rule in its footer, which is all that
//! slim files hold for years to come.

use crate::moment::{days, year};
use std::path::Path;

const DAY_S: i64 = 86_400;
/// Most transitions read; real zones have fewer than 300.
const TRANSITIONS: usize = 4096;
/// Largest zone file read, bytes.
const FILE_BYTES: u64 = 256 * 1024;

/// Offsets from UTC over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// (from when, UTC seconds; seconds east of Greenwich), ascending.
    changes: Vec<(i64, i64)>,
    /// Before the first change.
    first: i64,
    /// After the last change.
    rule: Option<Rule>,
}

/// A yearly rule of a footer: standard time, summer time, and when it begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    standard: i64,
    summer: Option<(i64, Turn, Turn)>,
}

/// `Mmonth.week.weekday/time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    month: i64,
    week: i64,
    weekday: i64,
    time_s: i64,
}

impl Zone {
    /// The same offset always, seconds east of Greenwich.
    pub fn fixed(offset_s: i64) -> Zone {
        Zone { changes: Vec::new(), first: offset_s, rule: None }
    }

    /// The zone of this host (`/etc/localtime`), or UTC where it has none.
    pub fn of_host() -> Zone {
        Zone::read(Path::new("/etc/localtime")).unwrap_or_else(|| Zone::fixed(0))
    }

    /// The zone in a TZif file, `None` where there is no such file.
    pub fn read(path: &Path) -> Option<Zone> {
        let small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= FILE_BYTES);
        Zone::parse(&small.then(|| std::fs::read(path).ok())??)
    }

    /// The zone in the bytes of a TZif file, `None` for bytes that are none.
    pub fn parse(bytes: &[u8]) -> Option<Zone> {
        let first = Header::parse(bytes)?;
        if first.version == 0 {
            return block(bytes.get(44..)?, &first, 4).map(|(changes, first)| Zone { changes, first, rule: None });
        }
        let second = bytes.get(44 + first.len(4)..)?;
        let header = Header::parse(second)?;
        let (changes, first) = block(second.get(44..)?, &header, 8)?;
        let footer = second.get(44 + header.len(8)..).unwrap_or_default();
        let footer = std::str::from_utf8(footer).unwrap_or_default().trim_matches('\n');
        Some(Zone { changes, first, rule: Rule::parse(footer) })
    }

    /// Seconds east of Greenwich at a moment, UTC seconds.
    pub fn offset(&self, at: i64) -> i64 {
        let place = self.changes.partition_point(|(from, _)| *from <= at);
        let past_all = place == self.changes.len();
        match (&self.rule, place.checked_sub(1)) {
            (Some(rule), _) if past_all => rule.offset(at),
            (_, Some(last)) => self.changes[last].1,
            (_, None) => self.first,
        }
    }

    /// UTC seconds of a local time written as if it were UTC. In the hour that comes twice the earlier one is taken.
    pub fn utc(&self, local: i64) -> i64 {
        let guess = local - self.offset(local);
        let before = local - self.offset(guess - 3 * 3600);
        if self.offset(before) == local - before { before } else { local - self.offset(guess) }
    }
}

struct Header {
    version: u8,
    utc: usize,
    standard: usize,
    leaps: usize,
    times: usize,
    types: usize,
    letters: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Header> {
        let count = |place: usize| {
            let four = bytes.get(20 + place * 4..24 + place * 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(four) as usize).filter(|count| *count <= TRANSITIONS)
        };
        if bytes.get(..4)? != b"TZif" {
            return None;
        }
        let (utc, standard, leaps) = (count(0)?, count(1)?, count(2)?);
        let (times, types, letters) = (count(3)?, count(4)?, count(5)?);
        Some(Header { version: *bytes.get(4)?, utc, standard, leaps, times, types, letters })
    }

    fn len(&self, word: usize) -> usize {
        self.times * (word + 1) + self.types * 6 + self.letters + self.leaps * (word + 4) + self.standard + self.utc
    }
}

/// The transitions of a block whose times are `word` bytes wide, and the offset before the first.
fn block(bytes: &[u8], header: &Header, word: usize) -> Option<(Vec<(i64, i64)>, i64)> {
    let types = bytes.get(header.times * (word + 1)..)?;
    let offset = |kind: usize| {
        let four = types.get(kind * 6..kind * 6 + 4)?.try_into().ok()?;
        (kind < header.types).then(|| i64::from(i32::from_be_bytes(four)))
    };
    let mut changes = Vec::with_capacity(header.times);
    for place in 0..header.times {
        let time = bytes.get(place * word..(place + 1) * word)?;
        let time = match word {
            4 => i64::from(i32::from_be_bytes(time.try_into().ok()?)),
            _ => i64::from_be_bytes(time.try_into().ok()?),
        };
        changes.push((time, offset(usize::from(*bytes.get(header.times * word + place)?))?));
    }
    changes.is_sorted().then_some(())?;
    Some((changes, offset(0)?))
}

impl Rule {
    /// Reads a POSIX zone such as `CST-8` or `EST5EDT,M3.2.0,M11.1.0`; forms by day of the year are not in use.
    fn parse(text: &str) -> Option<Rule> {
        let mut rest = text;
        name(&mut rest)?;
        let standard = -time(&mut rest)?;
        if rest.is_empty() {
            return Some(Rule { standard, summer: None });
        }
        name(&mut rest)?;
        let summer = if rest.starts_with(',') { standard + 3600 } else { -time(&mut rest)? };
        let begin = turn(&mut rest)?;
        let end = turn(&mut rest)?;
        Some(Rule { standard, summer: Some((summer, begin, end)) })
    }

    fn offset(&self, at: i64) -> i64 {
        let Some((summer, begin, end)) = &self.summer else { return self.standard };
        let year = year((at + self.standard).div_euclid(DAY_S));
        let begins = begin.local(year) - self.standard;
        let ends = end.local(year) - summer;
        let is_summer = if begins < ends { (begins..ends).contains(&at) } else { !(ends..begins).contains(&at) };
        if is_summer { *summer } else { self.standard }
    }
}

impl Turn {
    /// The moment in a year, local seconds.
    fn local(&self, year: i64) -> i64 {
        let first = days(year, self.month, 1);
        let next = if self.month == 12 { days(year + 1, 1, 1) } else { days(year, self.month + 1, 1) };
        // 1970-01-01 was a Thursday (4).
        let ahead = (self.weekday - (first + 4)).rem_euclid(7);
        let mut day = first + ahead + (self.week - 1) * 7;
        while day >= next {
            day -= 7;
        }
        day * DAY_S + self.time_s
    }
}

/// Passes over the abbreviation of a zone.
fn name(rest: &mut &str) -> Option<()> {
    let end = match rest.strip_prefix('<') {
        Some(_) => rest.find('>')? + 1,
        None => rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len()),
    };
    *rest = rest.get(end..)?;
    (end >= 3).then_some(())
}

/// `[+-]hh[:mm[:ss]]` as seconds.
fn time(rest: &mut &str) -> Option<i64> {
    let end = rest.find(|letter: char| !matches!(letter, '0'..='9' | ':' | '+' | '-')).unwrap_or(rest.len());
    let (text, behind) = rest.split_at(end);
    *rest = behind;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut seconds = 0;
    let mut unit = 3600;
    for part in text.trim_start_matches(['+', '-']).splitn(3, ':') {
        seconds += part.parse::<i64>().ok().filter(|part| *part <= 167)? * unit;
        unit /= 60;
    }
    Some(sign * seconds)
}

fn turn(rest: &mut &str) -> Option<Turn> {
    let text = rest.strip_prefix(",M")?;
    let end = text.find(',').unwrap_or(text.len());
    let (text, behind) = text.split_at(end);
    *rest = behind;
    let (date, clock) = text.split_once('/').unwrap_or((text, "2"));
    let mut numbers = date.splitn(3, '.').map(|part| part.parse::<i64>().ok());
    let mut within = |low: i64, high: i64| numbers.next()?.filter(|number| (low..=high).contains(number));
    let (month, week, weekday) = (within(1, 12)?, within(1, 5)?, within(0, 6)?);
    let mut clock = clock;
    Some(Turn { month, week, weekday, time_s: time(&mut clock)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ruled(text: &str) -> Zone {
        Zone { changes: Vec::new(), first: 0, rule: Rule::parse(text) }
    }

    #[test]
    fn summer_time_begins_and_ends() {
        let new_york = ruled("EST5EDT,M3.2.0,M11.1.0");
        // 2024-03-10 07:00 UTC and 2024-11-03 06:00 UTC.
        for (at, hours) in [(1_710_053_999, -5), (1_710_054_000, -4), (1_730_613_599, -4), (1_730_613_600, -5)] {
            assert_eq!(new_york.offset(at), hours * 3600, "{at}");
        }
        let sydney = ruled("AEST-10AEDT,M10.1.0,M4.1.0/3");
        assert_eq!((sydney.offset(1_704_067_200), sydney.offset(1_720_000_000)), (11 * 3600, 10 * 3600));
        assert_eq!(ruled("<+0545>-5:45").offset(0), 5 * 3600 + 45 * 60);
        assert_eq!(new_york.utc(1_710_054_000 - 5 * 3600 - 1), 1_710_053_999);
        assert_eq!(new_york.utc(1_720_000_000 - 4 * 3600), 1_720_000_000);
    }

    #[test]
    fn a_file_reads_in_both_versions() {
        // One transition at 1000 from +1 h to +2 h, narrow block only.
        let mut narrow = b"TZif".to_vec();
        narrow.resize(20, 0);
        for count in [0_u32, 0, 0, 1, 2, 4] {
            narrow.extend(count.to_be_bytes());
        }
        let mut wide = narrow.clone();
        wide[4] = b'2';
        let kinds = |bytes: &mut Vec<u8>| {
            bytes.push(1);
            for offset in [3600_i32, 7200] {
                bytes.extend(offset.to_be_bytes());
                bytes.extend([0, 0]);
            }
            bytes.extend(b"ABC\0");
        };
        let header = wide.clone();
        narrow.extend(1000_i32.to_be_bytes());
        kinds(&mut narrow);
        wide.extend(1000_i32.to_be_bytes());
        kinds(&mut wide);
        wide.extend(header);
        wide.extend(1000_i64.to_be_bytes());
        kinds(&mut wide);
        wide.extend(b"\nCST-8\n");
        let zone = Zone::parse(&narrow).unwrap();
        assert_eq!((zone.offset(999), zone.offset(1000)), (3600, 7200));
        let zone = Zone::parse(&wide).unwrap();
        assert_eq!((zone.offset(999), zone.offset(1000)), (3600, 8 * 3600));
    }

    proptest! {
        #[test]
        fn hostile_zones_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<i32>()) {
            let mut file = b"TZif2".to_vec();
            file.extend(&bytes);
            for bytes in [&bytes, &file] {
                if let Some(zone) = Zone::parse(bytes) {
                    let _ = zone.utc(i64::from(at));
                }
            }
        }

        #[test]
        fn hostile_rules_never_panic(text in "[A-Z<>+0-9:,./M-]{0,40}", at in any::<i32>()) {
            let _ = ruled(&text).utc(i64::from(at));
        }
    }
}
