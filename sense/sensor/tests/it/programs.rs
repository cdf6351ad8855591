//! Kernel programs really loaded: canaries come back, nothing is lost, denied files do not run.

use record::Kind;
use sensor::programs::{FileKey, Filters, Programs, ProgramsConfig, Scope};
use sensor::raw::{Body, flags};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// One test at a time: each loads the programs and counts what it does itself.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Loads the programs, or says why this host cannot run the test.
fn programs(filters: Filters) -> Option<Programs> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return None;
    }
    let config = ProgramsConfig { filters, ..ProgramsConfig::default() };
    match Programs::load(&config) {
        Ok(programs) => Some(programs),
        Err(fault) => {
            println!("skipped: the kernel refuses the programs: {fault:?}");
            None
        }
    }
}

fn only_children() -> Filters {
    Filters { scope: Some(Scope::Tree(vec![std::process::id()])), ..Filters::default() }
}

#[test]
fn every_canary_comes_back() {
    let _alone = alone();
    let Some(mut programs) = programs(Filters::default()) else { return };
    let table = programs.probe().unwrap();
    println!("{table}");
    for refusal in programs.refusals() {
        println!("refused: {}: {}", refusal.program, refusal.reason);
        if std::env::var_os("VERIFIER_LOG").is_some() {
            println!("{}", refusal.log);
        }
    }
    for row in &table.rows {
        // Every kernel from 5.8 on takes these programs; io_uring may be switched off, and denial has its own test.
        let optional = row.event == "io_uring" || row.event == "exec deny";
        assert!(row.fired || optional, "{} does not fire: {}", row.event, row.note);
        if !row.fired {
            println!("skipped: {}: {}", row.event, row.note);
        }
    }
    assert!(table.row("exec").is_some_and(|row| row.fired));
    assert_eq!(programs.unreadable(), 0);
}

#[test]
fn every_exec_is_seen_once_with_path_and_arguments() {
    let _alone = alone();
    let Some(mut programs) = programs(only_children()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut pids = BTreeMap::new();
    let mut seen = Vec::new();
    let mut collect = |programs: &mut Programs| {
        programs
            .poll(Duration::ZERO, 0, &mut |event| {
                if let Body::Exec(exec) = &event.body {
                    let arguments: Vec<String> =
                        exec.arguments().map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
                    seen.push((event.header.tgid, exec.exe.path(), exec.cwd.path(), arguments, exec.head.parent_tgid));
                }
            })
            .unwrap();
    };
    for number in 0..300 {
        let mut child =
            Command::new("/bin/true").arg(number.to_string()).current_dir(directory.path()).spawn().unwrap();
        pids.insert(child.id(), number);
        child.wait().unwrap();
        collect(&mut programs);
    }
    assert_eq!(seen.len(), 300);
    let exe = std::fs::canonicalize("/bin/true").unwrap().to_string_lossy().into_owned();
    let cwd = std::fs::canonicalize(directory.path()).unwrap().to_string_lossy().into_owned();
    for (pid, path, at, arguments, parent) in seen {
        assert_eq!(arguments, ["/bin/true".to_owned(), pids[&pid].to_string()]);
        assert_eq!((path.as_str(), at.as_str(), parent), (exe.as_str(), cwd.as_str(), std::process::id()));
    }
    assert!(programs.counters().unwrap().iter().all(|counter| counter.lost == 0));
}

#[test]
fn a_denied_file_does_not_run() {
    let _alone = alone();
    let Some(mut programs) = programs(only_children()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("denied");
    let marker = directory.path().join("marker");
    std::fs::copy("/bin/touch", &program).unwrap();
    let key = FileKey::of(&program).unwrap();
    programs.deny(key).unwrap();
    for _ in 0..20 {
        let refused = match Command::new(&program).arg(&marker).status() {
            Ok(status) => status.signal() == Some(9),
            Err(error) => error.raw_os_error() == Some(1),
        };
        assert!(refused && !marker.exists());
    }
    let mut denied = 0;
    let mut count = |event: sensor::raw::RawEvent<'_>| {
        denied += usize::from(matches!(event.body, Body::Exec(_)) && event.header.flags & flags::DENIED != 0);
    };
    programs.poll(Duration::ZERO, 0, &mut count).unwrap();
    assert_eq!(denied, 20);
    programs.allow(key).unwrap();
    assert!(Command::new(&program).arg(&marker).status().unwrap().success());
    assert!(marker.exists());
}

#[test]
fn filters_drop_in_the_kernel() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(directory.path()).unwrap();
    std::fs::create_dir(root.join("quiet")).unwrap();
    let prefix = format!("{}/quiet/", root.display());
    if prefix.len() > 64 {
        println!("skipped: the temporary folder's name is too long for a prefix");
        return;
    }
    let filters = Filters { ignore_paths: vec![prefix], kinds: vec![Kind::Exec, Kind::File], ..only_children() };
    let Some(mut programs) = programs(filters) else { return };
    let script = format!("echo 1 > {0}/quiet/a; echo 2 > {0}/loud; mkdir {0}/made", root.display());
    assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success());
    let (mut paths, mut others) = (Vec::new(), 0);
    let mut note = |event: sensor::raw::RawEvent<'_>| match &event.body {
        Body::File(file) => paths.push(file.file.path()),
        Body::Exec(_) => {}
        _ => others += 1,
    };
    programs.poll(Duration::ZERO, 0, &mut note).unwrap();
    assert_eq!((paths, others), (vec![format!("{}/loud", root.display()), format!("{}/made", root.display())], 0));
    let filtered: u64 = programs.counters().unwrap().iter().map(|counter| counter.filtered).sum();
    assert_eq!(filtered, 1);
}

