//! syslog from other hosts: UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425), in one thread that waits on all of them.
//!
//! The protocol has no acknowledgement, so a sender cannot know what a refusing sink did not take: that is counted and
//! told, and streams are then not read for a while, which makes their senders wait. A sender over its rate waits too on
//! a stream; its datagrams are dropped, counted and told.

mod connection;
pub mod frame;
pub mod sender;
pub mod tls;

pub use sender::Senders;

use crate::config::{SyslogInput, Transport};
use crate::decode;
use crate::fault;
use crate::limits::{BATCH_EVENTS, DATAGRAMS};
use crate::reader::Reader;
use crate::sink::Sink;
use crate::stats::{Count, Counters};
use crate::wake::Stop;
use crate::zone::Zone;
use base::{Clock, Fault, Micros, Result};
use connection::{Connection, Turn};
use record::{Activity, Event, Kind, Lost};
use rustls::ServerConfig;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// Waits at most so long, so that idle connections end and losses are told.
const TICK: Duration = Duration::from_secs(1);
/// Waits so long while a sender is over its rate.
const PAUSE: Duration = Duration::from_millis(20);
/// Streams are not read for so long after the sink refused, µs.
const REFUSED_US: Micros = 1_000_000;

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpListener, Option<Arc<ServerConfig>>),
}

/// An address that is listened on.
pub struct Listener {
    input: SyslogInput,
    socket: Socket,
    address: SocketAddr,
    counters: Arc<Counters>,
    senders: Arc<Senders>,
    /// Messages that were dropped and not told yet.
    untold: u64,
}

impl Listener {
    /// Binds the address of an input, and reads its certificates.
    pub fn bind(input: SyslogInput, counters: Arc<Counters>) -> Result<Listener> {
        let fault = |cause: std::io::Error| Fault::new(&fault::LISTEN).object(input.listen).because(cause);
        let (socket, address) = match input.transport {
            Transport::Udp => {
                let socket = UdpSocket::bind(input.listen).map_err(fault)?;
                socket.set_nonblocking(true).map_err(fault)?;
                let address = socket.local_addr().map_err(fault)?;
                (Socket::Udp(socket), address)
            }
            Transport::Tcp | Transport::Tls => {
                let config = (input.transport == Transport::Tls).then(|| tls::config(&input)).transpose()?;
                let socket = TcpListener::bind(input.listen).map_err(fault)?;
                socket.set_nonblocking(true).map_err(fault)?;
                let address = socket.local_addr().map_err(fault)?;
                (Socket::Tcp(socket, config), address)
            }
        };
        let senders = Arc::new(Senders::new(input.rate_each));
        Ok(Listener { input, socket, address, counters, senders, untold: 0 })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its senders.
    pub fn senders(&self) -> Arc<Senders> {
        self.senders.clone()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Udp(socket) => socket.as_fd(),
            Socket::Tcp(socket, _) => socket.as_fd(),
        }
    }

    fn reader<'a>(&'a self, now: Micros, zone: &'a Zone) -> Reader<'a> {
        let decoder = decode::of(&self.input.decoder).unwrap_or(&decode::syslog::Syslog);
        Reader { decoder, word: &self.input.source, now, zone, counters: &self.counters }
    }
}

/// All listeners and their connections.
pub struct Receiver {
    listeners: Vec<Listener>,
    connections: Vec<Connection>,
    clock: Arc<dyn Clock>,
    zone: Zone,
    events: Vec<Event>,
    buffer: Vec<u8>,
    /// Streams are not read before this moment of the monotonic clock.
    read_from: Micros,
}

impl Receiver {
    /// Of these listeners.
    pub fn new(listeners: Vec<Listener>, clock: Arc<dyn Clock>, zone: Zone) -> Receiver {
        let buffer = vec![0; 64 * 1024];
        Receiver { listeners, connections: Vec::new(), clock, zone, events: Vec::new(), buffer, read_from: 0 }
    }

    /// Waits for senders and takes what they send, once.
    fn round(&mut self, sink: &dyn Sink, stop: &Stop) {
        let now = self.clock.monotonic();
        let may_read = now >= self.read_from;
        let is_open = |connection: &Connection| {
            may_read && self.listeners[connection.listener].senders.is_within(connection.peer, now)
        };
        let open: Vec<bool> = self.connections.iter().map(is_open).collect();
        let pause = if open.contains(&false) { PAUSE } else { TICK };
        let listeners = self.listeners.iter().map(Listener::fd);
        let connections = self.connections.iter().zip(&open).filter(|(_, open)| **open);
        let fds: Vec<BorrowedFd<'_>> = listeners.chain(connections.map(|(connection, _)| connection.fd())).collect();
        let ready = stop.wait(&fds, pause);
        let (ready_listeners, ready) = ready.split_at(self.listeners.len());
        let mut ready = ready.iter();
        let ready: Vec<bool> = open.iter().map(|open| *open && ready.next() == Some(&true)).collect();
        self.streams(&ready, sink);
        let mut is_short = false;
        for (index, is_ready) in ready_listeners.iter().enumerate() {
            match &self.listeners[index].socket {
                _ if !is_ready => {}
                Socket::Udp(_) => self.datagrams(index),
                Socket::Tcp(..) => is_short |= !self.accept(index),
            }
        }
        if is_short {
            // Out of file descriptors: whoever waits to connect must not keep this thread spinning.
            stop.wait(&[], PAUSE);
        }
        self.tell();
        self.give(sink);
    }

