//! Files of `tests/corpus`, and everything the cases hold: whatever they are, looking at them ends with findings.

use scanner::engine::Engine;
use scanner::look::Looker;
use std::path::PathBuf;

#[test]
fn hostile_files_are_looked_at_to_their_end() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (engine, _) = Engine::compile(&scanner::builtin::rules());
    let mut looker = Looker::new(&engine);
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // The name says what must be found: `NAME--FINDING.ending`; without one, nothing is.
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let expected: Vec<&str> = stem.split("--").skip(1).collect();
        let outcome = looker.look(&path.to_string_lossy(), &bytes, bytes.len() as u64);
        let found: Vec<&str> = outcome.findings.iter().map(|scan| scan.name.as_str()).collect();
        assert_eq!(found, expected, "{}", path.display());
        assert!(outcome.faults.is_empty(), "{}: {:?}", path.display(), outcome.faults);
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}
