//! Loads an object program by program: what the kernel refuses is left out, the rest works.

use crate::fault::{ATTACH_REFUSED, BAD_OBJECT, LOAD_REFUSED};
use crate::log::caught;
use base::{Fault, Result};
use libbpf_rs::{Link, MapCore, MapHandle, Object, ObjectBuilder, OpenObject, ProgramMut};
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// Maps that several objects use: made by the first object that declares them, lent to the others by name.
#[derive(Default)]
pub struct SharedMaps(BTreeMap<String, MapHandle>);

impl SharedMaps {
    /// The map of this name, if an object with it was loaded.
    pub fn get(&self, name: &str) -> Option<&MapHandle> {
        self.0.get(name)
    }
}

/// What to load of an object.
pub struct Plan<'a> {
    /// Name for faults.
    pub name: &'a str,
    /// The ELF object as clang wrote it.
    pub bytes: &'a [u8],
    /// Which programs to load.
    pub wanted: &'a dyn Fn(&str) -> bool,
    /// Number of entries (bytes for a ring) of maps that are made here.
    pub sizes: &'a [(&'a str, u32)],
}

/// A program that is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its name in the object.
    pub program: String,
    /// The kernel's answer in a few words.
    pub reason: String,
    /// All that libbpf and the verifier said.
    pub log: String,
}

/// A loaded object with its attached programs.
pub struct Loaded {
    object: Object,
    links: BTreeMap<String, Link>,
    loaded: BTreeSet<String>,
    /// Programs that the kernel refused.
    pub refused: Vec<Refusal>,
}

/// Loads what the kernel accepts of an object.
///
/// # Errors
/// [`BAD_OBJECT`] when it does not open, [`LOAD_REFUSED`] when nothing of it loads.
pub fn load(plan: &Plan<'_>, shared: &mut SharedMaps) -> Result<Loaded> {
    let mut refused: Vec<Refusal> = Vec::new();
    loop {
        let mut open = open(plan, shared)?;
        let loaded = choose_programs(&mut open, plan, &refused);
        if loaded.is_empty() && !refused.is_empty() {
            return Err(all_refused(plan, &refused));
        }
        let (result, log) = caught(|| open.load());
        match result {
            Ok(object) => {
                keep_maps(&object, shared)?;
                return Ok(Loaded { object, links: BTreeMap::new(), loaded, refused });
            }
            Err(error) => match culprit(&log, &loaded) {
                Some(program) => refused.push(Refusal { program, reason: error.to_string(), log }),
                None => return Err(Fault::new(&LOAD_REFUSED).object(plan.name).found(&error).because(log)),
            },
        }
    }
}

fn open(plan: &Plan<'_>, shared: &SharedMaps) -> Result<OpenObject> {
    let fault = |cause: String, log: String| Fault::new(&BAD_OBJECT).object(plan.name).because(cause).because(log);
    let (result, log) = caught(|| -> libbpf_rs::Result<OpenObject> {
        let mut open = ObjectBuilder::default().name(plan.name)?.open_memory(plan.bytes)?;
        for mut map in open.maps_mut() {
            let name = map.name().to_string_lossy().into_owned();
            if let Some(lent) = shared.get(&name) {
                map.reuse_fd(lent.as_fd())?;
            } else if let Some((_, size)) = plan.sizes.iter().find(|(sized, _)| *sized == name) {
                map.set_max_entries(*size)?;
            }
        }
        Ok(open)
    });
    result.map_err(|error| fault(error.to_string(), log))
}

fn choose_programs(open: &mut OpenObject, plan: &Plan<'_>, refused: &[Refusal]) -> BTreeSet<String> {
    let mut loaded = BTreeSet::new();
    for mut program in open.progs_mut() {
        let name = program.name().to_string_lossy().into_owned();
        let load = (plan.wanted)(&name) && refused.iter().all(|refusal| refusal.program != name);
        program.set_autoload(load);
        if load {
            loaded.insert(name);
        }
    }
    loaded
}