    /// Reads the datagrams that wait.
    fn datagrams(&mut self, index: usize) {
        let now = self.clock.monotonic();
        let listener = &mut self.listeners[index];
        let Socket::Udp(socket) = &listener.socket else { return };
        let mut dropped = 0;
        let reader = listener.reader(self.clock.wall(), &self.zone);
        for _ in 0..DATAGRAMS {
            let Ok((count, peer)) = socket.recv_from(&mut self.buffer) else { break };
            let address = peer.ip().to_canonical();
            if listener.senders.admit(address, count, now) {
                reader.read(self.buffer[..count].trim_ascii_end(), false, &address.to_string(), &mut self.events);
            } else {
                dropped += 1;
            }
        }
        listener.counters.add(Count::Dropped, dropped);
        listener.untold += dropped;
    }

    /// Takes new connections within the limits; `false` where the host has nothing left to take them with.
    fn accept(&mut self, index: usize) -> bool {
        let now = self.clock.monotonic();
        let listener = &self.listeners[index];
        let Socket::Tcp(socket, config) = &listener.socket else { return true };
        let is_empty = loop {
            let (stream, peer) = match socket.accept() {
                Ok(accepted) => accepted,
                Err(cause) => break cause.kind() == std::io::ErrorKind::WouldBlock,
            };
            let peer = peer.ip().to_canonical();
            let of_listener = self.connections.iter().filter(|connection| connection.listener == index);
            let (all, same) = of_listener
                .fold((0, 0), |(all, same), connection| (all + 1, same + usize::from(connection.peer == peer)));
            let fits = all < listener.input.connections && same < listener.input.connections_each;
            let connection = if fits { Connection::new(stream, config.as_ref(), peer, index, now) } else { None };
            match connection {
                Some(connection) => self.connections.push(connection),
                None => listener.counters.add(Count::Refused, 1),
            }
        };
        if !is_empty {
            listener.counters.add(Count::Failures, 1);
        }
        self.count_open();
        is_empty
    }

    /// Reads the connections that are ready, and ends those that are over.
    fn streams(&mut self, ready: &[bool], sink: &dyn Sink) {
        let now = self.clock.monotonic();
        let before = self.connections.len();
        let mut connections = std::mem::take(&mut self.connections);
        let mut ready = ready.iter().copied();
        connections.retain_mut(|connection| {
            let turn = if ready.next() == Some(true) { self.stream(connection, now) } else { Turn::Open };
            if self.events.len() >= BATCH_EVENTS {
                self.give(sink);
            }
            let listener = &self.listeners[connection.listener];
            if turn == Turn::Broken {
                listener.counters.add(Count::Refused, 1);
            }
            turn == Turn::Open && !connection.is_idle(listener.input.idle_s, now)
        });
        self.connections = connections;
        if self.connections.len() != before {
            self.count_open();
        }
    }

    fn stream(&mut self, connection: &mut Connection, now: Micros) -> Turn {
        let listener = &self.listeners[connection.listener];
        let reader = listener.reader(self.clock.wall(), &self.zone);
        let (peer, origin) = (connection.peer, connection.origin.clone());
        let events = &mut self.events;
        connection.read(&mut self.buffer, now, &mut |message, cut| {
            listener.senders.charge(peer, message.len(), now);
            reader.read(message, cut, &origin, events);
        })
    }

    fn count_open(&self) {
        for (index, listener) in self.listeners.iter().enumerate() {
            let open = self.connections.iter().filter(|connection| connection.listener == index).count();
            listener.counters.set_open(open);
        }
    }

    /// Adds what was dropped as an event.
    fn tell(&mut self) {
        let time_us = self.clock.wall();
        for listener in self.listeners.iter_mut().filter(|listener| listener.untold > 0) {
            let count = std::mem::take(&mut listener.untold);
            let place = "filter-rate".to_owned();
            let lost = Lost { class: Kind::Log.word().to_owned(), place, count, first_seq: 0, last_seq: 0 };
            self.events.push(Event { seq: 0, time_us, process: None, activity: Activity::Lost(lost) });
        }
    }

    /// Gives the events to the sink. What it refuses is lost, counted, and told once it takes again.
    fn give(&mut self, sink: &dyn Sink) {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return;
        }
        let lost = events.iter().map(|event| match &event.activity {
            Activity::Lost(lost) => lost.count,
            _ => 1,
        });
        let lost: u64 = lost.sum();
        let count = events.iter().filter(|event| matches!(event.activity, Activity::Log(_))).count();
        let Err(fault) = sink.take(events) else { return };
        tracing::warn!(fault = fault.inside(), "syslog");
        self.read_from = self.clock.monotonic() + REFUSED_US;
        // The first listener stands for all: the batch holds records of any.
        if let Some(listener) = self.listeners.first_mut() {
            listener.counters.add(Count::Failures, 1);
            listener.counters.add(Count::Dropped, count as u64);
            listener.untold += lost;
        }
    }
}

/// Receives until the stop.
pub fn run(mut receiver: Receiver, sink: &dyn Sink, stop: &Stop) {
    while !stop.is_set() {
        receiver.round(sink, stop);
    }
}
