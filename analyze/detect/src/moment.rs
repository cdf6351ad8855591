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
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
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
pub(crate) fn part(time_us: i64, part: TimePart) -> i64 {
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

/// µs since the Unix epoch of `2026-02-03T04:05:06Z`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if text.len() != 20 || signs.iter().any(|(at, sign)| text.as_bytes()[*at] != *sign) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    fits.then(|| days(year, month, day) * DAY_US + ((hour * 60 + minute) * 60 + second) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let _ = all(i64::MIN);
        let _ = all(i64::MAX);
    }
}
