//! Small databases of the MaxMind DB format 2.0, written as its specification says: tree, data, metadata.

use std::net::IpAddr;

/// A value of a record.
#[derive(Debug, Clone)]
pub enum Value {
    /// UTF-8.
    Text(&'static str),
    /// 32 bits, unsigned.
    Number(u32),
    /// Keys and values.
    Map(Vec<(&'static str, Value)>),
    /// True or false.
    Flag(bool),
}

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    /// Place in the data section.
    Data(usize),
}

/// A database of this type name, with a record for each range (`192.0.2.0/24`). IPv4 lies below `::/96`, records of the tree
/// have 24, 28 or 32 bits.
///
/// # Panics
/// On a range that is none: it is for tests.
pub fn database(kind: &str, record_bits: usize, ranges: &[(&str, Value)]) -> Vec<u8> {
    let (mut tree, mut data) = (vec![[Child::Nothing; 2]], Vec::new());
    for (range, value) in ranges {
        let place = data.len();
        encode(value, &mut data);
        insert(&mut tree, &bits(range), place);
    }
    let mut file = Vec::new();
    for node in &tree {
        let record = |child: &Child| match child {
            Child::Nothing => tree.len(),
            Child::Node(index) => *index,
            Child::Data(place) => tree.len() + 16 + place,
        };
        put(&mut file, record_bits, record(&node[0]), record(&node[1]));
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    metadata(kind, record_bits, tree.len(), &mut file);
    file
}

/// The bits of a range in a tree of IPv6.
#[expect(clippy::expect_used, reason = "a range that is none is a mistake in the test")]
fn bits(range: &str) -> Vec<usize> {
    let (address, length) = range.split_once('/').expect("a range");
    let length: usize = length.parse().expect("a length");
    let (all, length) = match address.parse::<IpAddr>().expect("an address") {
        IpAddr::V4(address) => (u128::from(u32::from(address)), length + 96),
        IpAddr::V6(address) => (u128::from(address), length),
    };
    (0..length).map(|at| usize::from(all >> (127 - at) & 1 == 1)).collect()
}

fn insert(tree: &mut Vec<[Child; 2]>, bits: &[usize], place: usize) {
    let Some((last, before)) = bits.split_last() else { return };
    let mut at = 0;
    for bit in before {
        at = match tree[at][*bit] {
            Child::Node(next) => next,
            // What a wider range said holds for both halves.
            said => {
                tree.push([said; 2]);
                let next = tree.len() - 1;
                tree[at][*bit] = Child::Node(next);
                next
            }
        };
    }
    tree[at][*last] = Child::Data(place);
}

fn put(file: &mut Vec<u8>, bits: usize, left: usize, right: usize) {
    let (left, right) = ((left as u32).to_be_bytes(), (right as u32).to_be_bytes());
    match bits {
        24 => {
            file.extend(&left[1..]);
            file.extend(&right[1..]);
        }
        28 => {
            file.extend(&left[1..]);
            file.push(left[0] << 4 | right[0] & 0x0f);
            file.extend(&right[1..]);
        }
        _ => {
            file.extend(left);
            file.extend(right);
        }
    }
}

fn head(kind: u8, size: usize, to: &mut Vec<u8>) {
    let (short, more): (u8, Vec<u8>) = match size {
        0..=28 => (size as u8, Vec::new()),
        29..=284 => (29, vec![(size - 29) as u8]),
        _ => (30, ((size - 285) as u16).to_be_bytes().to_vec()),
    };
    match kind {
        0..=7 => to.push(kind << 5 | short),
        _ => to.extend([short, kind - 7]),
    }
    to.extend(more);
}

fn text(text: &str, to: &mut Vec<u8>) {
    head(2, text.len(), to);
    to.extend(text.as_bytes());
}

fn number(kind: u8, number: u64, to: &mut Vec<u8>) {
    let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    head(kind, bytes.len(), to);
    to.extend(bytes);
}

fn encode(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Text(words) => text(words, to),
        Value::Number(value) => number(6, u64::from(*value), to),
        Value::Flag(flag) => head(14, usize::from(*flag), to),
        Value::Map(entries) => {
            head(7, entries.len(), to);
            for (key, value) in entries {
                text(key, to);
                encode(value, to);
            }
        }
    }
}

fn metadata(kind: &str, record_bits: usize, nodes: usize, to: &mut Vec<u8>) {
    head(7, 9, to);
    for (key, bits, value) in [
        ("node_count", 6, nodes as u64),
        ("record_size", 5, record_bits as u64),
        ("ip_version", 5, 6),
        ("binary_format_major_version", 5, 2),
        ("binary_format_minor_version", 5, 0),
        ("build_epoch", 9, 1_800_000_000),
    ] {
        text(key, to);
        number(bits, value, to);
    }
    text("database_type", to);
    text(kind, to);
    text("languages", to);
    head(11, 0, to);
    text("description", to);
    head(7, 0, to);
}
