//! Interfaces, sockets and protocols of the network namespace the agent runs in.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};

/// Most interfaces told; a host with many containers has one for each.
const INTERFACES_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    devices: Kept,
    sockets: [Kept; 2],
    protocols: Kept,
    extended: Kept,
    sixth: Kept,
    backlog: Kept,
    tracked: Kept,
    tracked_limit: Kept,
    interface: Area,
    socket: Area,
    protocol: Area,
    extension: Area,
    sixth_area: Area,
    backlog_area: Area,
    tracking: Area,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader {
            buffer: Vec::new(),
            devices: Kept::new("/proc/net/dev"),
            sockets: [Kept::new("/proc/net/sockstat"), Kept::new("/proc/net/sockstat6")],
            protocols: Kept::new("/proc/net/snmp"),
            extended: Kept::new("/proc/net/netstat"),
            sixth: Kept::new("/proc/net/snmp6"),
            backlog: Kept::new("/proc/net/softnet_stat"),
            tracked: Kept::new("/proc/sys/net/netfilter/nf_conntrack_count"),
            tracked_limit: Kept::new("/proc/sys/net/netfilter/nf_conntrack_max"),
            interface: Area::new(tables::INTERFACE),
            socket: Area::new(tables::SOCKET),
            protocol: Area::new(tables::PROTOCOL),
            extension: Area::new(tables::EXTENDED),
            sixth_area: Area::new(tables::SIXTH),
            backlog_area: Area::new(tables::BACKLOG),
            tracking: Area::new(tables::TRACKING),
        }
    }

    pub(super) fn read(&mut self, output: &mut Output) {
        self.read_interfaces(output);
        self.read_protocols(output);
        if let Some(content) = self.backlog.read(&mut self.buffer) {
            self.backlog_area.clear();
            self.backlog_area.set_columns(text::backlog(content).into_iter());
            self.backlog_area.emit(output, "");
        }
        let entries = self.tracked.read(&mut self.buffer).map(text::first);
        let limit = self.tracked_limit.read(&mut self.buffer).map(text::first);
        if let (Some(entries), Some(limit)) = (entries, limit) {
            self.tracking.clear();
            self.tracking.set_columns([entries, limit, entries * 100.0 / limit].into_iter());
            self.tracking.emit(output, "");
        }
    }

    fn read_interfaces(&mut self, output: &mut Output) {
        let Some(content) = self.devices.read(&mut self.buffer) else { return };
        for (name, columns) in text::lines(content).filter_map(text::interface).take(INTERFACES_MAX) {
            self.interface.clear();
            self.interface.set_columns(columns);
            self.interface.emit(output, name);
        }
        self.interface.end();
    }

    fn read_protocols(&mut self, output: &mut Output) {
        self.socket.clear();
        for file in &self.sockets {
            let socket = &mut self.socket;
            if let Some(content) = file.read(&mut self.buffer) {
                text::groups(content, |group, name, value| socket.set_key(group, name, value));
            }
        }
        self.socket.emit(output, "");
        for (file, area) in [(&self.protocols, &mut self.protocol), (&self.extended, &mut self.extension)] {
            if let Some(content) = file.read(&mut self.buffer) {
                area.clear();
                text::headed(content, |group, name, value| area.set_key(group, name, value));
                area.emit(output, "");
            }
        }
        if let Some(content) = self.sixth.read(&mut self.buffer) {
            let area = &mut self.sixth_area;
            area.clear();
            text::pairs(content, |name, value| area.set_key(b"", name, value));
            area.emit(output, "");
        }
    }
}
