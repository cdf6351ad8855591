//! Which fields of logs hold values worth looking up.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Addresses, apart by commas or spaces.
    Address,
    /// A name or an address, with or without a port.
    Host,
    /// Path and query of a request, or a whole URL.
    Uri,
    /// Query of a request.
    Query,
    /// A whole URL.
    Url,
    /// A hash; its length says which.
    Hash,
    Ja3,
    Ja4,
    Email,
    Path,
    /// A text that may hold URLs.
    Command,
}

/// Last parts of the names of fields, lower case.
const FIELDS: &[(&str, Sort)] = &[
    ("ip", Sort::Address),
    ("to", Sort::Email),
    ("md5", Sort::Hash),
    ("sni", Sort::Host),
    ("url", Sort::Url),
    ("uri", Sort::Uri),
    ("ja3", Sort::Ja3),
    ("ja4", Sort::Ja4),
    ("c-ip", Sort::Address),
    ("r-ip", Sort::Address),
    ("addr", Sort::Host),
    ("from", Sort::Email),
    ("sha1", Sort::Hash),
    ("c-uri", Sort::Url),
    ("query", Sort::Host),
    ("r-dns", Sort::Host),
    ("rhost", Sort::Host),
    ("vhost", Sort::Host),
    ("cs-uri", Sort::Uri),
    ("dst_ip", Sort::Address),
    ("dstip", Sort::Address),
    ("sender", Sort::Email),
    ("sha256", Sort::Hash),
    ("src_ip", Sort::Address),
    ("srcip", Sort::Address),
    ("cs-host", Sort::Host),
    ("saddr_ip", Sort::Address),
    ("client_ip", Sort::Address),
    ("clientip", Sort::Address),
    ("destip", Sort::Address),
    ("ja3_hash", Sort::Ja3),
    ("referrer", Sort::Url),
    ("remote_ip", Sort::Address),
    ("recipient", Sort::Email),
    ("sourceips", Sort::Address),
    ("cs-referer", Sort::Url),
    ("remote_addr", Sort::Address),
    ("server_name", Sort::Host),
    ("cs-uri-stem", Sort::Uri),
    ("remoteip", Sort::Address),
    ("cs-uri-query", Sort::Query),
    ("sourceipaddress", Sort::Address),
    ("x-forwarded-for", Sort::Address),
    ("calleripaddress", Sort::Address),
    ("callerip", Sort::Address),
    ("filepath", Sort::Path),
    ("file_path", Sort::Path),
    ("proctitle", Sort::Command),
    ("command", Sort::Command),
];

/// Longest name in the table.
const LONGEST: usize = 16;

/// Numbers of `FIELDS` by the length of their names, so that most names are refused by their length alone.
const BY_LENGTH: [u64; LONGEST] = {
    let mut sets = [0u64; LONGEST];
    let mut number = 0;
    while number < FIELDS.len() {
        sets[FIELDS[number].0.len()] |= 1 << number;
        number += 1;
    }
    sets
};

/// What a field holds, by its name or the last part of its dotted name; case does not count.
pub(super) fn sort(name: &str) -> Option<Sort> {
    let last = name.rsplit('.').next().unwrap_or_default();
    let mut set = BY_LENGTH.get(last.len()).copied().unwrap_or(0);
    while set != 0 {
        let (word, sort) = FIELDS[set.trailing_zeros() as usize];
        if word.eq_ignore_ascii_case(last) {
            return Some(sort);
        }
        set &= set - 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_whatever_its_case_and_place() {
        for (name, expected) in FIELDS.iter().filter(|(name, _)| !name.contains('.')) {
            assert_eq!(*name, name.to_lowercase());
            assert_eq!(sort(&name.to_uppercase()), Some(*expected));
            assert_eq!(sort(&format!("a.b.{name}")), Some(*expected));
        }
        assert_eq!((sort("user"), sort(""), sort(&"x".repeat(99))), (None, None, None));
    }
}