/// The program that libbpf's text blames: `libbpf: prog 'NAME': failed to load`, or any other complaint about one.
fn culprit(log: &str, loaded: &BTreeSet<String>) -> Option<String> {
    let named = |line: &str| {
        let rest = line.split_once("prog '")?.1;
        let name = rest.split_once('\'')?.0;
        loaded.contains(name).then(|| name.to_owned())
    };
    let failed = log.lines().rev().filter(|line| line.contains("failed")).find_map(named);
    failed.or_else(|| log.lines().rev().find_map(named))
}

fn all_refused(plan: &Plan<'_>, refused: &[Refusal]) -> Fault {
    let reasons: Vec<String> =
        refused.iter().map(|refusal| format!("{}: {}", refusal.program, refusal.reason)).collect();
    let fault = Fault::new(&LOAD_REFUSED).object(plan.name).found(reasons.join("; "));
    refused.iter().fold(fault, |fault, refusal| fault.because(&refusal.log))
}

fn keep_maps(object: &Object, shared: &mut SharedMaps) -> Result<()> {
    for map in object.maps() {
        let name = map.name().to_string_lossy().into_owned();
        let fault = Fault::new(&LOAD_REFUSED).object(format!("map {name}"));
        if let Entry::Vacant(place) = shared.0.entry(name) {
            place.insert(MapHandle::try_from(&map).map_err(|error| fault.because(error))?);
        }
    }
    Ok(())
}

impl Loaded {
    /// Whether the kernel holds this program.
    pub fn has(&self, program: &str) -> bool {
        self.loaded.contains(program)
    }

    fn program(&self, name: &str) -> Option<ProgramMut<'_>> {
        self.object.progs_mut().find(|program| self.has(name) && program.name().to_string_lossy() == name)
    }

    /// File descriptor of a program, for a program array.
    pub fn descriptor(&self, program: &str) -> Option<RawFd> {
        self.program(program).map(|program| program.as_fd().as_raw_fd())
    }

    /// Attaches a program where its section says.
    ///
    /// # Errors
    /// [`ATTACH_REFUSED`] when it is not loaded or the kernel refuses.
    pub fn attach(&mut self, program: &str) -> Result<()> {
        if self.links.contains_key(program) {
            return Ok(());
        }
        let fault = || Fault::new(&ATTACH_REFUSED).object(program);
        let found = self.program(program).ok_or_else(|| fault().found("a program that is not loaded"))?;
        let (link, log) = caught(|| found.attach());
        let link = link.map_err(|error| fault().found(error).because(log))?;
        self.links.insert(program.to_owned(), link);
        Ok(())
    }

    /// Detaches a program; nothing happens when it is not attached.
    pub fn detach(&mut self, program: &str) {
        self.links.remove(program);
    }

    /// Whether it is attached by us.
    pub fn attached(&self, program: &str) -> bool {
        self.links.contains_key(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blamed_program_is_found() {
        let loaded = BTreeSet::from(["open".to_owned(), "uring_entry".to_owned()]);
        let log = "libbpf: prog 'open': BPF program load failed: Invalid argument\n\
            libbpf: prog 'open': -- BEGIN PROG LOAD LOG --\n0: r1\nlibbpf: prog 'open': failed to load: -22\n\
            libbpf: failed to load object 'x'\n";
        assert_eq!(culprit(log, &loaded).as_deref(), Some("open"));
        let log = "libbpf: prog 'uring_entry': failed to find kernel BTF type ID of 'io_uring_submit_sqe': -3\n";
        assert_eq!(culprit(log, &loaded).as_deref(), Some("uring_entry"));
        assert_eq!(culprit("libbpf: map 'ring': failed to create", &loaded), None);
        assert_eq!(culprit("libbpf: prog 'other': failed to load", &loaded), None);
    }

    #[test]
    fn bytes_that_are_no_object_are_a_fault() {
        let plan = Plan { name: "nothing", bytes: b"not an object", wanted: &|_| true, sizes: &[] };
        let fault = load(&plan, &mut SharedMaps::default()).err().unwrap();
        assert!(fault.is(&BAD_OBJECT), "{fault:?}");
    }
}
