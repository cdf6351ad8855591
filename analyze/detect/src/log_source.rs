//! Which records of logs a rule is about: from Sigma's log source to the words of decoders in `record::Log::source`.
//!
//! | log source | words of records |
//! |---|---|
//! | `category: webserver` | `nginx`, `apache`, `webserver` |
//! | `category: proxy` | `squid`, `proxy` |
//! | `category: firewall` | `firewall`, `iptables`, `nftables` |
//! | `category: database` | `database`, `postgresql`, `mysql` |
//! | `product: aws, service: cloudtrail` | `cloudtrail`, `aws.cloudtrail` |
//! | `product: alibaba` (or `aliyun`), `service: actiontrail` | `actiontrail` |
//! | any other product but linux, with a service | `PRODUCT.SERVICE`, and SERVICE where it has a dot (`gcp.audit`) |
//! | such a product with a category, or alone | `PRODUCT.CATEGORY`; every `PRODUCT.…` |
//! | `service: auth` | what `auth.log` holds: `auth`, `sshd`, `sudo`, `cron` |
//! | `service: syslog` | every record that came by syslog |
//! | any other `service`, `product: linux` or none | the word itself: of the decoder, or of the program that wrote the syslog record |
//! | `category: log` ours | every record |
//! | `product: linux` alone, with keywords or with names that only logs have | every record of a Linux log |
//!
//! A record that came by syslog carries the name of its program in the field `app`; rules about a program
//! (`service: vsftpd`) find it there, whichever decoder read it. Words are compared without regard to ASCII case.

use record::Log;
use sigma::rule::LogSource;
use std::collections::{BTreeMap, HashMap};

/// Records that a rule is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    /// Words of decoders and programs, lower case.
    pub words: Vec<String>,
    /// Every word that begins with this and a dot.
    pub product: Option<String>,
    /// Every record that came by syslog.
    pub syslog: bool,
    /// Every record of a Linux log.
    pub linux: bool,
    /// Every record.
    pub every: bool,
}

/// Categories and the words of their decoders.
pub(crate) const CATEGORIES: &[(&str, &[&str])] = &[
    ("webserver", &["nginx", "apache", "webserver"]),
    ("proxy", &["squid", "proxy"]),
    ("firewall", &["firewall", "iptables", "nftables"]),
    ("database", &["database", "postgresql", "mysql"]),
];

/// Services and the words of their records, where these are not the service's own name alone.
pub(crate) const SERVICES: &[(&str, &[&str])] = &[
    ("auth", &["auth", "sshd", "sudo", "cron"]),
    ("sshd", &["sshd", "sshd-session"]),
    ("cron", &["cron", "crond", "anacron"]),
    ("clamav", &["clamav", "clamd", "freshclam", "clamav-daemon"]),
    ("guacamole", &["guacamole", "guacd"]),
    ("apache", &["apache", "apache2", "httpd"]),
    ("postgresql", &["postgresql", "postgres"]),
    ("mysql", &["mysql", "mysqld", "mariadbd"]),
];

/// Services of products whose decoders have words of their own.
pub(crate) const PRODUCTS: &[(&str, &str, &[&str])] = &[
    ("aws", "cloudtrail", &["cloudtrail"]),
    ("alibaba", "actiontrail", &["actiontrail"]),
    ("aliyun", "actiontrail", &["actiontrail", "alibaba.actiontrail"]),
];

/// Products whose events no sensor and no decoder of ours reads.
const OTHER_SYSTEMS: &[&str] = &["windows", "macos"];

/// Words without a dot of logs that no Linux host writes about itself.
const CLOUD: &[&str] = &["cloudtrail", "actiontrail", "json"];
/// Words of logs that programs write into files of their own, not through syslog.
const OWN_FILES: &[&str] = &["nginx", "apache", "webserver", "squid", "proxy", "auditd"];

fn of_linux(word: &str) -> bool {
    !word.contains('.') && !CLOUD.contains(&word)
}

fn by_syslog(word: &str) -> bool {
    of_linux(word) && !OWN_FILES.contains(&word)
}

