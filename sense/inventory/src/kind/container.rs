//! Containers: what their runtimes keep on disk, and control groups of running ones that no runtime here names.

use super::{Kind, Sight};
use crate::asset::{asset, detail};
use crate::root::Root;
use serde_json::Value;
use std::collections::BTreeSet;

/// Containers.
pub const KIND: Kind = Kind { word: "container", look };

fn look(root: &Root, sight: &mut Sight) {
    docker(root, sight);
    podman(root, sight);
    containerd(root, sight);
    runc(root, sight);
    let known: BTreeSet<String> = sight.assets.iter().map(|one| detail(one, "id").to_owned()).collect();
    for pid in root.list("/proc").iter().filter(|name| name.starts_with(|letter: char| letter.is_ascii_digit())) {
        let Some((runtime, id)) = root.head(&format!("/proc/{pid}/cgroup")).and_then(|text| group(&text)) else {
            continue;
        };
        if !known.contains(&id) {
            sight.push(
                asset("container", &id, &id[..12]).with("id", &id).with("runtime", runtime).flag("running", true),
            );
        }
    }
}

fn json(root: &Root, path: &str) -> Option<Value> {
    serde_json::from_str(&root.text(path)?).ok()
}

fn word<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn docker(root: &Root, sight: &mut Sight) {
    for id in root.list("/var/lib/docker/containers") {
        let Some(config) = json(root, &format!("/var/lib/docker/containers/{id}/config.v2.json")) else { continue };
        let built = asset("container", &id, word(&config, "/Name").trim_start_matches('/')).with("id", &id);
        let built = built.version(word(&config, "/Config/Image")).with("image", word(&config, "/Config/Image"));
        let running = config.pointer("/State/Running").and_then(Value::as_bool).unwrap_or(false);
        sight.push(built.with("image_id", word(&config, "/Image")).with("runtime", "docker").flag("running", running));
    }
}

fn podman(root: &Root, sight: &mut Sight) {
    let list = json(root, "/var/lib/containers/storage/overlay-containers/containers.json");
    for one in list.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let (id, metadata) =
            (word(one, "/id"), serde_json::from_str::<Value>(word(one, "/metadata")).unwrap_or_default());
        if id.is_empty() {
            continue;
        }
        let built = asset("container", id, word(one, "/names/0")).with("id", id).with("runtime", "podman");
        let image = word(&metadata, "/image-name");
        sight.push(built.version(image).with("image", image).with("image_id", word(one, "/image")));
    }
}

fn containerd(root: &Root, sight: &mut Sight) {
    for place in root.glob("/run/containerd/io.containerd.runtime.v2.task/*/*") {
        let Some(config) = json(root, &format!("{place}/config.json")) else { continue };
        let mut parts = place.rsplit('/');
        let (id, space) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        // Docker's own are told by Docker.
        if space == "moby" {
            continue;
        }
        let note = |name: &str| config["annotations"][format!("io.kubernetes.cri.{name}")].as_str().unwrap_or_default();
        let name = if note("container-name").is_empty() { id } else { note("container-name") };
        let built = asset("container", id, name).with("id", id).with("runtime", "containerd").with("space", space);
        let built =
            built.version(note("image-name")).with("image", note("image-name")).with("pod", note("sandbox-name"));
        sight.push(built.with("namespace", note("sandbox-namespace")).flag("running", true));
    }
}

fn runc(root: &Root, sight: &mut Sight) {
    for place in ["/run/runc", "/run/crun"] {
        for id in
            root.list(place).iter().filter(|id| root.has(&format!("{place}/{id}/state.json")) || place == "/run/crun")
        {
            sight.push(asset("container", id, id).with("id", id).with("runtime", &place[5..]).flag("running", true));
        }
    }
}

/// Runtime and id, when a control group is that of a container: 64 hexadecimal digits.
pub fn group(text: &str) -> Option<(&'static str, String)> {
    text.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let digits = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let part = path.split(['/', '-', '.', ':']).find(|part| digits(part))?;
        let known = [("docker", "docker"), ("libpod", "podman"), ("crio", "cri-o"), ("containerd", "containerd")];
        let runtime = known.iter().find(|(mark, _)| path.contains(mark)).map_or("unknown", |(_, word)| word);
        Some((runtime, part.to_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn groups_of_containers_are_known() {
        let id = "a".repeat(64);
        let text = format!("12:pids:/x\n0::/system.slice/docker-{id}.scope\n");
        assert_eq!(group(&text), Some(("docker", id.clone())));
        assert_eq!(group(&format!("0::/kubepods/pod1/{id}")), Some(("unknown", id)));
        assert_eq!(group("0::/user.slice/session-1.scope"), None);
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "([0-9]?:?\\PC{0,9}:?[/a-f0-9-]{0,70}\n){0,5}") {
            prop_assert!(group(&text).is_none_or(|(_, id)| id.len() == 64));
        }
    }
}
