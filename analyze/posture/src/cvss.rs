//! Base scores of CVSS 3.0 and 3.1 (specification §7.1, Appendix A for the rounding).

use crate::fault;
use base::{Fault, Result};

/// The base score, 0.0–10.0.
///
/// # Errors
/// [`fault::BAD_VECTOR`] when a metric is missing, twice there or unknown.
pub fn base_score(vector: &str) -> Result<f64> {
    let bad = || Fault::new(&fault::BAD_VECTOR).object(crate::advisory::cut(vector, 120));
    let mut parts = vector.trim().split('/');
    let minor = match parts.next() {
        Some("CVSS:3.0") => 0,
        Some("CVSS:3.1") => 1,
        _ => return Err(bad()),
    };
    let mut metrics = [None; 8];
    for part in parts {
        let (name, value) = part.split_once(':').ok_or_else(bad)?;
        let Some(place) = NAMES.iter().position(|one| *one == name) else { continue };
        let letter = value.chars().next().filter(|_| value.len() == 1).ok_or_else(bad)?;
        if metrics[place].replace(letter).is_some() {
            return Err(bad());
        }
    }
    let mut letters = [' '; 8];
    for (letter, metric) in letters.iter_mut().zip(metrics) {
        *letter = metric.ok_or_else(bad)?;
    }
    score(letters, minor).ok_or_else(bad)
}

const NAMES: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];

fn score([vector, complexity, privileges, interaction, scope, c, i, a]: [char; 8], minor: u8) -> Option<f64> {
    let changed = match scope {
        'U' => false,
        'C' => true,
        _ => return None,
    };
    let weight = |letter: char, table: &[(char, f64)]| table.iter().find(|row| row.0 == letter).map(|row| row.1);
    let vector = weight(vector, &[('N', 0.85), ('A', 0.62), ('L', 0.55), ('P', 0.2)])?;
    let complexity = weight(complexity, &[('L', 0.77), ('H', 0.44)])?;
    let (low, high) = if changed { (0.68, 0.5) } else { (0.62, 0.27) };
    let privileges = weight(privileges, &[('N', 0.85), ('L', low), ('H', high)])?;
    let interaction = weight(interaction, &[('N', 0.85), ('R', 0.62)])?;
    let loss = |letter: char| weight(letter, &[('H', 0.56), ('L', 0.22), ('N', 0.0)]);
    let sub = 1.0 - (1.0 - loss(c)?) * (1.0 - loss(i)?) * (1.0 - loss(a)?);
    let impact = if changed { 7.52 * (sub - 0.029) - 3.25 * (sub - 0.02).powi(15) } else { 6.42 * sub };
    let exploitability = 8.22 * vector * complexity * privileges * interaction;
    if impact <= 0.0 {
        return Some(0.0);
    }
    let sum = if changed { 1.08 * (impact + exploitability) } else { impact + exploitability };
    Some(round_up(sum.min(10.0), minor))
}

/// Up to one decimal. 3.1 says it in whole numbers, so that 4.000001 of a floating point unit is still 4.0.
fn round_up(score: f64, minor: u8) -> f64 {
    if minor == 0 {
        return (score * 10.0).ceil() / 10.0;
    }
    let whole = (score * 100_000.0).round() as i64;
    if whole % 10_000 == 0 { whole as f64 / 100_000.0 } else { (whole / 10_000 + 1) as f64 / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_scores_come_out() {
        for (vector, wanted) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
            ("CVSS:3.0/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H", 6.1),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N/E:P", 3.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ] {
            assert_eq!(base_score(vector).unwrap(), wanted, "{vector}");
        }
        for vector in ["", "CVSS:4.0/AV:N", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"] {
            assert!(base_score(vector).is_err(), "{vector}");
        }
    }

    proptest! {
        #[test]
        fn any_text_scores_between_nought_and_ten(text in "CVSS:3\\.[01](/(AV|AC|PR|UI|S|C|I|A):[NLHRUCAP]){0,9}", other in "\\PC{0,30}") {
            if let Ok(score) = base_score(&text) {
                prop_assert!((0.0..=10.0).contains(&score));
            }
            prop_assert!(base_score(&other).is_err());
        }
    }
}
