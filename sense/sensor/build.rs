//! Compiles the kernel programs of `bpf/` with clang, one object a group.

use std::path::{Path, PathBuf};
use std::process::Command;

const GROUPS: &[&str] = &["dispatch", "process", "file", "network", "system", "uring", "deny", "layout"];

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let headers = here.join("../../core/kernel/include");
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", here.join("bpf").display());
    println!("cargo:rerun-if-changed={}", headers.display());
    println!("cargo:rerun-if-env-changed=CLANG");
    // Headers of the libbpf that we link: libbpf-sys hands its folder on.
    let libbpf = PathBuf::from(variable("DEP_BPF_INCLUDE"));
    let processor = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => panic!("the kernel programs know no register layout for {other} yet"),
    };
    for group in GROUPS {
        compile(&here.join("bpf"), group, &[&headers, &libbpf], processor, &out);
    }
}

fn compile(source: &Path, group: &str, includes: &[&Path], processor: &str, out: &Path) {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let mut command = Command::new(&clang);
    command.args(["-O2", "-g", "-target", "bpf", "-Wall", "-Werror", "-Wno-unused-function"]);
    // The build folder must not end up in the object.
    command.arg(format!("-D__TARGET_ARCH_{processor}")).arg("-fdebug-compilation-dir=.").arg("-I.");
    for include in includes {
        command.arg("-I").arg(include);
    }
    command.current_dir(source).arg("-c").arg(format!("{group}.bpf.c")).arg("-o").arg(out.join(format!("{group}.o")));
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} could not compile {group}.bpf.c: {status}"),
        Err(error) => panic!("{clang} is needed to compile the kernel programs (package `clang`): {error}"),
    }
}
