//! `verifyCC`, `verifySSN`, `verifyCPF`, `verifySVNR`: numbers that a regular expression finds and a check digit proves.

use super::rx::Expression;
use super::{Captures, Guard, Matcher, Operator};
use base::Result;

/// Most numbers of one value that are checked; the rest is not looked at.
const CANDIDATES: usize = 4096;
/// Most bytes of found texts looked at, as a multiple of the value: a careless expression finds the same text from each
/// of its bytes again.
const WORK: usize = 64;

/// One of the four. A found text is checked from each of its places, so that a longer run of digits is no hiding place.
pub struct Verify {
    name: &'static str,
    check: fn(&[u8]) -> bool,
}

impl Verify {
    /// `@verifyCC`: payment cards (Luhn's check digit, ISO/IEC 7812-1).
    pub const CARD: Verify = Verify { name: "verifycc", check: luhn };
    /// `@verifySSN`: social security numbers of the United States.
    pub const SSN: Verify = Verify { name: "verifyssn", check: ssn };
    /// `@verifyCPF`: tax numbers of Brazil.
    pub const CPF: Verify = Verify { name: "verifycpf", check: cpf };
    /// `@verifySVNR`: social security numbers of Austria.
    pub const SVNR: Verify = Verify { name: "verifysvnr", check: svnr };
}

impl Operator for Verify {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { expression: Expression::new(argument)?, check: self.check }))
    }
}

struct Test {
    expression: Expression,
    check: fn(&[u8]) -> bool,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let (mut from, mut work) = (0, WORK.saturating_mul(value.len()));
        for _ in 0..CANDIDATES {
            let Some(found) = self.expression.find_at(value, from) else { return false };
            let text = &value[found.clone()];
            if (self.check)(text) {
                captures.into_iter().for_each(|captures| captures.0 = vec![Some(text.to_vec())]);
                return true;
            }
            let Some(rest) = work.checked_sub(found.end - from + 1) else { return false };
            (from, work) = (found.start + 1, rest);
        }
        false
    }

    fn guard(&self) -> Guard {
        let mut guard = self.expression.guard();
        guard.exact = false;
        guard
    }
}

/// The first `N` digits of a text, and how many it has.
fn digits<const N: usize>(text: &[u8]) -> ([u32; N], usize) {
    let mut out = [0; N];
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let count = digits.enumerate().map(|(at, byte)| {
        if let Some(place) = out.get_mut(at) {
            *place = u32::from(byte - b'0');
        }
    });
    let count = count.count();
    (out, count)
}

/// Every second digit from the right is doubled, of two digits the sum; all add up to a multiple of ten.
fn luhn(text: &[u8]) -> bool {
    let (mut sum, mut count) = (0, 0_usize);
    for byte in text.iter().rev().filter(|byte| byte.is_ascii_digit()) {
        let digit = u32::from(byte - b'0');
        sum += match (count % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        };
        count += 1;
    }
    count > 0 && sum % 10 == 0
}

/// Nine digits that neither repeat nor count up; no group is zero; the area is one that is given out.
fn ssn(text: &[u8]) -> bool {
    let (number, count) = digits::<9>(text);
    let step = |by: u32| number.windows(2).all(|pair| pair[1] == pair[0] + by);
    let group = |digits: &[u32]| digits.iter().fold(0, |number, digit| number * 10 + digit);
    let (area, middle, serial) = (group(&number[..3]), group(&number[3..5]), group(&number[5..]));
    count == 9 && !step(0) && !step(1) && area > 0 && middle > 0 && serial > 0 && area < 740 && area != 666
}

/// Eleven digits, the last two of which are weighted sums of those before, modulo eleven.
fn cpf(text: &[u8]) -> bool {
    let (number, count) = digits::<11>(text);
    let check = |digits: &[u32]| {
        let weights = (2..=digits.len() as u32 + 1).rev();
        let rest = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
        if rest < 2 { 0 } else { 11 - rest }
    };
    let repeated = number.windows(2).all(|pair| pair[0] == pair[1]);
    let counting = number == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    count >= 11 && !repeated && !counting && number[9] == check(&number[..9]) && number[10] == check(&number[..10])
}

/// Ten digits, the fourth of which is a weighted sum of the others, modulo eleven.
fn svnr(text: &[u8]) -> bool {
    let (number, count) = digits::<10>(text);
    let weights = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6];
    let sum = number.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    let repeated = number.windows(2).all(|pair| pair[0] == pair[1]);
    let counting = number == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] || number == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    count >= 10 && !repeated && !counting && number[3] == if sum == 10 { 0 } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_right_check_digit_are_found_in_longer_ones() {
        let test = Verify::CARD.build(br"\d{16}", &[]).unwrap();
        let mut captures = Captures::default();
        assert!(test.holds(b"a 94111111111111111 b", Some(&mut captures)));
        assert_eq!(captures.0, [Some(b"4111111111111111".to_vec())]);
        assert!(!test.holds(b"4111111111111112", None) && !test.holds(b"", None));
        assert!(ssn(b"219-09-9999") && !ssn(b"666-09-9999") && !ssn(b"123456789") && !ssn(b"219-00-9999"));
        assert!(cpf(b"529.982.247-25") && !cpf(b"529.982.247-26") && !cpf(b"111.111.111-11"));
        assert!(svnr(b"1237 010180") && !svnr(b"1238 010180"));
    }

    #[test]
    fn a_careless_expression_costs_no_square() {
        let test = Verify::CARD.build(br"\d+", &[]).unwrap();
        let value = [b"3".repeat(100_000), b"1".to_vec()].concat();
        let _ = test.holds(&value, None);
    }
}
