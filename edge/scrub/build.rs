//! Compiles the packet filter with clang, one object for each way of proving a client's address.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of each object, its source, and the number that `bpf/maps.h` gives to its way.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("none", "scrub.bpf.c", "0"),
    ("local", "scrub.bpf.c", "1"),
    ("router", "scrub.bpf.c", "2"),
    ("layout", "layout.bpf.c", "0"),
];

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let source = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("bpf");
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-env-changed=CLANG");
    // Headers of the libbpf that we link (libbpf-sys hands its folder on) and the system's own, which clang does not
    // look for when it compiles for BPF.
    let libbpf = variable("DEP_BPF_INCLUDE");
    let system = format!("/usr/include/{}-linux-gnu", variable("CARGO_CFG_TARGET_ARCH"));
    for (name, file, cookies) in OBJECTS {
        compile(&source, file, cookies, &[&libbpf, &system], &out.join(format!("{name}.o")));
    }
}

fn compile(source: &Path, file: &str, cookies: &str, includes: &[&str], out: &Path) {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let mut command = Command::new(&clang);
    command.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", "-Wno-unused-function"]);
    // The build folder must not end up in the object.
    command.arg(format!("-DCOOKIES={cookies}")).arg("-fdebug-compilation-dir=.").arg("-I.");
    for include in includes {
        command.arg("-I").arg(include);
    }
    command.current_dir(source).args(["-c", file, "-o"]).arg(out);
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} could not compile {file}: {status}"),
        Err(error) => panic!("{clang} is needed to compile the packet filter (package `clang`): {error}"),
    }
}
