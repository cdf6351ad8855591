//! The crate from outside: golden spellings, hostile files, and the public corpora where they are present.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod corpus;

use indicator::{Base, Filter, FilterDelta, Kind, Warnings, canonical, guess};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files of a folder beside this test, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let entries = std::fs::read_dir(PathBuf::from(root).join("tests").join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} holds files");
    paths
}

/// A line is `kind TAB text TAB canonical form`, or `! TAB text TAB code of the fault`.
#[test]
fn spellings_are_as_written_down() {
    let mut count = 0;
    for path in files("spellings") {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with("##")) {
            let place = format!("{}:{number}", path.display());
            let columns: Vec<&str> = line.split('\t').collect();
            let [kind, text, expected] = columns[..] else { panic!("{place}: three columns") };
            match (guess(text), kind) {
                (Err(fault), "!") => assert_eq!(fault.code().id, expected, "{place}"),
                (Ok((found, value)), kind) => {
                    assert_eq!((found.word(), value.as_str()), (kind, expected), "{place}");
                    assert_eq!(canonical(found, &value).unwrap(), value, "{place}: canonical again");
                }
                (found, _) => panic!("{place}: {found:?}"),
            }
            count += 1;
        }
    }
    println!("spellings: {count}");
}

#[test]
fn hostile_files_give_faults() {
    for path in files("hostile") {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.display();
        assert!(Base::open(&bytes).is_err(), "{name}");
        assert!(Filter::decode(&bytes).is_err() && FilterDelta::decode(&bytes).is_err(), "{name}");
        let lists = Warnings::compile(&[&bytes], &BTreeMap::new());
        assert!(
            lists.is_err() || lists.is_ok_and(|lists| lists.lists().iter().all(|list| list.entries < 10)),
            "{name}"
        );
        for line in String::from_utf8_lossy(&bytes).lines() {
            for kind in Kind::ALL {
                let _ = canonical(*kind, line);
            }
            let _ = guess(line);
        }
    }
}
