//! The generator's object in the kernel, and programs of it on interfaces.

use crate::generate::shape_bytes;
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, Object, ObjectBuilder, ProgramMut};
use libbpf_sys as sys;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

const OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/generate.o")));

/// `BPF_F_TEST_XDP_LIVE_FRAMES` (linux/bpf.h).
const LIVE_FRAMES: u32 = 1 << 1;
/// Frames that the kernel makes and sends at once.
const BATCH: u32 = 64;

/// The loaded object.
pub struct Programs {
    object: Object,
    shapes: MapHandle,
    sources: MapHandle,
}

/// How long a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Frames.
    pub packets: u32,
    /// Time on the clock.
    pub time: Duration,
}

fn wrong(cause: impl std::fmt::Display) -> io::Error {
    io::Error::other(cause.to_string())
}

impl Programs {
    /// Loads it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn load() -> io::Result<Programs> {
        let object = ObjectBuilder::default().open_memory(&OBJECT.0).and_then(|open| open.load()).map_err(wrong)?;
        let map = |name: &str| {
            let found = object.maps().find(|map| map.name() == name).ok_or_else(|| wrong(name))?;
            MapHandle::try_from(&found).map_err(wrong)
        };
        let (shapes, sources) = (map("shapes")?, map("sources")?);
        Ok(Programs { object, shapes, sources })
    }

    fn program(&self, name: &str) -> io::Result<ProgramMut<'_>> {
        self.object.progs_mut().find(|program| program.name() == name).ok_or_else(|| wrong(name))
    }

    /// Attaches `drop_all` or `pass_all` to an interface of the calling thread's namespace, until the link is dropped.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn attach(&self, program: &str, interface: u32) -> io::Result<Link> {
        let interface = i32::try_from(interface).map_err(wrong)?;
        self.program(program)?.attach_xdp(interface).map_err(wrong)
    }

    /// Writes what is to be sent.
    pub(crate) fn set(&self, shape: &[u8], listed: &[u32]) -> io::Result<()> {
        self.shapes.update(&0_u32.to_ne_bytes(), shape, MapFlags::ANY).map_err(wrong)?;
        if listed.is_empty() {
            return Ok(());
        }
        let count = u32::try_from(listed.len()).map_err(wrong)?;
        let keys: Vec<u8> = (0..count).flat_map(u32::to_ne_bytes).collect();
        let values: Vec<u8> = listed.iter().flat_map(|source| source.to_ne_bytes()).collect();
        // One call for all: they change with every recipe.
        self.sources.update_batch(&keys, &values, count, MapFlags::ANY, MapFlags::ANY).map_err(wrong)?;
        Ok(())
    }

    /// Runs a program so many times on live frames of this content, from the calling thread's namespace.
    pub(crate) fn live(&self, program: &str, frame: &[u8], times: u32) -> io::Result<Sent> {
        let program = self.program(program)?;
        // SAFETY: all zeros are valid options.
        let mut options: sys::bpf_test_run_opts = unsafe { std::mem::zeroed() };
        options.sz = size_of::<sys::bpf_test_run_opts>() as sys::size_t;
        options.data_in = frame.as_ptr().cast();
        options.data_size_in = u32::try_from(frame.len()).map_err(wrong)?;
        options.repeat = i32::try_from(times).map_err(wrong)?;
        options.flags = LIVE_FRAMES;
        options.batch_size = BATCH;
        let begin = Instant::now();
        // SAFETY: the program is loaded; the frame lives during the call.
        let result = unsafe { sys::bpf_prog_test_run_opts(program.as_fd().as_raw_fd(), &raw mut options) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Sent { packets: times, time: begin.elapsed() })
    }

    /// Runs a program so many times on one frame in place; nanoseconds a run.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn time(&self, program: &str, frame: &[u8], times: u32) -> io::Result<u64> {
        let program = self.program(program)?;
        let input = libbpf_rs::ProgramInput { data_in: Some(frame), repeat: times, ..Default::default() };
        let output = program.test_run(input).map_err(wrong)?;
        Ok(u64::try_from(output.duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Whether shapes have the size that the program expects.
    pub fn agrees(&self) -> bool {
        self.shapes.value_size() as usize == shape_bytes()
    }
}
