//! Rust twins of the structures of `bpf/maps.h`.

use crate::bans::WAYS;
use ddos::Reason;
use std::mem::{align_of, offset_of, size_of};

/// Number of the agreement with `bpf/maps.h`.
pub(crate) const ABI: u32 = 4;

/// A structure that goes in and out of a map byte by byte.
///
/// # Safety
/// `repr(C)`, made of integers and arrays of such without padding: any bytes are a value of it.
pub(crate) unsafe trait Plain: Copy {
    /// Its bytes.
    fn bytes(&self) -> &[u8] {
        // SAFETY: a value without padding is `size_of` initialised bytes, borrowed as long as the value is.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }

    /// From as many bytes.
    fn read(bytes: &[u8]) -> Option<Self> {
        // SAFETY: there are enough bytes, any bytes are a value, and the read asks for no alignment.
        (bytes.len() >= size_of::<Self>()).then(|| unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
    }
}

// SAFETY: integers.
unsafe impl Plain for u32 {}
// SAFETY: integers.
unsafe impl Plain for u64 {}
// SAFETY: four integers without padding.
unsafe impl Plain for [u32; 4] {}

/// Name in C, size and offsets of the fields of a twin.
#[cfg(test)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) fields: &'static [(&'static str, usize)],
}

macro_rules! twins {
    ($($(#[$page:meta])* $c:literal $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            $(#[$page])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            #[repr(C)]
            pub(crate) struct $name { $(pub(crate) $field: $type,)* }
            const _: () = assert!(0 $(+ size_of::<$type>())* == size_of::<$name>(), "padding");
            const _: () = assert!(align_of::<$name>() <= 8);
            // SAFETY: `repr(C)`, made of integers and arrays of twins; no padding, as asserted above.
            unsafe impl Plain for $name {}
        )*
        /// Every twin.
        #[cfg(test)]
        pub(crate) const LAYOUTS: &[Layout] = &[$(Layout {
            name: $c,
            size: size_of::<$name>(),
            fields: &[$((stringify!($field), offset_of!($name, $field)),)*],
        },)*];
        const _: usize = 0 $($(+ offset_of!($name, $field))*)*;
    };
}

twins! {
    /// What holds for the whole filter.
    "settings" Settings {
        lease_until: u64,
        key: [u64; 3],
        source_step: u64,
        source_window: u64,
        net_step: u64,
        net_window: u64,
        confirmed_for: u64,
        tick_from: u64,
        time_from: u64,
        tick: u64,
        sample_below: u32,
        holds: u32,
        bank: u32,
        rest_level: u32,
        abi: u32,
        generation: u32,
        cookies: u32,
        ban_mask: u32,
    }
    /// A protected prefix.
    "place" Place { slot: u32, level: u32, step: u64, window: u64, }
    /// When the buckets of a destination are empty again.
    "place_bucket" PlaceBucket { all: u64, sizes: u64, }
    /// Packets and bytes.
    "tally" Tally { packets: u64, bytes: u64, }
    /// What one processor counted for a slot.
    "counters" Counts {
        new_sources: u64,
        length_squares: u64,
        fragments: u64,
        row: [Tally; ROWS],
        dropped: [Tally; Reason::COUNT],
    }
    /// Key of an IPv4 prefix; address in network order.
    "net4" Net4 { bits: u32, address: [u8; 4], }
    /// Key of an IPv6 prefix.
    "net6" Net6 { bits: u32, address: [u8; 16], }
    /// Bans of IPv4 sources.
    "bans4" Bans4 { until: [u64; WAYS], address: [u32; WAYS], reason: [u32; WAYS], }
    /// Bans of IPv6 sources.
    "bans6" Bans6 { until: [u64; WAYS], address: [[u32; 4]; WAYS], reason: [u32; WAYS], reserved: [u32; WAYS], }
    /// What is listed of all sources with a first byte.
    "heads" Heads { head: [u16; 256], }
    /// What is listed of a /16.
    "block" Block { says: [u8; 256], }
    /// Who may answer us over UDP.
    "service" Service { address: [u8; 16], port: u32, }
    /// A term of a rule.
    "term" Term { field: u32, value: u32, }
    /// A signature.
    "rule" Rule {
        until: u64,
        id: u64,
        terms: u32,
        present: u32,
        term: [Term; TERMS],
        six: u32,
        reserved: u32,
        address: [u8; 16],
        mask: [u8; 16],
    }
    /// All signatures of a bank.
    "rules" Rules { count: u32, reserved: u32, rule: [Rule; RULES], }
    /// Two clocks read at once.
    "clocks" Clocks { ticks: u64, time: u64, }
    /// A sampled header.
    "sample" SampleEntry { at: u64, slot: u32, length: u16, reason: u8, captured: u8, header: [u8; 96], }
}

/// As what a packet is counted; `enum row`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Row {
    TcpOther,
    Syn,
    Synack,
    Ack,
    Rst,
    Fin,
    TcpUnread,
    Udp,
    Amplified,
    UdpUnread,
    Icmp,
    Other,
}

/// Number of [`Row`]s.
pub(crate) const ROWS: usize = 12;

/// Most terms of a rule.
pub(crate) const TERMS: usize = ddos::TERMS;
/// Most rules.
pub const RULES: usize = 32;

/// Bits of [`Settings::holds`].
pub(crate) mod holds {
    pub(crate) const LISTS: u32 = 1;
    pub(crate) const BANS: u32 = 2;
    pub(crate) const SERVICES: u32 = 4;
    pub(crate) const RESOLVERS: u32 = 8;
    pub(crate) const CLOCKS: u32 = 16;
    pub(crate) const RULES: u32 = 32;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::LAYOUT;
    use ddos::{Field, Level};

