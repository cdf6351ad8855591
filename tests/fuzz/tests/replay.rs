//! Every known input of every target.

use std::path::{Path, PathBuf};

/// Inputs taken from one folder of seeds: enough to see each kind, few enough to be quick.
const SEEDS: usize = 400;

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
    }
    files.extend(folders.iter().flat_map(|folder| self::files(folder)));
    files.sort();
    files
}

#[test]
fn no_known_input_harms() {
    for target in fuzz::TARGETS {
        let folders = target.folders();
        assert!(!files(&folders[0]).is_empty(), "{}: no input in {}", target.name, folders[0].display());
        for folder in folders {
            let inputs = files(&folder);
            assert!(!inputs.is_empty(), "{}: {} is gone", target.name, folder.display());
            for input in inputs.iter().take(SEEDS) {
                let bytes = std::fs::read(input).unwrap();
                let run = std::panic::catch_unwind(|| (target.run)(&bytes));
                assert!(run.is_ok(), "{} fails on {}", target.name, input.display());
            }
        }
    }
}

/// Inputs near the known ones: cut short, a byte changed, two joined.
#[test]
fn no_neighbour_of_a_known_input_harms() {
    let random = base::SeededRandom::new(seed());
    let below = |most: usize| base::Random::below(&random, most as u64) as usize;
    for target in fuzz::TARGETS {
        let inputs: Vec<PathBuf> = target.folders().iter().flat_map(|folder| files(folder)).collect();
        for _ in 0..200 {
            let read = || std::fs::read(&inputs[below(inputs.len())]).unwrap();
            let (mut bytes, other) = (read(), read());
            match below(3) {
                0 => bytes.truncate(below(bytes.len() + 1)),
                1 if !bytes.is_empty() => {
                    let place = below(bytes.len());
                    bytes[place] = below(256) as u8;
                }
                _ => bytes.splice(below(bytes.len() + 1).., other).for_each(drop),
            }
            let run = std::panic::catch_unwind(|| (target.run)(&bytes));
            if run.is_err() {
                let kept = std::env::temp_dir().join(format!("garrison-fuzz-{}", target.name));
                std::fs::write(&kept, &bytes).unwrap();
                panic!("{} fails; the input is in {}", target.name, kept.display());
            }
        }
    }
}

/// The seed of all property tests of a run (tests/run fixes it).
fn seed() -> u64 {
    std::env::var("PROPTEST_RNG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}
