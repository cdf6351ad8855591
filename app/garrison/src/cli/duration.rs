//! Spans of time as people write and read them.

use super::fault;
use base::Fault;

/// Seconds of `90s`, `10m`, `2h`, `7d` or a bare number of seconds.
pub fn seconds(text: &str) -> base::Result<u64> {
    let wrong = || Fault::new(&fault::BAD_SPAN).found(text);
    let (digits, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

/// Seconds as the two largest units: `2h 5m`.
pub fn words(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0);
    let text: Vec<String> = shown.map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".into() } else { text.join(" ") }
}

/// µs as the unit that fits: `850 µs`, `12.3 ms`, `1.5 s`.
pub fn micros(micros: i64) -> String {
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        1_000_000..60_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => words(micros / 1_000_000),
    }
}

/// Bytes as the binary unit that fits: `1.5 GiB`.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let step = (bytes.checked_ilog2().unwrap_or(0) / 10).min(5) as usize;
    if step == 0 {
        format!("{bytes} B")
    } else {
        format!("{:.1} {}", bytes as f64 / 1024f64.powi(step as i32), units[step])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        assert_eq!(seconds("10m").unwrap(), 600);
        assert_eq!(seconds("7d").unwrap(), 604_800);
        assert_eq!(seconds("90").unwrap(), 90);
        for bad in ["", "m", "1w", "1.5h", "-1s", "99999999999999999999d", "10 m"] {
            assert!(seconds(bad).is_err_and(|fault| fault.is(&fault::BAD_SPAN)), "{bad}");
        }
        assert_eq!(
            (words(0), words(59), words(7500), words(90_000)),
            ("0s".into(), "59s".into(), "2h 5m".into(), "1d 1h".into())
        );
        assert_eq!(
            (micros(850), micros(12_300), micros(1_500_000)),
            ("850 µs".into(), "12.3 ms".into(), "1.5 s".into())
        );
        assert_eq!(
            (bytes(0), bytes(1023), bytes(1536), bytes(3 << 40)),
            ("0 B".into(), "1023 B".into(), "1.5 KiB".into(), "3.0 TiB".into())
        );
    }
}
