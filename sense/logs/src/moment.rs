//! Times as logs write them, read without allocation into µs since the Unix epoch.

use crate::zone::Zone;
use base::Micros;

const SECOND: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of its year.
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year of a count of days since 1970-01-01.
pub(crate) fn year(days_since: i64) -> i64 {
    // Never past the year sought, on either side of 1970.
    let mut year = 1970 + days_since.div_euclid(if days_since < 0 { 365 } else { 366 });
    while days(year + 1, 1, 1) <= days_since {
        year += 1;
    }
    year
}

/// A reader of digits and separators that never goes past the end.
struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Self {
        Cursor { bytes: text.as_bytes(), at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let slice = self.bytes.get(self.at..self.at + digits)?;
        let mut value = 0;
        for byte in slice {
            value = value * 10 + i64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        }
        self.at += digits;
        Some(value)
    }

    /// A day of the month that may be padded with a space or stand alone.
    fn day(&mut self) -> Option<i64> {
        let _ = self.take(b' ');
        let two = self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        self.number(if two { 2 } else { 1 })
    }

    fn month(&mut self) -> Option<i64> {
        let name = self.bytes.get(self.at..self.at + 3)?;
        let place = MONTHS.chunks_exact(3).position(|month| month == name)?;
        self.at += 3;
        Some(place as i64 + 1)
    }

    /// `hh:mm:ss` as seconds of the day; a leap second counts as the second before.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.take(b':')?;
        let minute = self.number(2)?;
        self.take(b':')?;
        let second = self.number(2)?;
        (hour < 24 && minute < 60 && second < 61).then(|| hour * 3600 + minute * 60 + second.min(59))
    }

    /// A fraction of a second behind `.` or `,`, µs; further digits are passed over.
    fn fraction(&mut self) -> i64 {
        if !matches!(self.peek(), Some(b'.' | b',')) {
            return 0;
        }
        self.at += 1;
        let (mut value, mut digits) = (0, 0);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if digits < 6 {
                value = value * 10 + i64::from(digit - b'0');
                digits += 1;
            }
            self.at += 1;
        }
        value * 10_i64.pow(6 - digits)
    }

    /// `Z`, `+hh:mm`, `+hhmm` or `+hh`, seconds east of Greenwich; `None` where none stands.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.peek()? {
            b'Z' | b'z' => {
                self.at += 1;
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let start = self.at;
        self.at += 1;
        let zone = self.number(2).map(|hours| {
            let _ = self.take(b':');
            hours * 3600 + self.number(2).unwrap_or(0) * 60
        });
        if zone.is_none() {
            self.at = start;
        }
        zone.map(|seconds| sign * seconds)
    }
}

fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| days(year, month, day) * DAY_S)
}

/// RFC 3339 and its looser kin: `2003-10-11T22:14:15.003Z`, `2003-10-11 22:14:15,003 +0200`. Without a zone the
/// host's own is taken. Gives the time and how many bytes it took.
pub fn rfc3339(text: &str, zone: &Zone) -> Option<(Micros, usize)> {
    let mut cursor = Cursor::new(text);
    let year = cursor.number(4)?;
    cursor.take(b'-')?;
    let month = cursor.number(2)?;
    cursor.take(b'-')?;
    let day = cursor.number(2)?;
    if !matches!(cursor.peek()?, b'T' | b't' | b' ') {
        return None;
    }
    cursor.at += 1;
    let local = date(year, month, day)? + cursor.clock()?;
    let fraction = cursor.fraction();
    let mut behind = Cursor { bytes: cursor.bytes, at: cursor.at };
    // A space before the zone belongs to it only where a zone follows.
    let _ = behind.take(b' ');
    let seconds = match behind.zone() {
        Some(offset) => {
            cursor.at = behind.at;
            local - offset
        }
        None => zone.utc(local),
    };
    Some((seconds * SECOND + fraction, cursor.at))
}

/// The time of access logs: `10/Oct/2000:13:55:36 -0700`.
pub fn common_log(text: &str) -> Option<Micros> {
    let mut cursor = Cursor::new(text);
    let day = cursor.number(2)?;
    cursor.take(b'/')?;
    let month = cursor.month()?;
    cursor.take(b'/')?;
    let year = cursor.number(4)?;
    cursor.take(b':')?;
    let local = date(year, month, day)? + cursor.clock()?;
    cursor.take(b' ')?;
    let offset = cursor.zone()?;
    (cursor.at == text.len()).then(|| (local - offset) * SECOND)
}

/// The time of RFC 3164, `Oct 11 22:14:15`, which names neither year nor zone: it is the latest such moment that is
/// not more than a day after `now`. Gives the time and how many bytes it took.
pub fn bsd(text: &str, now: Micros, zone: &Zone) -> Option<(Micros, usize)> {
    let mut cursor = Cursor::new(text);
    let month = cursor.month()?;
    cursor.take(b' ')?;
    let day = cursor.day()?;
    cursor.take(b' ')?;
    // Some devices write the year all the same.
    let named = cursor.bytes.get(cursor.at + 4) == Some(&b' ');
    let given = if named { Some(cursor.number(4)?) } else { None };
    if named {
        cursor.take(b' ')?;
    }
    let clock = cursor.clock()?;
    let fraction = cursor.fraction();
    let now_s = now.div_euclid(SECOND);
    let this = year((now_s + zone.offset(now_s)).div_euclid(DAY_S));
    let at = |year: i64| Some(zone.utc(date(year, month, day)? + clock));
    let seconds = match given {
        Some(year) => at(year)?,
        None => {
            let candidates = [this + 1, this, this - 1];
            let mut past = candidates.into_iter().filter_map(at).filter(|time| *time <= now_s + DAY_S);
            past.next()?
        }
    };
    Some((seconds * SECOND + fraction, cursor.at))
}

