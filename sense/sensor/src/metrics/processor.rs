//! Processors, scheduling and pressure.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};

/// Most cores told one by one.
const CORES_MAX: usize = 128;
/// Place of the computed rows in the table of all cores.
const USED: usize = 10;
const CORES: usize = 11;

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    stat: Kept,
    load: Kept,
    uptime: Kept,
    pressure: [(&'static str, Kept); 3],
    all: Area,
    core: Area,
    kernel: Area,
    softirq: Area,
    load_area: Area,
    uptime_area: Area,
    pressure_area: Area,
}

impl Reader {
    pub(super) fn new() -> Reader {
        let pressure = |name| (name, Kept::new(format!("/proc/pressure/{name}")));
        Reader {
            buffer: Vec::new(),
            stat: Kept::new("/proc/stat"),
            load: Kept::new("/proc/loadavg"),
            uptime: Kept::new("/proc/uptime"),
            pressure: [pressure("cpu"), pressure("memory"), pressure("io")],
            all: Area::new(tables::CPU),
            core: Area::new(tables::CORE),
            kernel: Area::new(tables::KERNEL),
            softirq: Area::new(tables::SOFTIRQ),
            load_area: Area::new(tables::LOAD),
            uptime_area: Area::new(tables::UPTIME),
            pressure_area: Area::new(tables::PRESSURE),
        }
    }

    pub(super) fn read(&mut self, output: &mut Output) {
        self.read_stat(output);
        self.read_load(output);
        self.read_pressure(output);
    }

    fn read_stat(&mut self, output: &mut Output) {
        let Some(content) = self.stat.read(&mut self.buffer) else { return };
        self.all.clear();
        self.kernel.clear();
        self.softirq.clear();
        let (mut cores, mut busy) = (0_usize, f64::NAN);
        for line in text::lines(content) {
            let mut words = text::words(line);
            let Some(key) = words.next() else { continue };
            if key == b"cpu" {
                self.all.set_columns(words.clone().map(text::value));
                busy = busy_jiffies(words.map(text::value));
            } else if let Some(label) = key.strip_prefix(b"cpu") {
                cores += 1;
                if cores <= CORES_MAX {
                    self.core.clear();
                    self.core.set_columns(words.map(text::value));
                    self.core.emit(output, std::str::from_utf8(label).unwrap_or("?"));
                }
            } else if key == b"softirq" {
                self.kernel.set_key(b"", key, words.next().map_or(f64::NAN, text::value));
                self.softirq.set_columns(words.map(text::value));
            } else {
                self.kernel.set_key(b"", key, words.next().map_or(f64::NAN, text::value));
            }
        }
        self.all.set(USED, busy / cores.max(1) as f64);
        self.all.set(CORES, cores as f64);
        self.all.emit(output, "");
        self.kernel.emit(output, "");
        self.softirq.emit(output, "");
        self.core.end();
    }

    fn read_load(&mut self, output: &mut Output) {
        if let Some(content) = self.load.read(&mut self.buffer) {
            self.load_area.clear();
            let words = content.split(|byte| byte.is_ascii_whitespace() || *byte == b'/');
            self.load_area.set_columns(words.take(5).map(text::value));
            self.load_area.emit(output, "");
        }
        if let Some(content) = self.uptime.read(&mut self.buffer) {
            self.uptime_area.clear();
            self.uptime_area.set_columns(text::words(content).map(text::value));
            self.uptime_area.emit(output, "");
        }
    }

    fn read_pressure(&mut self, output: &mut Output) {
        self.pressure_area.clear();
        for (name, file) in &self.pressure {
            let Some(content) = file.read(&mut self.buffer) else { continue };
            text::pressure(content, |group, place, value| {
                if let Some(key) = PRESSURE_KEYS.get(usize::from(group == b"full") * 4 + place) {
                    self.pressure_area.set_key(name.as_bytes(), key, value);
                }
            });
        }
        self.pressure_area.emit(output, "");
    }
}

const PRESSURE_KEYS: [&[u8]; 8] =
    [b"some 0", b"some 1", b"some 2", b"some 3", b"full 0", b"full 1", b"full 2", b"full 3"];

/// All time but idle and waiting; guests are part of user time already.
fn busy_jiffies(columns: impl Iterator<Item = f64>) -> f64 {
    columns.take(8).enumerate().filter(|(place, _)| !matches!(place, 3 | 4)).map(|(_, value)| value).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn busy_leaves_out_idle_and_guests() {
        let columns = [1.0, 2.0, 4.0, 1000.0, 1000.0, 8.0, 16.0, 32.0, 64.0, 128.0];
        assert_eq!(super::busy_jiffies(columns.into_iter()), 63.0);
    }
}
