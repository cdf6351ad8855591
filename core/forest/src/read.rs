//! From LightGBM's text (format `v4` and those before it) to nodes. `key=value` lines; a tree is a run of them behind
//! `Tree=n`, ended by the next one or by `end of trees`.

use crate::evaluate::{Forest, Missing, Node, Tree};
use crate::fault::{MALFORMED, TOO_LARGE, UNSUPPORTED};
use base::{Fault, Result};
use std::collections::BTreeMap;
use std::str::FromStr;

/// Largest text, bytes: stops a model file from filling memory.
const TEXT: usize = 32 * 1024 * 1024;
/// Most trees.
const TREES: usize = 10_000;
/// Most leaves of a tree: numbers of nodes fit 15 bits.
const LEAVES: usize = 16_384;
/// Most features.
const FEATURES: usize = 16_384;

/// A run of `key=value` lines and where it begins.
struct Section<'t> {
    line: usize,
    fields: BTreeMap<&'t str, &'t str>,
}

impl<'t> Section<'t> {
    fn fault(&self, code: &'static base::Code, key: &str) -> Fault {
        Fault::new(code).object(format!("line {}, {key}", self.line))
    }

    fn field(&self, key: &str) -> Result<&'t str> {
        self.fields.get(key).copied().ok_or_else(|| self.fault(&MALFORMED, key).expected("a value").found("nothing"))
    }

    fn number<T: FromStr>(&self, key: &str) -> Result<T> {
        let text = self.field(key)?;
        text.parse().map_err(|_| self.fault(&MALFORMED, key).expected("a number").found(shown(text)))
    }

    /// A list of exactly so many numbers.
    fn list<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>> {
        let text = if count == 0 { self.fields.get(key).copied().unwrap_or("") } else { self.field(key)? };
        let mut list = Vec::with_capacity(count.min(text.len()));
        for word in text.split_ascii_whitespace() {
            let number = word.parse();
            list.push(number.map_err(|_| self.fault(&MALFORMED, key).expected("a number").found(shown(word)))?);
        }
        if list.len() != count {
            return Err(self.fault(&MALFORMED, key).expected(format!("{count} values")).found(list.len()));
        }
        Ok(list)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Forest {
    /// Reads a model.
    ///
    /// # Errors
    /// [`MALFORMED`] with the line, [`UNSUPPORTED`] with the form, [`TOO_LARGE`] with the limit.
    pub fn read(text: &str) -> Result<Forest> {
        if text.len() > TEXT {
            return Err(Fault::new(&TOO_LARGE)
                .object("model")
                .expected(format!("at most {TEXT} bytes"))
                .found(text.len()));
        }
        let mut sections = sections(text)?.into_iter();
        let header = sections.next().ok_or_else(|| Fault::new(&MALFORMED).object("model").expected("a header"))?;
        let mut forest = head(&header)?;
        for section in sections {
            if forest.trees.len() >= TREES {
                return Err(section.fault(&TOO_LARGE, "Tree").expected(format!("at most {TREES} trees")));
            }
            forest.grow(&section)?;
        }
        Ok(forest)
    }

    fn grow(&mut self, section: &Section<'_>) -> Result<()> {
        let leaves: usize = section.number("num_leaves")?;
        if leaves == 0 || leaves > LEAVES {
            return Err(section.fault(&TOO_LARGE, "num_leaves").expected(format!("1 to {LEAVES}")).found(leaves));
        }
        for key in ["num_cat", "is_linear"] {
            if section.fields.get(key).is_some_and(|value| *value != "0") {
                return Err(section.fault(&UNSUPPORTED, key).expected("0"));
            }
        }
        let splits = leaves - 1;
        let features: Vec<u16> = section.list("split_feature", splits)?;
        let thresholds: Vec<f64> = section.list("threshold", splits)?;
        let decisions: Vec<u8> = section.list("decision_type", splits)?;
        let lefts: Vec<i16> = section.list("left_child", splits)?;
        let rights: Vec<i16> = section.list("right_child", splits)?;
        let values: Vec<f64> = section.list("leaf_value", leaves)?;
        if values.iter().any(|value| !value.is_finite()) || thresholds.iter().any(|value| value.is_nan()) {
            return Err(section.fault(&MALFORMED, "leaf_value, threshold").expected("numbers"));
        }
        if features.iter().any(|feature| usize::from(*feature) >= self.names.len()) {
            return Err(section.fault(&MALFORMED, "split_feature").expected(format!("below {}", self.names.len())));
        }
        check_shape(section, &lefts, &rights, leaves)?;
        self.trees.push(Tree { nodes: self.nodes.len() as u32, leaves: self.leaves.len() as u32, splits: splits > 0 });
        for index in 0..splits {
            let (missing, missing_left) = decision(section, decisions[index])?;
            self.nodes.push(Node {
                threshold: round_down(thresholds[index]),
                feature: features[index],
                left: lefts[index],
                right: rights[index],
                missing,
                missing_left,
            });
        }
        self.leaves.extend(values.into_iter().map(|value| value as f32));
        Ok(())
    }
}

/// The text cut at `Tree=n`; what stands behind `end of trees` is left aside.
fn sections(text: &str) -> Result<Vec<Section<'_>>> {
    let mut sections = vec![Section { line: 1, fields: BTreeMap::new() }];
    let mut ended = false;
    for (index, line) in text.lines().enumerate() {
        if line == "end of trees" {
            ended = true;
            break;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if key == "Tree" {
            sections.push(Section { line: index + 1, fields: BTreeMap::new() });
        } else if let Some(section) = sections.last_mut() {
            section.fields.insert(key, value);
        }
    }
    if !ended {
        return Err(Fault::new(&MALFORMED).object("model").expected("`end of trees`").found("the end of the text"));
    }
    Ok(sections)
}

fn head(header: &Section<'_>) -> Result<Forest> {
    let count = header.number::<usize>("max_feature_idx")?.saturating_add(1);
    if count > FEATURES {
        return Err(header.fault(&TOO_LARGE, "max_feature_idx").expected(format!("below {FEATURES}")).found(count - 1));
    }
    let names: Vec<String> = header.field("feature_names")?.split_ascii_whitespace().map(str::to_owned).collect();
    if names.len() != count {
        return Err(header.fault(&MALFORMED, "feature_names").expected(format!("{count} names")).found(names.len()));
    }
    if header.fields.get("num_class").is_some_and(|classes| *classes != "1") {
        return Err(header.fault(&UNSUPPORTED, "num_class").expected("1"));
    }
    Ok(Forest { names, nodes: Vec::new(), leaves: Vec::new(), trees: Vec::new(), sigmoid: sigmoid(header)? })
}

/// The slope of the link that the objective wants.
fn sigmoid(header: &Section<'_>) -> Result<Option<f64>> {
    let objective = header.field("objective")?;
    let mut words = objective.split_ascii_whitespace();
    match words.next() {
        Some("binary") => {
            let slope = words.find_map(|word| word.strip_prefix("sigmoid:")).unwrap_or("1").parse::<f64>();
            let slope = slope.ok().filter(|slope| slope.is_finite() && *slope > 0.0);
            slope.map(Some).ok_or_else(|| header.fault(&MALFORMED, "objective").found(shown(objective)))
        }
        Some("cross_entropy") => Ok(Some(1.0)),
        Some("regression" | "regression_l1" | "huber" | "fair" | "quantile") if !objective.contains("sqrt") => Ok(None),
        _ => Err(header.fault(&UNSUPPORTED, "objective").found(shown(objective))),
    }
}

/// A tree is one: every node but the first and every leaf is the child of exactly one node before it.
fn check_shape(section: &Section<'_>, lefts: &[i16], rights: &[i16], leaves: usize) -> Result<()> {
    let mut nodes = vec![false; lefts.len()];
    let mut ends = vec![false; leaves];
    for (parent, child) in lefts.iter().enumerate().chain(rights.iter().enumerate()) {
        let seen = match usize::try_from(*child) {
            Ok(node) if node > parent => nodes.get_mut(node),
            Ok(_) => None,
            Err(_) => ends.get_mut(usize::from((!*child).cast_unsigned())),
        };
        match seen {
            Some(seen) if !*seen => *seen = true,
            _ => {
                let fault = section.fault(&MALFORMED, "left_child, right_child");
                return Err(fault.expected("each node and leaf once, behind its parent").found(child));
            }
        }
    }
    Ok(())
}

/// `decision_type`: bit 0 a categorical split, bit 1 missing values go left, bits 2 and 3 what is missing.
fn decision(section: &Section<'_>, bits: u8) -> Result<(Missing, bool)> {
    let missing = match (bits & 1, bits >> 2) {
        (0, 0) => Missing::None,
        (0, 1) => Missing::Zero,
        (0, 2) => Missing::Nan,
        _ => return Err(section.fault(&UNSUPPORTED, "decision_type").expected("a numerical split").found(bits)),
    };
    Ok((missing, bits & 2 != 0))
}

/// The greatest 32-bit float that is not above.
fn round_down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "tree\nnum_class=1\nmax_feature_idx=1\nobjective=binary sigmoid:1\nfeature_names=a b\n";
    const TREE: &str = "\nTree=0\nnum_leaves=3\nsplit_feature=1 0\nthreshold=0.5 0.1\ndecision_type=2 8\nleft_child=1 -2\nright_child=-1 -3\nleaf_value=-1 1 2.5\n";

    fn model(tree: &str) -> String {
        format!("{HEAD}{tree}end of trees\n")
    }

    #[test]
    fn a_small_tree_is_walked() {
        let forest = Forest::read(&model(TREE)).unwrap();
        assert_eq!(forest.names(), ["a", "b"]);
        assert_eq!(forest.raw(&[0.0, 0.6]), -1.0);
        assert_eq!(forest.raw(&[0.05, 0.5]), 1.0);
        assert_eq!(forest.raw(&[0.1, 0.5]), 2.5, "0.1 in 32 bits is above 0.1 in 64");
        assert_eq!(forest.raw(&[f32::NAN, 0.0]), 2.5);
        assert_eq!(forest.raw(&[]), 2.5);
        assert!((forest.score(&[0.0, 0.6]) - 0.268_941_42).abs() < 1e-6);
    }

    #[test]
    fn a_tree_of_one_leaf_is_a_constant() {
        let forest = Forest::read(&model("\nTree=0\nnum_leaves=1\nleaf_value=0.25\n")).unwrap();
        assert_eq!(forest.raw(&[1.0]), 0.25);
    }

    #[test]
    fn bad_models_are_named_faults() {
        for (from, to, code) in [
            ("left_child=1 -2", "left_child=0 -2", &MALFORMED),
            ("left_child=1 -2", "left_child=1 -9", &MALFORMED),
            ("left_child=1 -2", "left_child=1 -1", &MALFORMED),
            ("left_child=1 -2", "left_child=7 -2", &MALFORMED),
            ("num_leaves=3", "num_leaves=4", &MALFORMED),
            ("num_leaves=3", "num_leaves=99999999", &TOO_LARGE),
            ("num_leaves=3", "num_leaves=0", &TOO_LARGE),
            ("split_feature=1 0", "split_feature=1 2", &MALFORMED),
            ("threshold=0.5", "threshold=nan", &MALFORMED),
            ("threshold=0.5", "threshold=x", &MALFORMED),
            ("leaf_value=-1", "leaf_value=inf", &MALFORMED),
            ("decision_type=2 8", "decision_type=1 8", &UNSUPPORTED),
            ("decision_type=2 8", "decision_type=2 14", &UNSUPPORTED),
            ("num_class=1", "num_class=3", &UNSUPPORTED),
            ("objective=binary sigmoid:1", "objective=multiclass num_class:3", &UNSUPPORTED),
            ("objective=binary sigmoid:1", "objective=binary sigmoid:-1", &MALFORMED),
            ("feature_names=a b", "feature_names=a", &MALFORMED),
            ("max_feature_idx=1", "max_feature_idx=99999", &TOO_LARGE),
            ("end of trees", "", &MALFORMED),
        ] {
            let text = model(TREE);
            assert!(text.contains(from));
            let fault = Forest::read(&text.replacen(from, to, 1)).unwrap_err();
            assert!(fault.is(code), "{from} → {to}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_model_or_a_fault(text in ".{0,300}", cut in 0usize..400, tail in "[-0-9 =.\nA-z]{0,60}") {
            let _ = Forest::read(&text);
            let whole = model(TREE);
            let mut changed = whole[..cut.min(whole.len())].to_owned();
            changed.push_str(&tail);
            changed.push_str(&whole[cut.min(whole.len())..]);
            if let Ok(forest) = Forest::read(&changed) {
                prop_assert!(forest.score(&[0.3, f32::INFINITY]).is_finite());
            }
        }

        #[test]
        fn rounding_keeps_every_comparison(threshold in any::<f64>(), value in any::<f32>()) {
            prop_assume!(!threshold.is_nan() && !value.is_nan());
            prop_assert_eq!(f64::from(value) <= threshold, value <= round_down(threshold));
        }
    }
}
