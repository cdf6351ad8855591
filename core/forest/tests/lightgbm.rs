//! Models and rows of `tests/data/make.py`: our scores are those of Python's lightgbm.

use forest::Forest;
use std::path::Path;

#[test]
fn scores_are_those_of_lightgbm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut rows = 0;
    for name in ["nan", "zero", "none", "regression"] {
        let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}.{end}.txt"))).unwrap();
        let forest = Forest::read(&read("model")).unwrap();
        for line in read("rows").lines() {
            let (row, wanted) = line.split_once(" = ").unwrap();
            let row: Vec<f32> = row.split(' ').map(|word| word.parse().unwrap()).collect();
            let wanted: f64 = wanted.parse().unwrap();
            let got = forest.score(&row);
            assert!((got - wanted).abs() < 1e-5, "{name}: {line}: {got}");
            rows += 1;
        }
    }
    assert_eq!(rows, 600);
}
