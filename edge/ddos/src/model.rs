//! The learned judgement of a window, beside the rules.

use crate::fault::{BANDS, FEATURES};
use crate::{Window, feature};
use base::{Fault, Result};
use forest::Forest;

/// What the model thinks of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// Probability that it is an attack, 0 to 1.
    pub probability: f32,
    /// Whether it stands above all but one in a thousand windows of users of a style that the training never saw.
    pub attack: bool,
    /// Whether it stands below nearly all attacks.
    pub clean: bool,
}

/// A model that `make train-ddos` wrote, read once.
#[derive(Debug, Clone)]
pub struct Model {
    forest: Forest,
    lower_at: f32,
    raise_at: f32,
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// Those of [`Forest::read`]; [`FEATURES`] when it was trained on other figures; [`BANDS`] when its bands are missing.
    pub fn read(text: &str) -> Result<Model> {
        let forest = Forest::read(text)?;
        let names = feature::names();
        if forest.names() != names {
            let differs = names.iter().zip(forest.names()).find(|(ours, theirs)| *ours != theirs);
            let found = differs.map_or_else(|| format!("{} figures", forest.names().len()), |(_, name)| name.clone());
            let expected = differs.map_or_else(|| format!("{} figures", names.len()), |(name, _)| (*name).into());
            return Err(Fault::new(&FEATURES).object("model").expected(expected).found(found));
        }
        let line = text.lines().find_map(|line| line.strip_prefix("garrison_bands="));
        let bands: Vec<f32> = line.unwrap_or("").split(' ').filter_map(|word| word.parse().ok()).collect();
        match bands[..] {
            [lower_at, raise_at] if lower_at <= raise_at => Ok(Model { forest, lower_at, raise_at }),
            _ => Err(Fault::new(&BANDS)
                .object("model")
                .expected("garrison_bands=LOWER RAISE")
                .found(line.unwrap_or("none"))),
        }
    }

    /// Judges a window; `None` when it has too few samples to have a shape.
    pub fn judge(&self, window: &Window) -> Option<Opinion> {
        if window.shape.samples < crate::shape::FEWEST {
            return None;
        }
        let probability = self.forest.score(&feature::row(window)) as f32;
        Some(Opinion { probability, attack: probability >= self.raise_at, clean: probability <= self.lower_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_other_figures_is_refused() {
        let text = |names: &str| {
            format!(
                "tree\ngarrison_bands=0.1 0.9\nmax_feature_idx={}\nobjective=binary sigmoid:1\nfeature_names={names}\n\nTree=0\nnum_leaves=2\n\
                 split_feature=1\nthreshold=0.5\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 1\n\nend of trees\n",
                names.split(' ').count() - 1
            )
        };
        assert!(Model::read(&text("a b")).unwrap_err().is(&FEATURES));
        let names = feature::names().join(" ");
        assert!(Model::read(&text(&names)).is_ok());
        assert!(Model::read(&text(&names).replace("0.1 0.9", "0.9 0.1")).unwrap_err().is(&BANDS));
    }
}
