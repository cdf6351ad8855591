//! Unified differences of two texts, bounded in size and work (the form of diff(1), POSIX).

use crate::limits::{DIFF_LINE_BYTES, DIFF_LINES};
use base::limits::DIFF_BYTES;

/// Lines that stand before and after a change.
const AROUND: usize = 2;
/// Says that more follows.
const MORE: &str = "…\n";

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Same,
    Out,
    In,
}

/// The difference, at most [`DIFF_BYTES`]; empty where there is none.
pub fn unified(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut text = String::new();
    for hunk in hunks(&steps(&old, &new)) {
        if !write(&hunk, &old, &new, &mut text) {
            text.push_str(MORE);
            break;
        }
    }
    text
}

/// The way from the old lines to the new ones.
fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut steps = vec![Step::Same; head];
    if old.len() > DIFF_LINES || new.len() > DIFF_LINES {
        // Too much work: one block out, one in.
        steps.extend(std::iter::repeat_n(Step::Out, old.len()).chain(std::iter::repeat_n(Step::In, new.len())));
    } else {
        middle(old, new, &mut steps);
    }
    steps.extend(std::iter::repeat_n(Step::Same, tail));
    steps
}

/// The longest common subsequence, by the table of its lengths.
fn middle(old: &[&str], new: &[&str], steps: &mut Vec<Step>) {
    let width = new.len() + 1;
    let mut length = vec![0_u16; (old.len() + 1) * width];
    for (i, line) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            length[i * width + j] = if line == other {
                length[(i + 1) * width + j + 1] + 1
            } else {
                length[(i + 1) * width + j].max(length[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            steps.push(Step::Same);
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && length[(i + 1) * width + j] >= length[i * width + j + 1]) {
            steps.push(Step::Out);
            i += 1;
        } else {
            steps.push(Step::In);
            j += 1;
        }
    }
}

/// A run of steps with the places in old and new where it begins.
struct Hunk {
    old: usize,
    new: usize,
    steps: Vec<Step>,
}

fn hunks(steps: &[Step]) -> Vec<Hunk> {
    let near = |place: usize| {
        let range = place.saturating_sub(AROUND)..(place + AROUND + 1).min(steps.len());
        steps[range].iter().any(|step| *step != Step::Same)
    };
    let (mut hunks, mut old, mut new, mut inside) = (Vec::<Hunk>::new(), 0, 0, false);
    for (place, step) in steps.iter().enumerate() {
        let wanted = near(place);
        if wanted && !inside {
            hunks.push(Hunk { old, new, steps: Vec::new() });
        }
        if let (true, Some(hunk)) = (wanted, hunks.last_mut()) {
            hunk.steps.push(*step);
        }
        inside = wanted;
        old += usize::from(*step != Step::In);
        new += usize::from(*step != Step::Out);
    }
    hunks
}

/// Writes a hunk while there is room; says whether all of it was written.
fn write(hunk: &Hunk, old: &[&str], new: &[&str], text: &mut String) -> bool {
    let count = |left_out: Step| hunk.steps.iter().filter(|step| **step != left_out).count();
    let head = format!("@@ -{},{} +{},{} @@\n", hunk.old + 1, count(Step::In), hunk.new + 1, count(Step::Out));
    let (mut i, mut j) = (hunk.old, hunk.new);
    let mut add = |sign: char, line: &str| {
        let line = cut(line);
        let fits = text.len() + line.len() + sign.len_utf8() + 1 + MORE.len() <= DIFF_BYTES;
        if fits {
            text.push(sign);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push('\n');
            }
        }
        fits
    };
    if !add('@', &head[1..]) {
        return false;
    }
    for step in &hunk.steps {
        let fits = match step {
            Step::Same => add(' ', old.get(i).unwrap_or(&"")),
            Step::Out => add('-', old.get(i).unwrap_or(&"")),
            Step::In => add('+', new.get(j).unwrap_or(&"")),
        };
        if !fits {
            return false;
        }
        i += usize::from(*step != Step::In);
        j += usize::from(*step != Step::Out);
    }
    true
}

fn cut(line: &str) -> &str {
    let mut end = line.len().min(DIFF_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_changed_line_stands_between_its_neighbours() {
        let old = "a\nb\nc\nd\ne\nf\n";
        let new = "a\nb\nc\nD\ne\nf\n";
        assert_eq!(unified(old, new), "@@ -2,5 +2,5 @@\n b\n c\n-d\n+D\n e\n f\n");
        assert_eq!(unified(old, old), "");
        assert_eq!(unified("", "x\n"), "@@ -1,0 +1,1 @@\n+x\n");
        let long: String = (0..5000).map(|line| format!("{line}\n")).collect();
        let cut = unified("", &long);
        assert!(cut.len() <= DIFF_BYTES && cut.ends_with(MORE));
    }

    #[test]
    fn what_patch_reads_gives_the_new_text() {
        let apply = |old: &str, new: &str| -> Vec<String> {
            let steps = steps(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
            let (mut i, mut j, mut out) = (0, 0, Vec::new());
            let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
            for step in steps {
                match step {
                    Step::Same => out.push(old[i].to_owned()),
                    Step::In => out.push(new[j].to_owned()),
                    Step::Out => {}
                }
                i += usize::from(step != Step::In);
                j += usize::from(step != Step::Out);
            }
            out
        };
        for (old, new) in [("a\nb\nc", "c\nb\na"), ("", "a"), ("a", ""), ("x\ny\nx\ny", "y\nx")] {
            assert_eq!(apply(old, new), new.lines().collect::<Vec<_>>(), "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn any_two_texts_give_a_bounded_difference(old in "[ab\n]{0,200}", new in "(?s).{0,200}") {
            prop_assert!(unified(&old, &new).len() <= DIFF_BYTES);
        }
    }
}