/// The time of nginx's error log, `2024/01/02 03:04:05`, in the host's zone.
pub fn slashed(text: &str, zone: &Zone) -> Option<Micros> {
    let mut cursor = Cursor::new(text);
    let year = cursor.number(4)?;
    cursor.take(b'/')?;
    let month = cursor.number(2)?;
    cursor.take(b'/')?;
    let day = cursor.number(2)?;
    cursor.take(b' ')?;
    let local = date(year, month, day)? + cursor.clock()?;
    Some(zone.utc(local) * SECOND + cursor.fraction())
}

/// The time of `ctime(3)`, `Mon Sep 17 10:11:12 2018` (Apache adds a fraction), in the host's zone. Gives the time and
/// how many bytes it took.
pub fn ctime(text: &str, zone: &Zone) -> Option<(Micros, usize)> {
    let mut cursor = Cursor::new(text);
    cursor.at = 3;
    cursor.take(b' ')?;
    let month = cursor.month()?;
    cursor.take(b' ')?;
    let day = cursor.day()?;
    cursor.take(b' ')?;
    let clock = cursor.clock()?;
    let fraction = cursor.fraction();
    cursor.take(b' ')?;
    let local = date(cursor.number(4)?, month, day)? + clock;
    Some((zone.utc(local) * SECOND + fraction, cursor.at))
}

/// Seconds since the epoch with an optional fraction, `1364481363.243`; milliseconds and finer are told by their size.
pub fn epoch(text: &str) -> Option<Micros> {
    let mut cursor = Cursor::new(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(9..=19).contains(&digits) {
        return None;
    }
    let whole: i64 = text.get(..digits)?.parse().ok()?;
    cursor.at = digits;
    let fraction = cursor.fraction();
    match digits {
        9..=11 => Some(whole * SECOND + fraction),
        12..=14 => whole.checked_mul(1000),
        15..=16 => Some(whole),
        _ => Some(whole / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NEW_YEAR_2024: i64 = 1_704_067_200;

    #[test]
    fn the_forms_of_time_read() {
        let utc = Zone::fixed(0);
        let east = Zone::fixed(8 * 3600);
        let at = |seconds: i64, micros: i64| seconds * SECOND + micros;
        assert_eq!(rfc3339("2024-01-01T00:00:00Z", &east), Some((at(NEW_YEAR_2024, 0), 20)));
        assert_eq!(rfc3339("2024-01-01T08:00:00.25+08:00 host", &utc), Some((at(NEW_YEAR_2024, 250_000), 28)));
        assert_eq!(rfc3339("2024-01-01 08:00:00,003 x", &east), Some((at(NEW_YEAR_2024, 3_000), 23)));
        assert_eq!(rfc3339("2024-01-01 02:00:00 +0200", &utc), Some((at(NEW_YEAR_2024, 0), 25)));
        assert_eq!(rfc3339("2024-13-01T00:00:00Z", &utc), None);
        assert_eq!(common_log("10/Oct/2000:13:55:36 -0700"), Some(at(971_211_336, 0)));
        assert_eq!(slashed("2024/01/01 08:00:00", &east), Some(at(NEW_YEAR_2024, 0)));
        assert_eq!(ctime("Mon Jan  1 00:00:00.5 2024", &utc), Some((at(NEW_YEAR_2024, 500_000), 26)));
        assert_eq!(epoch("1364481363.243"), Some(at(1_364_481_363, 243_000)));
        assert_eq!(epoch("1364481363243"), Some(at(1_364_481_363, 243_000)));
        assert_eq!(epoch("12"), None);
    }

    #[test]
    fn a_time_without_a_year_is_the_latest_past_one() {
        let utc = Zone::fixed(0);
        let now = (NEW_YEAR_2024 + 60) * SECOND;
        assert_eq!(bsd("Jan  1 00:00:30 h", now, &utc), Some(((NEW_YEAR_2024 + 30) * SECOND, 15)));
        assert_eq!(bsd("Dec 31 23:59:59", now, &utc), Some(((NEW_YEAR_2024 - 1) * SECOND, 15)));
        // A clock that runs a little ahead over the turn of the year.
        let before = (NEW_YEAR_2024 - 10) * SECOND;
        assert_eq!(bsd("Jan 1 00:00:05", before, &utc), Some(((NEW_YEAR_2024 + 5) * SECOND, 14)));
        assert_eq!(bsd("Jan  1 2024 00:00:05", now, &utc), Some(((NEW_YEAR_2024 + 5) * SECOND, 20)));
    }

    proptest! {
        #[test]
        fn hostile_times_never_panic(text in "\\PC{0,40}", now in any::<i64>()) {
            let zone = Zone::fixed(3600);
            let now = now / 4;
            let _ = (rfc3339(&text, &zone), common_log(&text), bsd(&text, now, &zone));
            let _ = (slashed(&text, &zone), ctime(&text, &zone), epoch(&text));
        }

        #[test]
        fn days_and_years_agree(day in -200_000_i64..200_000) {
            let found = year(day);
            prop_assert!(days(found, 1, 1) <= day && day < days(found + 1, 1, 1));
        }
    }
}
