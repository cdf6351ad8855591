//! Files that complete each other, are missing, broken, replaced.

use kit::mmdb::{Value, database};
use origin::{Origins, fault};
use std::path::Path;

fn write(path: &Path, record: Vec<(&'static str, Value)>) {
    // As a download does it: beside it, then in its place.
    let beside = path.with_extension("new");
    std::fs::write(&beside, database("test", 24, &[("192.0.2.0/24", Value::Map(record))])).unwrap();
    std::fs::rename(beside, path).unwrap();
}

#[test]
fn files_complete_each_other_and_are_read_again_when_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (systems, countries) = (folder.path().join("asn.mmdb"), folder.path().join("country.mmdb"));
    let address = "192.0.2.7".parse().unwrap();
    let system = |asn, name| vec![("asn", Value::Number(asn)), ("as_name", Value::Text(name))];
    let mut origins = Origins::new(&[systems.clone(), countries.clone()]);
    write(
        &countries,
        vec![("country_code", Value::Text("DE")), ("asn", Value::Number(9)), ("as_name", Value::Text("no"))],
    );
    // The first is missing: told once, and the other answers.
    let told: Vec<_> = origins.refresh().iter().map(|fault| fault.code().id).collect();
    assert_eq!(told, [fault::FILE.id]);
    assert!(origins.refresh().is_empty());
    assert_eq!(origins.set().lookup(address).unwrap().asn, 9);
    write(&systems, system(64_500, "Example"));
    assert!(origins.refresh().is_empty());
    let found = origins.set().lookup(address).unwrap();
    assert_eq!((found.asn, found.name.as_str(), found.country.as_str()), (64_500, "Example", "DE"));
    assert!(origins.states().iter().all(|state| state.kind == "test" && state.fault == ["", ""]));
    // Broken by a bad download: what was good before stays, and the fault names the file in both languages.
    std::fs::write(&systems, b"<html>please log in</html>").unwrap();
    let told: Vec<_> = origins.refresh().iter().map(|fault| fault.named().to_string()).collect();
    assert_eq!(told, [systems.display().to_string()]);
    assert!(origins.refresh().is_empty());
    assert_eq!(origins.set().lookup(address).unwrap().asn, 64_500);
    assert!(origins.states()[0].fault.iter().all(|text| text.contains("asn.mmdb")));
    write(&systems, system(64_501, "Other"));
    assert!(origins.refresh().is_empty());
    assert_eq!(origins.set().lookup(address).unwrap().name, "Other");
    // Gone: the last form goes on.
    std::fs::remove_file(&systems).unwrap();
    assert_eq!(origins.refresh().len(), 1);
    assert_eq!(origins.set().lookup(address).unwrap().asn, 64_501);
}

#[test]
fn without_a_file_nothing_is_known() {
    let mut origins = Origins::new(&[]);
    assert!(origins.refresh().is_empty() && origins.set().is_empty());
    assert_eq!(origins.set().lookup("192.0.2.7".parse().unwrap()), None);
}
