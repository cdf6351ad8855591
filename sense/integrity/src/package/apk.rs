//! The database of apk: `lib/apk/db/installed` (apk-tools, installed-db format v2).

use super::{Listed, Sum, changed, text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const INSTALLED: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

fn place(root: &Path) -> Option<PathBuf> {
    INSTALLED.iter().map(|path| root.join(path)).find(|path| path.is_file())
}

/// When the database was last changed, ns; 0 without one.
pub fn stamp(root: &Path) -> i64 {
    place(root).map_or(0, |path| changed(&path))
}

/// Every path of every package.
pub fn read(root: &Path) -> HashMap<String, Listed> {
    place(root).map(|path| parse(&text(&path))).unwrap_or_default()
}

fn parse(text: &str) -> HashMap<String, Listed> {
    let mut list = HashMap::new();
    let (mut package, mut folder, mut file) = ("", "", String::new());
    for line in text.lines() {
        let Some((word, value)) = line.split_once(':') else { continue };
        match word {
            "P" => (package, folder) = (value, ""),
            "F" => {
                folder = value;
                list.insert(format!("/{value}"), Listed { package: package.to_owned(), sum: Sum::Listed });
            }
            "R" => {
                file = if folder.is_empty() { format!("/{value}") } else { format!("/{folder}/{value}") };
                list.insert(file.clone(), Listed { package: package.to_owned(), sum: Sum::Listed });
            }
            "Z" => {
                if let Some(sum) = sum(value) {
                    list.insert(file.clone(), Listed { package: package.to_owned(), sum });
                }
            }
            _ => {}
        }
    }
    list
}

/// `Q1` and the SHA-1 in base64.
fn sum(value: &str) -> Option<Sum> {
    let bytes = BASE64_STANDARD.decode(value.strip_prefix("Q1")?).ok()?;
    Some(Sum::Sha1(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_stand_below_their_folder_with_their_sum() {
        let list =
            parse("P:musl\nV:1.2\nF:lib\nR:ld-musl.so.1\na:0:0:755\nZ:Q1qvTGHdzF6KLavt4PO0gs2a6pQ00=\nF:\nR:x\n\n");
        let file = list.get("/lib/ld-musl.so.1").unwrap();
        assert_eq!(file.package, "musl");
        assert!(matches!(&file.sum, Sum::Sha1(sum) if sum[..2] == [0xaa, 0xf4]));
        assert_eq!(list.get("/x").map(|file| &file.sum), Some(&Sum::Listed));
    }

    proptest! {
        #[test]
        fn hostile_texts_give_no_panic(text in "(?s)([PFRZ]:.{0,10}\n){0,20}") {
            let _ = parse(&text);
        }
    }
}