    const HEADER: &str = include_str!("../bpf/maps.h");

    #[test]
    fn c_structures_and_rust_twins_agree() {
        for layout in LAYOUTS {
            let (size, fields) = kernel::structure(LAYOUT, layout.name).unwrap().expect(layout.name);
            let ours: Vec<(String, usize)> = fields.into_iter().map(|field| (field.name, field.offset)).collect();
            let twin: Vec<(String, usize)> = layout.fields.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
            assert_eq!((size, ours), (layout.size, twin), "{}", layout.name);
        }
    }

    /// Names of an enumeration in the header, in their order.
    fn names(of: &str) -> Vec<String> {
        let from = HEADER.split_once(&format!("enum {of} {{")).unwrap().1;
        let body = from.split_once("};").unwrap().0;
        let without: String = body.lines().map(|line| line.split("//").next().unwrap()).collect();
        without.split(',').map(|name| name.trim().to_lowercase().replace('_', "-")).collect()
    }

    #[test]
    fn numbers_agree() {
        let reasons: Vec<String> = Reason::ALL.iter().map(|reason| reason.word().to_owned()).collect();
        assert_eq!(names("reason")[..Reason::COUNT], reasons);
        let levels: Vec<String> = Level::ALL.iter().map(|level| level.word().to_owned()).collect();
        assert_eq!(names("level"), levels);
        let rows: Vec<String> = names("row").iter().map(|name| name.replace("row-", "").replace('-', "")).collect();
        assert_eq!(rows[ROWS], "rows");
        for row in [Row::TcpOther, Row::Syn, Row::Synack, Row::Ack, Row::Rst, Row::Fin, Row::TcpUnread, Row::Udp]
            .into_iter()
            .chain([Row::Amplified, Row::UdpUnread, Row::Icmp, Row::Other])
        {
            assert_eq!(rows[row as usize], format!("{row:?}").to_lowercase());
        }
        let fields: Vec<String> = Field::ALL.iter().map(|field| field.word().replace("payload", "payload-")).collect();
        let c: Vec<String> = names("field").iter().map(|name| name.trim_start_matches("field-").to_owned()).collect();
        assert_eq!(c[..Field::COUNT], fields);
        assert!(HEADER.contains(&format!("#define ABI {ABI}\n")));
        assert!(HEADER.contains(&format!("#define RULES {RULES}\n")));
        assert!(HEADER.contains(&format!("#define TERMS {TERMS}\n")));
        assert!(HEADER.contains(&format!("#define WAYS {WAYS}\n")));
        assert_eq!(names("says")[..5], ["says-nothing", "says-deny", "says-allow", "says-ask", "says-block"]);
    }

    #[test]
    fn bytes_come_back() {
        let place = Place { slot: 7, level: 3, step: 1 << 40, window: 5 };
        assert_eq!(Place::read(place.bytes()), Some(place));
        assert_eq!(Place::read(&place.bytes()[1..]), None);
    }
}
