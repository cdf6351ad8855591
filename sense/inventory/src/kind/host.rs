//! The host itself: its system and its kernel (os-release(5)).

use super::{Kind, Sight, lines};
use crate::asset::asset;
use crate::root::Root;

/// Key of the line about the system.
pub const OS: &str = "os";

/// The host.
pub const KIND: Kind = Kind { word: "host", look };

fn look(root: &Root, sight: &mut Sight) {
    let release = root.text("/etc/os-release").or_else(|| root.text("/usr/lib/os-release"));
    if let Some(text) = release {
        let field = |name: &str| field(&text, name);
        let built = asset("host", OS, &field("PRETTY_NAME")).version(&field("VERSION_ID")).with("id", field("ID"));
        let built = built.with("id_like", field("ID_LIKE")).with("codename", field("VERSION_CODENAME"));
        let minor = root.text("/etc/debian_version").unwrap_or_default();
        sight.push(built.with("debian_version", minor.trim()));
    }
    if let Some(kernel) = root.text("/proc/sys/kernel/osrelease") {
        let built = asset("host", "kernel", "Linux").version(kernel.trim());
        sight.push(built.with("architecture", root.text("/proc/sys/kernel/arch").unwrap_or_default().trim()));
    }
}

/// A value of os-release, without its quotes.
pub fn field(text: &str, name: &str) -> String {
    let value = lines(text).find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = value.unwrap_or_default().trim();
    let quoted = |mark: char| value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    let bare = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    let mut text = String::with_capacity(bare.len());
    let mut letters = bare.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_go() {
        let text = "ID=debian\nPRETTY_NAME=\"A \\\"B\\\" 12\"\nVERSION_ID='12'\n";
        assert_eq!(field(text, "PRETTY_NAME"), "A \"B\" 12");
        assert_eq!((field(text, "ID"), field(text, "VERSION_ID")), ("debian".into(), "12".into()));
        assert_eq!(field(text, "VERSION"), "");
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "\\PC*", name in "[A-Z_]{0,8}") {
            field(&text, &name);
        }
    }
}
