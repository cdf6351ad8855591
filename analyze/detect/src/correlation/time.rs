//! Time spans.

use super::limits::SPAN_S;

/// µs of `30s`, `5m`, `2h`, `1d`, from a second to [`SPAN_S`].
pub(super) fn span_us(text: &str) -> Option<i64> {
    let (at, unit) = text.char_indices().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &text[..at];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (1..=SPAN_S).contains(&seconds).then_some(seconds as i64 * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        for (text, seconds) in [("1s", 1), ("90m", 5400), ("24h", 86_400), ("30d", 2_592_000), ("007m", 420)] {
            assert_eq!(span_us(text), Some(seconds * 1_000_000), "{text}");
        }
        for text in
            ["", "5", "m", "0s", "31d", "-5m", "+5m", "5 m", "1.5h", "5M", "5w", "99999999999999999999s", "1é", "é"]
        {
            assert_eq!(span_us(text), None, "{text}");
        }
    }
}
