//! Rules that held of the value, by what they are against.

use super::Group;
use crate::category::Counts;
use crate::text::Text;

pub(super) struct Rules;

/// In the order of [`crate::category::Category`].
const NAMES: &[&str] = &[
    "rule_sql",
    "rule_script",
    "rule_command",
    "rule_file",
    "rule_remote",
    "rule_php",
    "rule_java",
    "rule_generic",
    "rule_session",
];
/// Beyond this more rules say nothing more: releases of CRS differ in how many they spend on one thing.
const MOST: u32 = 3;

impl Group for Rules {
    fn names(&self) -> Vec<String> {
        NAMES.iter().map(ToString::to_string).chain(["rules".to_owned()]).collect()
    }

    fn measure(&self, _: &Text<'_>, hits: &Counts, row: &mut Vec<f32>) {
        row.extend(hits.0.map(|count| count.min(MOST) as f32));
        row.push(hits.0.iter().filter(|count| **count > 0).count() as f32);
    }
}
