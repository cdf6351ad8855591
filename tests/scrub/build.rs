//! Compiles the generator with clang.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let source = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("bpf");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-env-changed=CLANG");
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let mut command = Command::new(&clang);
    command.args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", "-fdebug-compilation-dir=."]);
    command.arg("-I").arg(variable("DEP_BPF_INCLUDE"));
    command.arg("-I").arg(format!("/usr/include/{}-linux-gnu", variable("CARGO_CFG_TARGET_ARCH")));
    command.current_dir(&source).args(["-c", "generate.bpf.c", "-o"]);
    match command.arg(PathBuf::from(variable("OUT_DIR")).join("generate.o")).status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} could not compile generate.bpf.c: {status}"),
        Err(error) => panic!("{clang} is needed to compile the generator (package `clang`): {error}"),
    }
}
