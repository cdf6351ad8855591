//! Parsers of the texts under `/proc`. Pure, without allocation; a line that does not fit is passed over.

use crate::procfs;

/// The lines of a text.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty())
}

/// A number, decimal fraction allowed; NaN when it is none.
pub(super) fn value(word: &[u8]) -> f64 {
    let (whole, fraction) = match word.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&word[..dot], &word[dot + 1..]),
        None => (word, &[][..]),
    };
    let Some(whole) = procfs::number(whole) else { return f64::NAN };
    if fraction.is_empty() {
        // A negative number (`-1` for no limit) wraps to a huge one and is no measurement.
        return if word.first() == Some(&b'-') { f64::NAN } else { whole as f64 };
    }
    let digits = fraction.len().min(9);
    match procfs::number(&fraction[..digits]) {
        Some(part) => whole as f64 + part as f64 / 10_f64.powi(digits as i32),
        None => f64::NAN,
    }
}

/// The first number of a text, NaN when there is none.
pub(super) fn first(text: &[u8]) -> f64 {
    words(text).next().map_or(f64::NAN, value)
}

/// Lines `key value` or `key: value unit`.
pub(super) fn pairs(text: &[u8], mut each: impl FnMut(&[u8], f64)) {
    for line in lines(text) {
        let mut parts = words(line);
        if let (Some(key), Some(number)) = (parts.next(), parts.next()) {
            each(key.strip_suffix(b":").unwrap_or(key), value(number));
        }
    }
}

/// Pairs of lines `Group: name name …` and `Group: value value …` (`/proc/net/snmp`, `/proc/net/netstat`).
pub(super) fn headed(text: &[u8], mut each: impl FnMut(&[u8], &[u8], f64)) {
    let mut all = lines(text);
    while let (Some(heads), Some(values)) = (all.next(), all.next()) {
        let (mut heads, mut values) = (words(heads), words(values));
        let (Some(group), Some(again)) = (heads.next(), values.next()) else { continue };
        if group != again {
            continue;
        }
        let group = group.strip_suffix(b":").unwrap_or(group);
        for (name, number) in heads.zip(values) {
            each(group, name, value(number));
        }
    }
}

/// Lines `Group: name value name value …` (`/proc/net/sockstat`).
pub(super) fn groups(text: &[u8], mut each: impl FnMut(&[u8], &[u8], f64)) {
    for line in lines(text) {
        let mut parts = words(line);
        let Some(group) = parts.next() else { continue };
        let group = group.strip_suffix(b":").unwrap_or(group);
        while let (Some(name), Some(number)) = (parts.next(), parts.next()) {
            each(group, name, value(number));
        }
    }
}

/// `/proc/pressure/*`: group `some` or `full`, then the four numbers by place.
pub(super) fn pressure(text: &[u8], mut each: impl FnMut(&[u8], usize, f64)) {
    for line in lines(text) {
        let mut parts = words(line);
        let Some(group) = parts.next() else { continue };
        for (place, part) in parts.take(4).enumerate() {
            let number = part.iter().position(|byte| *byte == b'=').map_or(&[][..], |at| &part[at + 1..]);
            each(group, place, value(number));
        }
    }
}

/// `/proc/net/dev`: name and columns of an interface.
pub(super) fn interface(line: &[u8]) -> Option<(&str, impl Iterator<Item = f64>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(line[..colon].trim_ascii()).ok().filter(|name| !name.is_empty())?;
    Some((name, words(&line[colon + 1..]).map(value)))
}

/// `/proc/diskstats`: name and columns of a disk.
pub(super) fn disk(line: &[u8]) -> Option<(&str, impl Iterator<Item = f64>)> {
    let mut parts = words(line);
    let name = std::str::from_utf8(parts.nth(2)?).ok()?;
    Some((name, parts.map(value)))
}

/// `/proc/net/softnet_stat`: sums of the first three columns (hexadecimal) over all cores.
pub(super) fn backlog(text: &[u8]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for line in lines(text) {
        for (sum, word) in sums.iter_mut().zip(words(line)) {
            let number = std::str::from_utf8(word).ok().and_then(|word| u32::from_str_radix(word, 16).ok());
            *sum += f64::from(number.unwrap_or(0));
        }
    }
    sums
}