#[test]
fn a_full_ring_is_counted() {
    let _alone = alone();
    if programs(only_children()).is_none() {
        return;
    }
    let config = ProgramsConfig { ring_bytes: 64 << 10, filters: only_children(), ..ProgramsConfig::default() };
    let mut programs = Programs::load(&config).unwrap();
    let status = Command::new("/bin/sh").args(["-c", "i=0; while [ $i -lt 400 ]; do (:); i=$((i+1)); done"]).status();
    assert!(status.unwrap().success());
    let mut received = BTreeMap::<u16, u64>::new();
    programs.poll(Duration::ZERO, 0, &mut |event| *received.entry(event.header.kind).or_default() += 1).unwrap();
    let counters = programs.counters().unwrap();
    let forks = counters.iter().find(|counter| counter.kind == Kind::Fork).unwrap();
    assert_eq!(forks.produced, received.get(&sensor::raw::kind::FORK).copied().unwrap_or(0));
    // Our own fork of the shell is not among them: we never report ourselves.
    assert_eq!(forks.produced + forks.lost, 400);
    assert!(forks.lost > 0);
}

#[test]
fn a_descriptor_of_nothing_takes_over_no_path() {
    let _alone = alone();
    let Some(mut programs) = programs(only_children()) else { return };
    // A file with a long path, then a module from no file: the second record must not claim the first one's path.
    let script = "chmod 0700 $0; exec 9>>$0";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Command::new("/bin/sh").args(["-c", script]).arg(&file).status().unwrap().success());
    // SAFETY: a bad descriptor; the kernel answers with an error. The child does nothing else.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above, and the child ends without running the parent's handlers.
        unsafe {
            libc::syscall(libc::SYS_finit_module, -1, c"".as_ptr(), 0);
            libc::_exit(0);
        }
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    let mut seen = 0;
    let mut note = |event: sensor::raw::RawEvent<'_>| {
        if let Body::Module(module) = &event.body {
            assert!(module.file.is_empty(), "{:?}", module.file);
            seen += 1;
        }
    };
    programs.poll(Duration::ZERO, 0, &mut note).unwrap();
    assert_eq!((seen, programs.unreadable()), (1, 0));
}

#[test]
fn namespaces_made_by_clone_are_told_as_flags() {
    let _alone = alone();
    let Some(mut programs) = programs(only_children()) else { return };
    // SAFETY: the child and its own child make only system calls.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; `clone` without a stack is `fork` into a new namespace.
        unsafe {
            let flags = libc::CLONE_NEWUTS | libc::CLONE_NEWUSER | libc::SIGCHLD;
            let made = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
            if made > 0 {
                libc::waitpid(made as libc::pid_t, std::ptr::null_mut(), 0);
            }
            libc::_exit(if made < 0 { 1 } else { 0 });
        }
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WEXITSTATUS(status) != 0 {
        println!("skipped: this host makes no user namespaces");
        return;
    }
    let mut flags = Vec::new();
    let mut note = |event: sensor::raw::RawEvent<'_>| {
        if let Body::Namespace(change) = &event.body {
            flags.push(change.head.clone_flags);
        }
    };
    programs.poll(Duration::ZERO, 0, &mut note).unwrap();
    assert_eq!(flags, [(libc::CLONE_NEWUTS | libc::CLONE_NEWUSER) as u64]);
}

#[test]
fn names_filter_floods_and_nothing_that_reaches_for_more() {
    let _alone = alone();
    let filters = Filters { ignore_comms: vec!["sh".to_owned()], ..only_children() };
    let Some(mut programs) = programs(filters) else { return };
    let directory = tempfile::tempdir().unwrap();
    let script = "echo 1 > $0/a; (:)";
    assert!(Command::new("/bin/sh").args(["-c", script]).arg(directory.path()).status().unwrap().success());
    let mut kinds = BTreeMap::<u16, u64>::new();
    programs.poll(Duration::ZERO, 0, &mut |event| *kinds.entry(event.header.kind).or_default() += 1).unwrap();
    use sensor::raw::kind;
    assert_eq!((kinds.get(&kind::FILE), kinds.get(&kind::EXEC), kinds.get(&kind::FORK)), (None, Some(&1), Some(&1)));
}

#[test]
fn a_process_of_ours_is_told_only_by_what_it_executes() {
    let _alone = alone();
    let Some(mut programs) = programs(only_children()) else { return };
    let directory = tempfile::tempdir().unwrap();
    // The shell waits for a word, so that it can be named before it writes.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "read word; echo 1 > $0/a; exec /bin/true"])
        .arg(directory.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let key = sensor::procfs::Reader::new().key(child.id()).unwrap();
    programs.set_filters(&Filters { own: vec![key], ..only_children() }).unwrap();
    programs.poll(Duration::ZERO, 0, &mut |_| {}).unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let mut seen = Vec::new();
    let mut note = |event: sensor::raw::RawEvent<'_>| match &event.body {
        Body::Exec(exec) => seen.push(exec.exe.path()),
        other => seen.push(format!("{other:?}")),
    };
    programs.poll(Duration::ZERO, 0, &mut note).unwrap();
    // The shell's own start may be told after it was named.
    let shell = std::fs::canonicalize("/bin/sh").unwrap().to_string_lossy().into_owned();
    seen.retain(|path| *path != shell);
    assert_eq!(seen, [std::fs::canonicalize("/bin/true").unwrap().to_string_lossy()]);
}
