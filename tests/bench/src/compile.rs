//! A kernel-like compile with everything on: slowdown against none, and nothing lost.

use crate::watcher::{Running, Watcher};
use kit::figures::{Row, median, publish};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// C files.
const FILES: usize = 300;
/// Pairs of runs.
const RUNS: usize = 5;

/// Writes the sources: each includes some headers and has functions enough to keep the compiler busy.
fn sources(folder: &Path) -> std::io::Result<()> {
    let mut makefile = String::from("OBJECTS :=");
    for number in 0..FILES {
        // Writing to a String cannot fail.
        let _ = write!(makefile, " f{number}.o");
        let mut text =
            String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <errno.h>\n");
        for function in 0..40 {
            let _ = writeln!(
                text,
                "int f{number}_{function}(int a, int b) {{ int s = 0; for (int i = a; i < b; i++) s += i * {function} ^ (s >> 3); return s + (int)strlen(\"x\"); }}"
            );
        }
        std::fs::write(folder.join(format!("f{number}.c")), text)?;
    }
    makefile.push_str("\nall: $(OBJECTS)\n%.o: %.c\n\tcc -O1 -c $< -o $@\nclean:\n\trm -f *.o\n");
    std::fs::write(folder.join("Makefile"), makefile)
}

fn build(folder: &Path) -> Result<f64, String> {
    let make = |target: &str| {
        let status =
            Command::new("make").args(["-s", "-j2", "-C"]).arg(folder).arg(target).stdout(Stdio::null()).status();
        status
            .map_err(|cause| cause.to_string())
            .and_then(|status| if status.success() { Ok(()) } else { Err("make failed".to_string()) })
    };
    make("clean")?;
    let begun = Instant::now();
    make("all")?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Measures and publishes.
pub fn run(agent: &Path) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: compile figures (need root)");
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    sources(folder.path()).map_err(|cause| cause.to_string())?;
    build(folder.path())?;
    let (mut alone, mut watched, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lost, mut events) = (0, 0);
    for _ in 0..RUNS {
        let bare = build(folder.path())?;
        let running = Running::start(Watcher::Ours(""), agent)?;
        let with = build(folder.path())?;
        running.settle();
        std::thread::sleep(std::time::Duration::from_millis(1500)); // the counts are written each second
        let (delivered, missed) = running.counts()?;
        (events, lost) = (delivered, lost + missed);
        slower.push((with / bare - 1.0) * 100.0);
        alone.push(bare);
        watched.push(with);
    }
    let row = Row {
        id: "S2.compile".into(),
        what: format!(
            "{FILES} C files with make -j2: {:.2} s alone, {:.2} s watched; {events} events, {lost} lost",
            median(&alone),
            median(&watched)
        ),
        met: median(&slower) < 5.0 && lost == 0,
        ours: slower,
        unit: "% slower",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: "< 5 %, 0 lost".into(),
        data: "pairs of runs; all kinds and rules on; agent shares the two cores".into(),
    };
    publish("compile", &[row])
}
