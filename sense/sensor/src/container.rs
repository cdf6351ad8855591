//! Which container a control group belongs to. Pure: text in, identifier out.
//!
//! Control groups are named by the runtime: Docker and containerd by 64 hexadecimal digits (alone or as
//! `docker-….scope`, `cri-containerd-….scope`), CRI-O `crio-….scope`, podman `libpod-….scope`, LXC
//! `lxc.payload.NAME`, systemd-nspawn `systemd-nspawn@NAME.service` or `machine-NAME.scope`, Amazon ECS `/ecs/…`.

/// Length of a full container id.
const FULL: usize = 64;

/// Prefixes of systemd scopes that hold one container; monitors (`…-conmon-`) run on the host and are left out.
const SCOPES: &[&str] = &["docker-", "cri-containerd-", "containerd-", "crio-", "libpod-", "podman-", "nerdctl-"];

/// Path that attributes containers, out of the text of `/proc/PID/cgroup` (v1, v2 or hybrid).
///
/// A line that names a container wins; then the unified hierarchy unless it is the root (on hybrid hosts all
/// processes lie in its root); then the memory controller; then systemd's own; then anything.
pub fn attributing_path(text: &str) -> &str {
    let mut best = ("/", 0);
    for line in text.lines().take(64) {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let rank = match (number, controllers) {
            _ if container_id(path).is_some() => 5,
            _ if path == "/" => 0,
            ("0", "") => 4,
            (_, names) if names.split(',').any(|name| name == "memory") => 3,
            (_, "name=systemd") => 2,
            _ => 1,
        };
        if rank > best.1 {
            best = (path, rank);
        }
    }
    best.0
}

/// The innermost container that a control-group path names, `None` on the host.
///
/// ```
/// # use sensor::container::container_id;
/// assert_eq!(container_id("/user.slice/user-0.slice"), None);
/// assert_eq!(container_id("/lxc.payload.web/init.scope").as_deref(), Some("web"));
/// ```
pub fn container_id(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for (index, part) in parts.iter().enumerate().rev() {
        let above = index.checked_sub(1).and_then(|above| parts.get(above)).copied().unwrap_or_default();
        if let Some(id) = of_part(part, above) {
            return Some(id);
        }
    }
    None
}

fn of_part(part: &str, above: &str) -> Option<String> {
    // containerd with runc's systemd driver under another driver: `kubepods-….slice:cri-containerd:ID`.
    let last = part.rsplit(':').next().unwrap_or(part);
    if is_hexadecimal(last, FULL) {
        return Some(last.to_owned());
    }
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    if let Some(id) = SCOPES.iter().find_map(|prefix| bare.strip_prefix(prefix)).filter(|id| is_hexadecimal(id, FULL)) {
        return Some(id.to_owned());
    }
    if let Some(task) = ecs_task(part, above) {
        return Some(task);
    }
    machine(part, bare, above)
}

/// LXC and systemd-nspawn: named machines.
fn machine(part: &str, bare: &str, above: &str) -> Option<String> {
    let named = |name: &str| (!name.is_empty()).then(|| unescape(name));
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return named(name);
    }
    if above == "lxc" || above == "lxc.payload" {
        return named(part);
    }
    if let Some(name) = part.strip_prefix("systemd-nspawn@").and_then(|name| name.strip_suffix(".service")) {
        return named(name);
    }
    // libvirt registers virtual machines in the same place; a guest is not a container.
    let name = bare.strip_prefix("machine-").filter(|_| bare.len() < part.len())?;
    if name.starts_with("qemu") { None } else { named(name.strip_prefix("lxc\\x2d").unwrap_or(name)) }
}

