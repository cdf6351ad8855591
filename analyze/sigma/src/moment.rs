//! Parts of a time, UTC.

use crate::modifier::TimePart;

const DAY_US: i64 = 86_400_000_000;

/// Year, month and day of a number of days since 1970-01-01, proleptic Gregorian (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

/// The week of ISO 8601: the one with the year's first Thursday is week 1.
fn week(day: i64) -> i64 {
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    (thursday - days(civil(thursday).0, 1, 1)) / 7 + 1
}

/// A part of a time in µs since the Unix epoch.
pub fn part(time_us: i64, part: TimePart) -> i64 {
    let (day, of_day) = (time_us.div_euclid(DAY_US), time_us.rem_euclid(DAY_US));
    match part {
        TimePart::Minute => of_day / 60_000_000 % 60,
        TimePart::Hour => of_day / 3_600_000_000,
        TimePart::Day => civil(day).2,
        TimePart::Week => week(day),
        TimePart::Month => civil(day).1,
        TimePart::Year => civil(day).0,
    }
}

/// µs since the Unix epoch of a time as RFC 3339 writes it: `2026-02-03T04:05:06Z`, `2026-02-03 04:05:06.25+08:00`.
pub fn parse(text: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| whole(text.get(from..to)?);
    let bytes = text.as_bytes();
    let signs = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if bytes.len() < 20
        || signs.iter().any(|(at, sign)| bytes[*at] != *sign)
        || !matches!(bytes[10], b'T' | b't' | b' ')
    {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?),
        None => ("", rest),
    };
    let away = offset(zone)?;
    // Whole µs; what is finer is left out.
    let fraction = fraction.bytes().chain(*b"000000").take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let seconds = (hour * 60 + minute) * 60 + second - away;
    fits.then(|| days(year, month, day) * DAY_US + seconds * 1_000_000 + fraction)
}

fn whole(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':').or_else(|| zone.get(1..)?.split_at_checked(2))?;
    let (hours, minutes) = (whole(hours).filter(|_| hours.len() == 2)?, whole(minutes).filter(|_| minutes.len() == 2)?);
    Some(sign * (hours * 60 + minutes) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hostile_times_are_none_or_a_time(text in "[0-9T:. +zZé-]{0,30}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn parts_of_known_times() {
        let time = parse("2026-01-01T23:59:58Z").unwrap();
        assert_eq!(time, 1_767_311_998_000_000);
        let all = |time| {
            [TimePart::Year, TimePart::Month, TimePart::Day, TimePart::Week, TimePart::Hour, TimePart::Minute]
                .map(|one| part(time, one))
        };
        assert_eq!(all(time), [2026, 1, 1, 1, 23, 59]);
        assert_eq!(all(parse("2024-12-30T00:00:00Z").unwrap()), [2024, 12, 30, 1, 0, 0]);
        assert_eq!(all(parse("2021-01-03T10:00:00Z").unwrap()), [2021, 1, 3, 53, 10, 0]);
        assert_eq!(all(-1), [1969, 12, 31, 1, 23, 59]);
        assert!(
            parse("2026-13-01T00:00:00Z").is_none()
                && parse("2026-01-01").is_none()
                && parse("é026-01-01T00:00:00").is_none()
        );
        assert!((-200_000..200_000).all(|day| {
            let (y, m, d) = civil(day);
            days(y, m, d) == day
        }));
        let from_text = |text: &str| parse(text).map(|time| time - 1_767_311_998_000_000);
        assert_eq!(from_text("2026-01-02T07:59:58.5+08:00"), Some(500_000));
        assert_eq!(from_text("2026-01-01 18:59:58.1234567-0500"), Some(123_456));
        for text in ["2026-01-01T23:59:58", "2026-01-01T23:59:58.", "2026-01-01T23:59:58+8", "2026-01-01T23:59:58.1é"]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
        let _ = all(i64::MIN);
        let _ = all(i64::MAX);
    }
}
