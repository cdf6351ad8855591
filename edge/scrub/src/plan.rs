//! What to attach where, and how much is too much.

use std::path::PathBuf;
use std::time::Duration;

/// How the program is attached to the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Native where the driver can, generic otherwise.
    #[default]
    Auto,
    /// In the driver, before the kernel makes a packet buffer: fast.
    Native,
    /// Behind the driver, on packet buffers: works everywhere, slower than nftables at worst and never as fast as
    /// native.
    Generic,
}

impl Mode {
    /// Its name in records and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::Native => "native",
            Mode::Generic => "generic",
        }
    }
}

/// Who proves by SYN cookies that a client lives where it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cookies {
    /// Nobody: a SYN of an unknown source is left to the rates.
    #[default]
    None,
    /// The protected addresses are of this host, in the network namespace of the interface: each listener's own cookies.
    /// With `net.ipv4.tcp_syncookies` = 2 always, with 1 when its queue is full.
    Local,
    /// The protected addresses lie behind this host: cookies of the kernel's synproxy, which [`crate::synproxy`] sets up.
    /// TCP to ports that its rules do not name is not reached by new clients from [`ddos::Level::Prove`] on.
    Router,
}

impl Cookies {
    /// Its number in `bpf/maps.h`.
    pub(crate) fn number(self) -> u32 {
        match self {
            Cookies::None => 0,
            Cookies::Local => 1,
            Cookies::Router => 2,
        }
    }

    pub(crate) fn from_number(number: u32) -> Cookies {
        let all = [Cookies::None, Cookies::Local, Cookies::Router];
        all.into_iter().find(|cookies| cookies.number() == number).unwrap_or_default()
    }
}

/// A rate: so many packets a second, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Packets a second, at least 1.
    pub packets: u32,
    /// How many packets may come at once before the rate holds, at least 1.
    pub burst: u32,
}

impl Rate {
    /// Nanoseconds that a packet costs, and how many the source may be ahead.
    pub(crate) fn step_and_window(rate: Option<Rate>) -> (u64, u64) {
        let Some(rate) = rate else { return (0, 0) };
        let step = (1_000_000_000 / u64::from(rate.packets.max(1))).max(1);
        (step, step * u64::from(rate.burst.max(1) - 1))
    }

    /// The rate of these, `None` for no limit.
    pub(crate) fn from_step((step, window): (u64, u64)) -> Option<Rate> {
        let per_second = 1_000_000_000_u64.checked_div(step)?;
        Some(Rate { packets: u32::try_from(per_second).ok()?, burst: u32::try_from(window / step + 1).ok()? })
    }
}

/// What is too much from `limit` on, and how long a proof holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one source; `None` for no limit.
    pub source: Option<Rate>,
    /// Of its /24, or /64 of IPv6.
    pub net: Option<Rate>,
    /// How long a source that has brought a cookie back counts as verified.
    pub confirmed: Duration,
}

impl Default for Limits {
    /// A busy client behind address translation stays below; the burst lets a page with its pictures through.
    fn default() -> Limits {
        Limits {
            source: Some(Rate { packets: 2_000, burst: 4_000 }),
            net: Some(Rate { packets: 20_000, burst: 40_000 }),
            confirmed: Duration::from_secs(600),
        }
    }
}

/// Sizes of the tables, entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Protected prefixes.
    pub places: u32,
    /// Allowed and denied prefixes of each family. Those of IPv4 up to 24 bits cost the same however many there are; the trie
    /// of the others takes hundreds of nanoseconds above some 100,000.
    pub prefixes: u32,
    /// Bans of each family, roughly; those that end first give way.
    pub bans: u32,
    /// Confirmed sources of each family; the oldest give way.
    pub confirmed: u32,
    /// Bytes for samples, a power of two; a sample takes 120.
    pub samples: u32,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { places: 4_096, prefixes: 100_000, bans: 65_536, confirmed: 262_144, samples: 1 << 20 }
    }
}

/// What to attach where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Index of the interface, in the network namespace of the calling thread.
    pub interface: u32,
    /// How.
    pub mode: Mode,
    /// A folder of our own on a BPF file system, made when it is not there.
    pub pins: PathBuf,
    /// How long filtering goes on without [`crate::Filter::renew`].
    pub lease: Duration,
    /// Who proves addresses.
    pub cookies: Cookies,
    /// What is too much.
    pub limits: Limits,
    /// Sizes of the tables.
    pub sizes: Sizes,
    /// One header in so many is sampled; 0 for none.
    pub sample_one_in: u32,
}

impl Plan {
    /// For an interface, with everything else as usual: a lease of 30 s, one sample in 64.
    pub fn new(interface: u32, pins: PathBuf) -> Plan {
        Plan {
            interface,
            mode: Mode::default(),
            pins,
            lease: Duration::from_secs(30),
            cookies: Cookies::default(),
            limits: Limits::default(),
            sizes: Sizes::default(),
            sample_one_in: 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_come_back_from_their_steps() {
        for (packets, burst) in [(1, 1), (10, 1), (2_000, 4_000), (1_000_000, 1)] {
            let rate = Some(Rate { packets, burst });
            assert_eq!(Rate::from_step(Rate::step_and_window(rate)), rate);
        }
        assert_eq!(Rate::step_and_window(None), (0, 0));
        assert_eq!(Rate::from_step((0, 0)), None);
    }
}