/// Fargate names containers `TASK-DIGITS` with 32 hexadecimal digits below `/ecs/TASK`.
fn ecs_task(part: &str, above: &str) -> Option<String> {
    let (task, number) = part.split_once('-')?;
    let matches = above == task && is_hexadecimal(task, 32) && !number.is_empty() && number.len() <= 20;
    (matches && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.to_owned())
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// systemd writes bytes that a unit name may not hold as `\xNN`.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'\\', b'x', high, low, after @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low)).map(|(high, low)| ((high * 16 + low) as u8, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "2227daf62df6694645fee5df53c1f91271546a9560e8600a525690ae252b7f63";
    const B: &str = "81e118fbf69cc40c4aa3ca0fd4ff5d8ea1d3a1e0a7c9f2f5a1f3a8c0b7f2e9d1";

    #[test]
    fn every_runtime_is_recognised() {
        let pod = "pod4f6bbb0f_1a2c_4d0e_9f7a_0d2c5f1e8b77";
        let cases = [
            (format!("/docker/{A}"), A),
            (format!("/system.slice/docker-{A}.scope"), A),
            (format!("/system.slice/docker-{A}.scope/init.scope"), A),
            (format!("/docker/{A}/system.slice/ssh.service"), A),
            (format!("/docker/{A}/kubelet/kubepods/besteffort/{pod}/{B}"), B),
            (format!("/kubepods/burstable/{pod}/{A}"), A),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{pod}.slice/cri-containerd-{A}.scope"
                ),
                A,
            ),
            (format!("/kubepods.slice/kubepods-{pod}.slice/crio-{A}.scope/container"), A),
            (format!("/system.slice/containerd.service/kubepods-besteffort-{pod}.slice:cri-containerd:{A}"), A),
            (format!("/system.slice:docker:{A}"), A),
            (format!("/machine.slice/libpod-{A}.scope/container"), A),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope"), A),
            (format!("/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{A}.scope"), A),
            (format!("/actions_job/{A}"), A),
            (format!("/ecs/5b0b7b0e0b1c4a2f9d3e4f5a6b7c8d9e/{A}"), A),
            ("/lxc/web1".into(), "web1"),
            ("/lxc/web1/init.scope".into(), "web1"),
            ("/lxc.payload.web1/user.slice".into(), "web1"),
            ("/lxc.payload/web1".into(), "web1"),
            ("/machine.slice/systemd-nspawn@build-box.service/payload".into(), "build-box"),
            ("/machine.slice/machine-deb12.scope/payload".into(), "deb12"),
            (r"/machine.slice/machine-build\x2dbox.scope".into(), "build-box"),
            (r"/machine.slice/machine-lxc\x2dold.scope".into(), "old"),
            (
                "/ecs/5b0b7b0e0b1c4a2f9d3e4f5a6b7c8d9e/5b0b7b0e0b1c4a2f9d3e4f5a6b7c8d9e-1234567890".into(),
                "5b0b7b0e0b1c4a2f9d3e4f5a6b7c8d9e-1234567890",
            ),
        ];
        for (path, id) in cases {
            assert_eq!(container_id(&path).as_deref(), Some(id), "{path}");
        }
    }

    #[test]
    fn the_host_is_no_container() {
        let cases = [
            "/".into(),
            "".into(),
            "/init.scope".into(),
            "/user.slice/user-0.slice/session-3.scope".into(),
            "/system.slice/ssh.service".into(),
            "/system.slice/docker.service".into(),
            "/process_api/554eb585fcb61d17197618bbc2d3b00d".into(),
            format!("/machine.slice/libpod-conmon-{A}.scope"),
            format!("/kubepods.slice/crio-conmon-{A}.scope"),
            "/lxc.monitor.web1".into(),
            r"/machine.slice/machine-qemu\x2d1\x2dwin.scope/libvirt".into(),
            format!("/docker/{}", &A[..60]),
            format!("/docker/{}", A.to_uppercase()),
        ];
        for path in cases {
            assert_eq!(container_id(&path), None, "{path}");
        }
    }

    #[test]
    fn the_hierarchy_that_knows_most_is_chosen() {
        let v2 = "0::/system.slice/cron.service\n";
        assert_eq!(attributing_path(v2), "/system.slice/cron.service");
        let hybrid = "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/554e\n1:cpu:/x\n0::/\n";
        assert_eq!(attributing_path(hybrid), "/process_api/554e");
        let v1 = format!(
            "12:pids:/docker/{A}\n4:cpu,cpuacct:/docker/{A}\n1:name=systemd:/docker/{A}\n0::/system.slice/containerd.service\n"
        );
        assert_eq!(attributing_path(&v1), format!("/docker/{A}"));
        assert_eq!(attributing_path("2:cpu:/a\n1:name=systemd:/b:c\n"), "/b:c");
        assert_eq!(attributing_path("nonsense"), "/");
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in ".{0,200}") {
            let _ = attributing_path(&text);
            let _ = container_id(&text);
        }

        #[test]
        fn an_identifier_is_found_below_any_parents(above in "(/[a-z.-]{1,12}){0,5}") {
            let path = format!("{above}/docker/{A}");
            prop_assert_eq!(container_id(&path), Some(A.to_owned()));
        }
    }
}
