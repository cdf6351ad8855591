//! Local time, read from the system's time zone file (TZif, RFC 8536).

use std::path::{Path, PathBuf};

/// Largest zone file read, bytes; real ones are under 10 KiB.
const FILE_BYTES: u64 = 256 * 1024;

/// Offsets from UTC over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zone {
    /// Moments (s since the Unix epoch) and the offset (s) from then on.
    changes: Vec<(i64, i32)>,
    /// Offset before the first change.
    first: i32,
    /// Rules for the time after the last change are given as text that is not read here: UTC is shown then.
    ends: bool,
}

impl Zone {
    /// The machine's zone: `TZ` or `/etc/localtime`; UTC when neither reads.
    pub fn local() -> Zone {
        let path = match std::env::var("TZ").ok().map(|name| name.trim_start_matches(':').to_string()) {
            None => PathBuf::from("/etc/localtime"),
            Some(name) if name.starts_with('/') => PathBuf::from(name),
            Some(name) => Path::new("/usr/share/zoneinfo").join(name),
        };
        let small = std::fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= FILE_BYTES);
        let bytes = if small { std::fs::read(&path).ok() } else { None };
        bytes.and_then(|bytes| Zone::parse(&bytes)).unwrap_or_default()
    }

    /// Of the content of a zone file, version 2 or later.
    fn parse(bytes: &[u8]) -> Option<Zone> {
        let first = Header::read(bytes)?;
        let second = bytes.get(44 + first.length(4)..)?;
        let header = Header::read(second)?;
        let body = second.get(44..)?;
        let (times, rest) = body.split_at_checked(header.times * 8)?;
        let (kinds, rest) = rest.split_at_checked(header.times)?;
        let offset = |kind: usize| Some(i32::from_be_bytes(rest.get(kind * 6..kind * 6 + 4)?.try_into().ok()?));
        let mut changes = Vec::with_capacity(header.times);
        for (time, kind) in times.chunks_exact(8).zip(kinds) {
            changes.push((i64::from_be_bytes(time.try_into().ok()?), offset(usize::from(*kind))?));
        }
        let footer = body.get(header.length(8)..).unwrap_or(&[]);
        Some(Zone { changes, first: offset(0)?, ends: footer.contains(&b',') })
    }

    /// Offset from UTC at a moment, seconds; `None` when it is not known.
    fn offset(&self, time: i64) -> Option<i32> {
        match self.changes.partition_point(|(from, _)| *from <= time) {
            0 => Some(self.first),
            after if after == self.changes.len() && self.ends => None,
            after => Some(self.changes[after - 1].1),
        }
    }

    /// Date, time to the millisecond and offset where it is not the machine's own: `2026-11-24 08:00:00.123`.
    pub fn show(&self, micros: i64) -> String {
        let seconds = micros.div_euclid(1_000_000);
        let offset = self.offset(seconds);
        let local = seconds.saturating_add(i64::from(offset.unwrap_or(0)));
        let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, date) = civil(day);
        let millis = micros.rem_euclid(1_000_000) / 1000;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let mark = if offset.is_none() { "Z" } else { "" };
        format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}.{millis:03}{mark}")
    }
}

struct Header {
    times: usize,
    kinds: usize,
    letters: usize,
    leaps: usize,
    standard: usize,
    universal: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Header> {
        let head = bytes.get(..44).filter(|head| head.starts_with(b"TZif") && head[4] >= b'2')?;
        let count = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?) as usize);
        let header = Header {
            universal: count(20)?,
            standard: count(24)?,
            leaps: count(28)?,
            times: count(32)?,
            kinds: count(36)?,
            letters: count(40)?,
        };
        // The file is small, so a larger count is a lie that must not reach the arithmetic below.
        let largest = [header.universal, header.standard, header.leaps, header.times, header.kinds, header.letters];
        largest.iter().all(|count| *count <= FILE_BYTES as usize).then_some(header)
    }

    /// Bytes of the block behind this header, with times of this size.
    fn length(&self, time: usize) -> usize {
        let Header { times, kinds, letters, leaps, standard, universal } = self;
        times * time + times + kinds * 6 + letters + leaps * (time + 4) + standard + universal
    }
}

/// Year, month, day of a day number since 1970-01-01 (proleptic Gregorian; Howard Hinnant, chrono-compatible algorithms).
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_show_as_date_and_time() {
        let utc = Zone::default();
        assert_eq!(utc.show(0), "1970-01-01 00:00:00.000");
        assert_eq!(utc.show(1_709_210_096_789_000), "2024-02-29 12:34:56.789");
        let shanghai = Zone { first: 8 * 3600, ..Zone::default() };
        assert_eq!(shanghai.show(1_709_222_399_000_000), "2024-02-29 23:59:59.000");
        let berlin = Zone { changes: vec![(100, 7200)], first: 3600, ends: true };
        assert_eq!(berlin.show(50_000_000), "1970-01-01 01:00:50.000");
        assert_eq!(berlin.show(200_000_000), "1970-01-01 00:03:20.000Z");
    }

    #[test]
    fn files_of_the_machine_read_and_broken_ones_do_not_panic() {
        let Ok(bytes) = std::fs::read("/usr/share/zoneinfo/Asia/Shanghai") else {
            return println!("skipped: no time zone data on this machine");
        };
        let zone = Zone::parse(&bytes).unwrap();
        assert_eq!(zone.show(1_700_000_000_000_000), "2023-11-15 06:13:20.000");
        for cut in 0..bytes.len() {
            let _ = Zone::parse(&bytes[..cut]);
            let mut changed = bytes.clone();
            changed[cut] = 0xff;
            let _ = Zone::parse(&changed).map(|zone| zone.show(1));
        }
    }
}
