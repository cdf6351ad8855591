//! Our filter, made to drop for each reason that costs no answer.

use super::beside::{Frames, Ground, HOST, PORT, listed};
use base::SystemRandom;
use ddos::{Field, Level, Prefix, Reason, Signature};
use scrub::{Filter, Limits, Plan, Rate, Sizes, Verdict};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Why a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    Reflection,
    Trusting,
    Denied,
    DeniedMany,
    Banned,
    Malformed,
    Signature,
    Unverified,
    Rate,
}

const NOW: i64 = 1_700_000_000_000_000;
const HOUR: i64 = 3_600_000_000;

impl Ours {
    /// What is sent to it.
    pub(super) fn frames(self) -> Frames {
        match self {
            Ours::Reflection | Ours::Trusting => Frames::Ntp,
            Ours::Banned => Frames::Listed,
            Ours::Malformed => Frames::Dead,
            _ => Frames::Plain,
        }
    }

    fn level(self) -> Level {
        match self {
            Ours::Denied | Ours::DeniedMany | Ours::Banned => Level::Observe,
            Ours::Reflection | Ours::Trusting | Ours::Malformed => Level::Clean,
            Ours::Rate => Level::Limit,
            Ours::Signature => Level::Prove,
            Ours::Unverified => Level::Verified,
        }
    }

    fn reason(self) -> Reason {
        match self {
            Ours::Reflection | Ours::Trusting => Reason::Amplification,
            Ours::Denied | Ours::DeniedMany => Reason::Denied,
            Ours::Banned => Reason::Banned,
            Ours::Malformed => Reason::Malformed,
            Ours::Signature => Reason::Signature,
            Ours::Unverified => Reason::NotVerified,
            Ours::Rate => Reason::DestinationRate,
        }
    }

    fn prepare(self, filter: &mut Filter) -> base::Result<()> {
        let host = Prefix::single(HOST.into());
        let deny = |filter: &mut Filter, address: u32, length| match Prefix::new(Ipv4Addr::from(address).into(), length)
        {
            Some(prefix) => filter.list(prefix, Verdict::Deny),
            None => Ok(()),
        };
        match self {
            Ours::Trusting => {
                (0..64_u8).try_for_each(|n| filter.trust(Ipv4Addr::new(9, 9, 9, n).into(), 123))?;
            }
            Ours::Denied => deny(filter, 0x1000_0000, 8)?,
            Ours::DeniedMany => {
                // All /24s of the sources among them.
                (0..20_000).try_for_each(|n| deny(filter, 0x1000_0000 + (n << 8), 24))?;
            }
            Ours::Banned => {
                let ban = |source: Ipv4Addr| filter.ban(source.into(), Duration::from_secs(3600), 0);
                listed().into_iter().try_for_each(ban)?;
            }
            Ours::Signature => {
                let terms = vec![(Field::Protocol, 17), (Field::SourcePort, u32::from(PORT)), (Field::Length, 468)];
                filter.put_signature(&Signature::new(host, terms, NOW + HOUR), NOW)?;
            }
            Ours::Rate => filter.set_rate(host, Some(Rate { packets: 1, burst: 1 }))?,
            Ours::Reflection | Ours::Malformed | Ours::Unverified => {}
        }
        Ok(())
    }
}

fn inside(fault: base::Fault) -> io::Error {
    io::Error::other(fault.inside())
}

/// Measures with our filter in place; nanoseconds, and how many packets it dropped for this reason.
pub(super) fn drop(
    ground: &Ground,
    ours: Ours,
    index: u32,
    measure: impl Fn() -> io::Result<f64>,
) -> io::Result<(f64, u64)> {
    // Rates that are looked up and never reached.
    let wide = Some(Rate { packets: 500_000_000, burst: 1_000_000 });
    let limits = Limits { source: wide, net: wide, ..Limits::default() };
    let (lease, sizes) = (Duration::from_secs(600), Sizes { confirmed: 65_536, ..Sizes::default() });
    let plan = Plan { lease, limits, sizes, sample_one_in: 1024, ..Plan::new(index, ground.bpffs.pins()) };
    let mut filter = ground.host.inside(|| Filter::attach(&plan, &SystemRandom::new()))?.map_err(inside)?;
    let protected = filter.protect(&[(Prefix::single(HOST.into()), ours.level())]);
    protected.and_then(|()| ours.prepare(&mut filter)).map_err(inside)?;
    let measured = measure();
    let dropped = filter.dropped().map_err(inside)?.packets[ours.reason().index()];
    filter.detach().map_err(inside)?;
    Ok((measured?, dropped))
}
