//! Memory and paging.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    information: Kept,
    virtual_memory: Kept,
    memory: Area,
    paging: Area,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            buffer: Vec::new(),
            information: Kept::new("/proc/meminfo"),
            virtual_memory: Kept::new("/proc/vmstat"),
            memory: Area::new(tables::MEMORY),
            paging: Area::new(tables::VIRTUAL),
        }
    }

    pub(super) fn read(&mut self, output: &mut Output) {
        if let Some(content) = self.information.read(&mut self.buffer) {
            let memory = &mut self.memory;
            memory.clear();
            text::pairs(content, |key, value| memory.set_key(b"", key, value));
            let used = 1.0 - memory.value(b"", b"MemAvailable") / memory.value(b"", b"MemTotal");
            memory.set_key(b"", b"=used", used * 100.0);
            memory.set_key(b"", b"=swap", memory.value(b"", b"SwapTotal") - memory.value(b"", b"SwapFree"));
            memory.emit(output, "");
        }
        if let Some(content) = self.virtual_memory.read(&mut self.buffer) {
            let paging = &mut self.paging;
            paging.clear();
            text::pairs(content, |key, value| paging.set_key(b"", key, value));
            paging.emit(output, "");
        }
    }
}
