//! Numbers as libmodsecurity reads them.

/// The number that a text begins with, 0 when there is none; beyond 64 bits it is the outermost (C's `atoll`).
pub fn long(text: &[u8]) -> i64 {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | 9..=13)).count();
    let text = &text[blanks..];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut number = 0_i64;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        number = number.saturating_mul(10).saturating_add(if negative { -digit } else { digit });
    }
    number
}

/// The same, but 0 when it does not fit 32 bits (C++'s `stoi`, as libmodsecurity uses it for `setvar` and `@eq`).
pub fn integer(text: &[u8]) -> i64 {
    let number = long(text);
    if i32::try_from(number).is_ok() { number } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_beginning() {
        let read = |text: &str| integer(text.as_bytes());
        assert_eq!(
            [read("5"), read(" -7x"), read("+3"), read(""), read("x1"), read("2147483647")],
            [5, -7, 3, 0, 0, 2_147_483_647]
        );
        assert_eq!([read("2147483648"), read("99999999999999999999999"), read("-2147483648")], [0, 0, -2_147_483_648]);
    }
}
