//! Groups and who is in them (group(5)).

use super::{Kind, Sight, lines};
use crate::asset::asset;
use crate::root::Root;

/// Groups.
pub const KIND: Kind = Kind { word: "group", look };

fn look(root: &Root, sight: &mut Sight) {
    for (name, gid, members) in parse(&root.text("/etc/group").unwrap_or_default()) {
        sight.push(asset("group", name, name).with("gid", gid.to_string()).with("members", members));
    }
}

/// Name, number, members joined by commas in order.
pub fn parse(text: &str) -> impl Iterator<Item = (&str, u32, String)> {
    lines(text).filter_map(|line| {
        let parts: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = parts[..] else { return None };
        let mut members: Vec<&str> = members.split(',').filter(|member| !member.is_empty()).collect();
        members.sort_unstable();
        Some((name, gid.parse().ok()?, members.join(","))).filter(|_| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads(text in "(\\PC{0,6}:?|\n|[0-9]{1,11}:){0,40}") {
            prop_assert!(parse(&text).all(|group| !group.0.is_empty()));
        }
    }
}