fn listed(table: &[(&str, &[&str])], name: &str) -> Option<Vec<String>> {
    let (_, words) = table.iter().find(|(known, _)| *known == name)?;
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// The records of a log source; none when it is not about logs, a text when nothing of ours reads them.
pub(crate) fn logs(source: &LogSource) -> Result<Option<Logs>, String> {
    let lower = |word: &Option<String>| word.as_deref().map(str::to_ascii_lowercase);
    let (product, category, service) = (lower(&source.product), lower(&source.category), lower(&source.service));
    let of = |words: Vec<String>| Ok(Some(Logs { words, ..Logs::default() }));
    let product = match product.as_deref() {
        Some(product) if OTHER_SYSTEMS.contains(&product) => {
            return Err(format!("product {product}: no sensor and no decoder here reads its events"));
        }
        Some("linux") | None => None,
        Some(product) => Some(product.to_owned()),
    };
    if let (None, Some(words)) = (&service, category.as_deref().and_then(|name| listed(CATEGORIES, name))) {
        return of(words);
    }
    match (product, category, service) {
        (None, _, Some(service)) if service == "syslog" => {
            Ok(Some(Logs { words: vec![service], syslog: true, ..Logs::default() }))
        }
        (None, _, Some(service)) => of(listed(SERVICES, &service).unwrap_or_else(|| vec![service])),
        (None, Some(category), None) if category == "log" => Ok(Some(Logs { every: true, ..Logs::default() })),
        (None, ..) => Ok(None),
        (Some(product), _, Some(service)) => {
            let mut words = vec![format!("{product}.{service}")];
            let own = PRODUCTS.iter().find(|(of, known, _)| *of == product && *known == service);
            words.extend(own.iter().flat_map(|(.., words)| words.iter().map(|word| (*word).to_owned())));
            words.extend(service.contains('.').then_some(service));
            of(words)
        }
        (Some(product), Some(category), None) => of(vec![format!("{product}.{category}"), product]),
        (Some(product), None, None) => {
            let own = PRODUCTS.iter().filter(|(of, ..)| *of == product).flat_map(|(.., words)| words.iter());
            let words = own.map(|word| (*word).to_owned()).chain([product.clone()]).collect();
            Ok(Some(Logs { words, product: Some(product), ..Logs::default() }))
        }
    }
}

/// The rules about each kind of record, while an engine is built.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    words: BTreeMap<String, Vec<u32>>,
    products: BTreeMap<String, Vec<u32>>,
    syslog: Vec<u32>,
    linux: Vec<u32>,
    every: Vec<u32>,
}

impl Streams {
    /// Takes a rule in.
    pub(crate) fn add(&mut self, rule: u32, logs: &Logs) {
        for word in &logs.words {
            self.words.entry(word.clone()).or_default().push(rule);
        }
        if let Some(product) = &logs.product {
            self.products.entry(product.clone()).or_default().push(rule);
        }
        for (list, is) in
            [(&mut self.syslog, logs.syslog), (&mut self.linux, logs.linux), (&mut self.every, logs.every)]
        {
            list.extend(is.then_some(rule));
        }
    }

    /// The words that rules name.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }

    /// The rules about records of a decoder, in order.
    fn of_source(&self, word: &str) -> Vec<u32> {
        let product = word.split_once('.').and_then(|(product, _)| self.products.get(product));
        let mut rules: Vec<u32> = [self.words.get(word), product].into_iter().flatten().flatten().copied().collect();
        rules.extend(self.syslog.iter().filter(|_| by_syslog(word)));
        rules.extend(self.linux.iter().filter(|_| of_linux(word)));
        rules.extend(&self.every);
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Builds the table. `bucket` makes or finds the bucket of a set of rules.
    pub(crate) fn table(&self, mut bucket: impl FnMut(&[u32]) -> Option<u16>) -> Table {
        let mut table = Table::default();
        for word in self.words.keys() {
            let ways = Ways { source: bucket(&self.of_source(word)), program: bucket(&self.words[word]) };
            table.words.insert(word.clone().into_boxed_str(), ways);
        }
        for product in self.products.keys() {
            table.products.insert(product.clone().into_boxed_str(), bucket(&self.of_source(&format!("{product}."))));
        }
        table.by_syslog = bucket(&self.of_source("*"));
        let mut wide: Vec<u32> = self.linux.iter().chain(&self.every).copied().collect();
        wide.sort_unstable();
        table.own_file = bucket(&wide);
        table.cloud = bucket(&self.every);
        table
    }
}

/// The buckets for a word: as the decoder's, and as the program's that wrote a syslog record.
#[derive(Debug, Clone, Copy)]
struct Ways {
    source: Option<u16>,
    program: Option<u16>,
}

/// From a record to the buckets of its rules.
#[derive(Debug, Default)]
pub(crate) struct Table {
    words: HashMap<Box<str>, Ways>,
    products: HashMap<Box<str>, Option<u16>>,
    /// For words that no rule names.
    by_syslog: Option<u16>,
    own_file: Option<u16>,
    cloud: Option<u16>,
}

/// Longest word of a decoder or name of a program that is looked up; longer ones are none that a rule names.
const WORD_BYTES: usize = 64;

impl Table {
    /// The buckets of a record: of its decoder, and of the program that wrote it. A rule may be in both.
    pub(crate) fn buckets(&self, log: &Log) -> [Option<u16>; 2] {
        let mut buffer = [0; WORD_BYTES];
        let word = folded(&log.source, &mut buffer);
        let source = match word.and_then(|word| self.words.get(word)) {
            Some(ways) => ways.source,
            None => word.map_or(self.cloud, |word| self.unnamed(word)),
        };
        if self.words.is_empty() || !word.is_some_and(by_syslog) {
            return [source, None];
        }
        let program = log.field("app").filter(|app| !app.eq_ignore_ascii_case(&log.source));
        let program = program.and_then(|app| self.words.get(folded(app, &mut [0; WORD_BYTES])?));
        [source, program.and_then(|ways| ways.program)]
    }