/// A mount of `/proc/self/mountinfo` (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountLine {
    pub(super) device: String,
    pub(super) point: String,
    pub(super) kind: String,
}

/// Parses one line of `/proc/self/mountinfo`.
pub(super) fn mount(line: &[u8]) -> Option<MountLine> {
    let text = |word: &[u8]| String::from_utf8_lossy(&unescape(word)).into_owned();
    let mut parts = words(line);
    let device = text(parts.nth(2)?);
    let point = text(parts.nth(1)?);
    let mut rest = parts.skip_while(|word| *word != b"-");
    Some(MountLine { device, point, kind: text(rest.nth(1)?) })
}

/// `\040` and its like, as mount tables write blanks.
fn unescape(word: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, tail @ ..] = rest {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_read() {
        assert_eq!((value(b"12"), value(b"0.46"), value(b"2143.77")), (12.0, 0.46, 2143.77));
        assert!(value(b"-1").is_nan() && value(b"x").is_nan() && value(b"").is_nan() && value(b"1.x").is_nan());
    }

    #[test]
    fn the_shapes_of_proc_read() {
        let mut seen = Vec::new();
        let mut note = |group: &[u8], name: &[u8], value: f64| {
            seen.push(format!("{} {} {value}", String::from_utf8_lossy(group), String::from_utf8_lossy(name)));
        };
        headed(b"Tcp: RtoMin MaxConn InSegs\nTcp: 200 -1 5\nUdp: NoPorts\nOther: 3\n", &mut note);
        groups(b"sockets: used 17\nTCP: inuse 1 orphan 0\n", &mut note);
        pairs(b"MemTotal:  24 kB\npgfault 7\nlonely\n", |key, value| note(b"", key, value));
        let expected = [
            "Tcp RtoMin 200",
            "Tcp MaxConn NaN",
            "Tcp InSegs 5",
            "sockets used 17",
            "TCP inuse 1",
            "TCP orphan 0",
            " MemTotal 24",
            " pgfault 7",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn tables_of_devices_read() {
        let (name, columns) = disk(b" 254  0 vda 59725 13942 9243762 73641").unwrap();
        assert_eq!((name, columns.collect::<Vec<_>>()), ("vda", vec![59725.0, 13942.0, 9243762.0, 73641.0]));
        let (name, columns) = interface(b"  eth0: 168226092    6848 0").unwrap();
        assert_eq!((name, columns.count()), ("eth0", 3));
        assert!(interface(b" face |bytes").is_none() && disk(b"1 2").is_none());
        assert_eq!(backlog(b"00000019 00000001 00000002\n00000001 00000000 00000001\n"), [26.0, 1.0, 3.0]);
        let found = mount(b"27 1 254:0 / /with\\040blank rw - ext4 /dev/vda rw").unwrap();
        assert_eq!(
            (found.device.as_str(), found.point.as_str(), found.kind.as_str()),
            ("254:0", "/with blank", "ext4")
        );
        let mut seen = Vec::new();
        pressure(b"some avg10=0.50 avg60=0.17 avg300=1.99 total=16\nfull avg10=x\n", |group, place, value| {
            seen.push((group.to_vec(), place, value));
        });
        assert_eq!((seen[0].2, seen[3].2, seen.len()), (0.5, 16.0, 5));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            pairs(&bytes, |_, _| ());
            headed(&bytes, |_, _, _| ());
            groups(&bytes, |_, _, _| ());
            pressure(&bytes, |_, _, _| ());
            let _ = (first(&bytes), backlog(&bytes), mount(&bytes));
            let _ = disk(&bytes).map(|(_, columns)| columns.count());
            let _ = interface(&bytes).map(|(_, columns)| columns.count());
        }

        #[test]
        fn hostile_words_never_panic(text in "[a-z]{0,5}:?( [0-9.=-]{0,25}){0,6}\n?[A-Z]?:( -?[0-9]{1,22})*") {
            pairs(text.as_bytes(), |_, _| ());
            headed(text.as_bytes(), |_, _, _| ());
            groups(text.as_bytes(), |_, _, _| ());
            pressure(text.as_bytes(), |_, _, _| ());
        }
    }
}
