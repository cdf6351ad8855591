//! Times of feeds as microseconds since 1970.

use ::time::format_description::well_known::Rfc3339;
use ::time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Microseconds of a time as feeds write it: RFC 3339, `2026-08-22`, `2026-08-22 03:00:29` (UTC), or seconds since
/// 1970 (what has 13 digits or more is milliseconds). `None` when it is none of these.
pub fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        let scale = if number.unsigned_abs() >= 1_000_000_000_000 { 1_000 } else { 1_000_000 };
        return number.checked_mul(scale).filter(|time_us| *time_us >= 0);
    }
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return i64::try_from(time.unix_timestamp_nanos() / 1_000).ok();
    }
    plain(text)
}

/// A date, with or without a time of day, in UTC.
fn plain(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || parts.next().is_some() {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let clock = clock.trim_end_matches("UTC").trim_end_matches('Z').trim();
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second = parts.next().map_or(Some(0), |text| text.split('.').next()?.parse().ok())?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    let at = PrimitiveDateTime::new(date, time).assume_offset(UtcOffset::UTC);
    i64::try_from(at.unix_timestamp_nanos() / 1_000).ok()
}

/// RFC 3339 with `digits` (3 or 6) of the second, in UTC: how STIX (at least 3) and TAXII (6) want it.
pub fn rfc3339(time_us: i64, digits: usize) -> String {
    let nanos = i128::from(time_us) * 1_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let fraction = if digits >= 6 { time.microsecond() } else { u32::from(time.millisecond()) };
    let digits = if digits >= 6 { 6 } else { 3 };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{fraction:0digits$}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The day alone, `2026-08-22`.
pub fn day(time_us: i64) -> String {
    rfc3339(time_us, 3)[..10].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_feeds_are_read_and_written() {
        let us = 1_787_360_429_000_000;
        for text in ["2026-08-22T01:00:29Z", "2026-08-22T03:00:29+02:00", "2026-08-22 01:00:29", "1787360429"] {
            assert_eq!(micros(text), Some(us), "{text}");
        }
        assert_eq!(micros("1787360429000"), Some(us));
        assert_eq!(micros("2026-08-22"), Some(us - (3600 + 29) * 1_000_000));
        assert_eq!(rfc3339(us + 1_500, 3), "2026-08-22T01:00:29.001Z");
        assert_eq!(rfc3339(us + 1_500, 6), "2026-08-22T01:00:29.001500Z");
        assert_eq!(day(us), "2026-08-22");
        for text in ["", "never", "2026-13-01", "2026-02-30", "99999999999999999999", "-5", "20-1-1", "2026-08-22T"] {
            assert_eq!(micros(text), None, "{text}");
        }
        assert_eq!(rfc3339(i64::MAX, 3), "1970-01-01T00:00:00.000Z", "what no calendar holds");
    }
}
