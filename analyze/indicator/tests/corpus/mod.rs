//! The public corpora, where they are present: nothing is missed, and what is counted is printed.

use indicator::{Base, Builder, Claim, Index, Indicator, Key, Kind, Warnings};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

/// A file of the corpora, unpacked as it is read.
fn open(name: &str) -> Option<BufReader<impl Read>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let file = std::fs::File::open(root.join("../../../shared/data/intel").join(name));
    if file.is_err() {
        println!("skipped: corpus not present");
    }
    file.ok().map(|file| BufReader::new(lzma_rust2::XzReader::new(BufReader::new(file), true)))
}

#[test]
fn warning_lists_of_misp_compile_and_know_the_addresses_of_ipsum() {
    let (Some(mut lists), Some(ipsum)) = (open("misp-warninglists.json.xz"), open("ipsum.txt.xz")) else { return };
    let mut text = Vec::new();
    lists.read_to_end(&mut text).unwrap();
    let warnings = Warnings::compile(&[&text], &BTreeMap::new()).unwrap();
    let sum = |count: fn(&indicator::List) -> usize| warnings.lists().iter().map(count).sum::<usize>();
    let (taken, bad) = (sum(|list| list.entries), sum(|list| list.bad));
    println!("warning lists: {}, {taken} entries, {bad} bad, {} bytes", warnings.lists().len(), warnings.bytes());
    for list in warnings.lists().iter().filter(|list| list.bad > 0) {
        println!("  {}: {} bad", list.id, list.bad);
    }
    assert!(warnings.lists().len() >= 136 && taken > 528_000 && bad < 100);
    let (mut all, mut listed, mut held) = (0, 0, 0);
    for line in ipsum.lines().map(Result::unwrap).filter(|line| !line.starts_with('#')) {
        let found = warnings.of(Kind::Ip, line.split('\t').next().unwrap());
        all += 1;
        listed += usize::from(!found.is_empty());
        held += usize::from(found.iter().any(indicator::Warning::forbids));
    }
    println!("ipsum: {all} addresses, {listed} on a warning list, {held} never blocked");
    assert!(all > 100_000 && listed * 100 / all >= 35 && held < listed);
}

#[test]
fn every_trail_of_maltrail_is_found_again() {
    let Some(trails) = open("maltrail-static.tsv.xz") else { return };
    let mut builder = Builder::default();
    let (mut taken, mut bad) = (BTreeSet::new(), 0);
    for line in trails.lines().map(Result::unwrap).take(150_000) {
        let mut columns = line.split('\t');
        let (Some(class), Some(family), Some(trail)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        let claim = Claim {
            source: "maltrail".into(),
            tags: vec![class.into()],
            malware: vec![family.into()],
            ..Claim::default()
        };
        match Indicator::guess(trail) {
            Err(_) => bad += 1,
            Ok(indicator) => {
                let indicator = indicator.with(claim);
                assert!(builder.indicator(&indicator, 0).unwrap());
                taken.insert((indicator.kind, indicator.value));
            }
        }
    }
    let mut image = Vec::new();
    let rows = builder.finish(1, &mut image).unwrap();
    let keys: BTreeSet<Key> = taken.iter().map(|(kind, value)| Key::of(*kind, value)).collect();
    println!(
        "maltrail: {} values, {bad} not taken, {rows} rows, {:.1} bytes a row",
        taken.len(),
        image.len() as f64 / rows as f64
    );
    assert_eq!(rows, keys.len());
    let index = Index::new(Base::open(image).unwrap());
    let filter = index.filter(0).unwrap();
    for (kind, value) in &taken {
        let found = index.find(Key::of(*kind, value)).unwrap();
        assert_eq!((found.kind, found.sources.as_slice()), (*kind, &["maltrail"][..]), "{value}");
        assert!(*kind == Kind::Cidr || filter.contains(Key::of(*kind, value)), "{value}");
    }
    assert!(bad * 50 < taken.len(), "{bad} of {}", taken.len());
}
