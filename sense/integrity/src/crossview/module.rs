//! Hidden modules: those that `/proc/modules` lists, those with a folder below `/sys/module`, and those that own symbols.

use super::{Check, Finding, read};
use base::Result;
use std::collections::BTreeSet;

/// See the module.
pub const CHECK: Check = Check { name: "modules", look };

const FOLDER: &str = "/sys/module";
/// Owners of symbols that are no modules.
const NO_MODULES: &[&str] = &["bpf", "__builtin__kprobes", "__builtin__ftrace"];

fn look() -> Result<Vec<Finding>> {
    let listed = read("/proc/modules")?;
    let owners = read("/proc/kallsyms").unwrap_or_default();
    Ok(compare(&names(&listed), &folders(), &symbol_owners(&owners)))
}

fn names(list: &str) -> BTreeSet<String> {
    list.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Modules that were loaded: what is built in has no state.
fn folders() -> BTreeSet<String> {
    let entries = std::fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let loaded = entries.filter(|entry| entry.path().join("initstate").exists());
    loaded.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// `address type name\t[module]`.
fn symbol_owners(symbols: &str) -> BTreeSet<String> {
    let owner = |line: &str| line.rsplit_once('[')?.1.strip_suffix(']').map(str::to_owned);
    symbols.lines().filter_map(owner).filter(|name| !NO_MODULES.contains(&name.as_str())).collect()
}

fn compare(listed: &BTreeSet<String>, folders: &BTreeSet<String>, owners: &BTreeSet<String>) -> Vec<Finding> {
    let all: BTreeSet<&String> = folders.union(owners).collect();
    let hidden = all.into_iter().filter(|name| !listed.contains(*name));
    let seen = |name: &String| {
        let places = [("/sys/module", folders), ("kallsyms", owners)];
        places.iter().filter(|(_, set)| set.contains(name)).map(|(place, _)| *place).collect::<Vec<_>>().join(",")
    };
    let finding = |name: &String| Finding {
        key: name.clone(),
        name: "hidden-module",
        score: 95,
        details: vec![("module", name.clone()), ("seen_by", seen(name)), ("not_in", "/proc/modules".into())],
        ..Finding::default()
    };
    let from_list = listed.difference(folders).filter(|_| !folders.is_empty());
    let removed = from_list.map(|name| Finding {
        details: vec![("module", name.clone()), ("seen_by", "/proc/modules".into()), ("not_in", FOLDER.into())],
        ..finding(name)
    });
    hidden.map(finding).chain(removed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_one_view_leaves_out_is_found() {
        let set = |list: &[&str]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let listed = names("ext4 1 0 - Live 0x0\nveth 2 0 - Live 0x0\n");
        let owners = symbol_owners("0 t a\t[ext4]\n0 t b\t[diamorphine]\n0 t c\t[bpf]\n0 T d\n");
        let found = compare(&listed, &set(&["ext4", "veth"]), &owners);
        assert_eq!((found.len(), found[0].key.as_str()), (1, "diamorphine"));
        let found = compare(&listed, &set(&["ext4"]), &set(&[]));
        assert_eq!(found.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["veth"]);
        assert!(compare(&listed, &set(&["ext4", "veth"]), &set(&["veth"])).is_empty());
    }
}