    fn unnamed(&self, word: &str) -> Option<u16> {
        let product = word.split_once('.').and_then(|(product, _)| self.products.get(product));
        match product {
            Some(bucket) => *bucket,
            None if by_syslog(word) => self.by_syslog,
            None if of_linux(word) => self.own_file,
            None => self.cloud,
        }
    }
}

/// A word in lower case, without allocation.
fn folded<'b>(word: &str, buffer: &'b mut [u8; WORD_BYTES]) -> Option<&'b str> {
    let part = buffer.get_mut(..word.len())?;
    part.copy_from_slice(word.as_bytes());
    part.make_ascii_lowercase();
    std::str::from_utf8(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Pair;

    fn source(product: &str, category: &str, service: &str) -> LogSource {
        let word = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        LogSource { product: word(product), category: word(category), service: word(service) }
    }

    fn words(product: &str, category: &str, service: &str) -> Vec<String> {
        logs(&source(product, category, service)).unwrap().unwrap().words
    }

    #[test]
    fn log_sources_name_their_records() {
        assert_eq!(words("", "webserver", ""), ["nginx", "apache", "webserver"]);
        assert_eq!(words("aws", "", "cloudtrail"), ["aws.cloudtrail", "cloudtrail"]);
        assert_eq!(words("gcp", "", "gcp.audit"), ["gcp.gcp.audit", "gcp.audit"]);
        assert_eq!(words("kubernetes", "", "audit"), ["kubernetes.audit"]);
        assert_eq!(words("linux", "", "vsftpd"), ["vsftpd"]);
        assert!(logs(&source("windows", "process_creation", "")).unwrap_err().contains("windows"));
        assert_eq!(logs(&source("linux", "process_creation", "")), Ok(None));
        assert!(logs(&source("", "", "syslog")).unwrap().unwrap().syslog);
    }

    #[test]
    fn records_find_the_rules_about_them() {
        let mut streams = Streams::default();
        for (rule, (product, category, service)) in (0..).zip([
            ("", "webserver", ""),
            ("linux", "", "vsftpd"),
            ("", "", "syslog"),
            ("linux", "", "auth"),
            ("aws", "", ""),
            ("", "log", ""),
        ]) {
            streams.add(rule, &logs(&source(product, category, service)).unwrap().unwrap());
        }
        streams.add(6, &Logs { linux: true, ..Logs::default() });
        let mut sets: Vec<Vec<u32>> = Vec::new();
        let table = streams.table(|rules| {
            sets.push(rules.to_vec());
            Some(sets.len() as u16 - 1)
        });
        let rules = |source: &str, app: &str| {
            let fields = if app.is_empty() { Vec::new() } else { vec![Pair::new("app", app)] };
            let log = Log { source: source.into(), fields, ..Log::default() };
            let mut all: Vec<u32> = table
                .buckets(&log)
                .into_iter()
                .flatten()
                .flat_map(|bucket| sets[usize::from(bucket)].clone())
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        assert_eq!(rules("nginx", "vsftpd"), [0, 5, 6]);
        assert_eq!(rules("syslog", "VSFTPD"), [1, 2, 5, 6]);
        assert_eq!(rules("syslog", "other"), [2, 5, 6]);
        assert_eq!(rules("vsftpd", ""), [1, 2, 5, 6]);
        assert_eq!(rules("sudo", "sudo"), [2, 3, 5, 6]);
        assert_eq!(rules("squid", ""), [5, 6]);
        assert_eq!(rules("something", ""), [2, 5, 6]);
        assert_eq!(rules("cloudtrail", ""), [4, 5]);
        assert_eq!(rules("aws.config", ""), [4, 5]);
        assert_eq!(rules("azure.signinlogs", ""), [5]);
        assert_eq!(rules(&"x".repeat(100), ""), [5]);
    }
}
