//! Tests of the programs' layouts.

use super::filters::Levels;
use super::groups::LAYOUT;
use crate::raw::LAYOUTS;

/// Every head that the compiler laid out has the fields of its Rust twin at the same places.
#[test]
fn c_structures_and_rust_twins_agree() {
    for layout in LAYOUTS {
        let (size, fields) = kernel::structure(LAYOUT, layout.name).unwrap().expect(layout.name);
        assert_eq!(size, layout.size, "size of {}", layout.name);
        let twin: Vec<(String, usize)> = layout.fields.iter().map(|(name, at, _)| ((*name).to_owned(), *at)).collect();
        let ours: Vec<(String, usize)> = fields.into_iter().map(|field| (field.name, field.offset)).collect();
        assert_eq!(ours, twin, "fields of {}", layout.name);
    }
}

/// What user space writes is what the programs read.
#[test]
fn settings_have_the_size_of_their_structure() {
    let (size, _) = kernel::structure(LAYOUT, "event_settings").unwrap().unwrap();
    assert_eq!(size, super::Filters::default().settings(Levels { wake_bytes: 0, bulk_bytes: 0 }, false).len());
}
