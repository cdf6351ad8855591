//! The heaviest senders among many, in fixed memory.

use crate::Class;
use base::Prefix;
use std::collections::HashMap;
use std::net::IpAddr;

/// The network that an address is counted with: its /24, of IPv6 its /64.
pub fn network(address: IpAddr) -> Prefix {
    let single = Prefix::single(address);
    single.widened(if single.is_ipv6() { 64 } else { 24 })
}

/// What is known of one sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sender {
    /// Its address; maybe forged.
    pub address: IpAddr,
    /// The class its last packet belonged to.
    pub class: Class,
    /// Packets, estimated from samples; too many by at most `error`.
    pub packets: f64,
    /// What it took over from a sender that was pushed out.
    pub error: f64,
    /// Samples it was seen in.
    pub samples: u32,
}

/// Space-Saving (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place, and the count, of the lightest. Besides a
/// bitmap for the number of distinct senders (linear counting; Whang, Vander-Zanden, Taylor 1990).
#[derive(Debug, Clone)]
pub struct Senders {
    most: usize,
    senders: Vec<Sender>,
    at: HashMap<IpAddr, usize>,
    bitmap: Vec<u64>,
    set: u32,
}

/// Bits of the bitmap.
const BITS: usize = 1 << 16;
/// Places that are looked at for the lightest: exact order costs more than it tells of samples.
const LOOK: usize = 16;

impl Senders {
    /// Keeps at most `most` senders.
    pub fn new(most: usize) -> Senders {
        Senders { most: most.max(1), senders: Vec::new(), at: HashMap::new(), bitmap: vec![0; BITS / 64], set: 0 }
    }

    /// A sample that stands for `packets` packets.
    pub fn add(&mut self, address: IpAddr, class: Class, packets: f64) {
        let bit = crate::meter::hash(address) as usize % BITS;
        if self.bitmap[bit / 64] & 1 << (bit % 64) == 0 {
            self.bitmap[bit / 64] |= 1 << (bit % 64);
            self.set += 1;
        }
        if let Some(sender) = self.at.get(&address).and_then(|index| self.senders.get_mut(*index)) {
            sender.packets += packets;
            sender.samples += 1;
            sender.class = class;
            return;
        }
        let new = Sender { address, class, packets, error: 0.0, samples: 1 };
        if self.senders.len() < self.most {
            self.at.insert(address, self.senders.len());
            self.senders.push(new);
            return;
        }
        // Begin at a place that the address chooses, so that no place is always looked at.
        let begin = bit % self.senders.len();
        let places = (0..LOOK.min(self.senders.len())).map(|step| (begin + step) % self.senders.len());
        let lightest = places.min_by(|one, other| self.senders[*one].packets.total_cmp(&self.senders[*other].packets));
        let Some(index) = lightest else { return };
        let old = self.senders[index];
        self.at.remove(&old.address);
        self.at.insert(address, index);
        self.senders[index] = Sender { packets: old.packets + packets, error: old.packets, ..new };
    }

    /// The heaviest, by what is sure of them.
    pub fn top(&self, count: usize) -> Vec<Sender> {
        let mut sorted = self.senders.clone();
        sorted.sort_by(|one, other| {
            let sure = |sender: &Sender| sender.packets - sender.error;
            sure(other).total_cmp(&sure(one)).then(one.address.cmp(&other.address))
        });
        sorted.truncate(count);
        sorted
    }

    /// Distinct senders among the samples, estimated; the bitmap tells up to about half a million apart.
    pub fn distinct(&self) -> u64 {
        let empty = (BITS as f64 - f64::from(self.set)).max(1.0);
        (BITS as f64 * (BITS as f64 / empty).ln()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn a_heavy_sender_stands_out_of_many_light_ones() {
        let mut senders = Senders::new(256);
        for number in 0..40_000 {
            senders.add(address(number), Class::Syn, 1.0);
            if number % 10 == 0 {
                senders.add(address(0xc000_0201), Class::Udp, 1.0);
            }
        }
        let top = senders.top(3);
        assert_eq!((top[0].address, top[0].class), (address(0xc000_0201), Class::Udp));
        assert!(top[0].packets - top[0].error >= 3_900.0, "{top:?}");
        let distinct = senders.distinct();
        assert!((38_000..42_000).contains(&distinct), "{distinct}");
    }
}
