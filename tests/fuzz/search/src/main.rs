//! libFuzzer over one target, named by `FUZZ_TARGET`.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<&'static fuzz::Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET is no target: {name:?}"))
    });
    (target.run)(bytes);
});
