//! Recordings of other people's programs in a network namespace of our own: floods of hping3 and trafgen, and ordinary use by
//! iperf3 and curl. None of it is ever trained on.
//!
//! What is missing (root, a program) is said by name. The namespace has no way out and is removed at the end.

use crate::frame::Frame;
use crate::pcap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The address that is flooded; nobody has it, its neighbour entry is fixed.
const TARGET: &str = "198.51.100.7";
const TARGET_MAC: &str = "02:00:00:00:00:02";
const SENDER_MAC: &str = "02:00:00:00:00:01";
/// Packets of a flood.
const PACKETS: &str = "20000";

/// Fewest of them that are a recording.
const LEAST: usize = 10_000;

/// One recording.
pub struct Recording {
    /// The program.
    pub program: &'static str,
    /// The class of its flood; empty for ordinary use.
    pub class: &'static str,
    /// Its packets.
    pub frames: Vec<Frame>,
}

/// A flood: program, class, arguments.
type Flood = (&'static str, &'static str, &'static str);

const HPING: &[Flood] = &[
    ("hping3", "syn-flood", "-S -p 80 --rand-source"),
    ("hping3", "syn-flood", "-S -p 443 -w 1024"),
    ("hping3", "ack-flood", "-A -p 80 --rand-source"),
    ("hping3", "ack-flood", "-A -p 443"),
    ("hping3", "rst-fin-flood", "-R -p 80 --rand-source"),
    ("hping3", "tcp-flags-flood", "-F -P -U -p 80 --rand-source"),
    ("hping3", "syn-ack-flood", "-S -A -s 443 -k --rand-source"),
    ("hping3", "udp-flood", "--udp -p 9000 -d 512 --rand-source"),
    ("hping3", "udp-flood", "--udp -p ++1000 -d 64"),
    ("hping3", "icmp-flood", "--icmp -d 56 --rand-source"),
    ("hping3", "reflection-ntp", "--udp -s 123 -k -p 80 -d 440 --rand-source"),
    ("hping3", "reflection-dns", "--udp -s 53 -k -p 4000 -d 1200 --rand-source"),
    ("hping3", "reflection-ssdp", "--udp -s 1900 -k -p 80 -d 300 --rand-source"),
    ("hping3", "reflection-memcached", "--udp -s 11211 -k -p 80 -d 1400 --rand-source"),
];

const TRAFGEN: &[Flood] = &[
    (
        "trafgen",
        "syn-flood",
        "ipv4(saddr=drnd(), daddr=198.51.100.7, ttl=drnd()), tcp(sport=drnd(), dport=80, syn, seq=drnd(), win=drnd())",
    ),
    (
        "trafgen",
        "ack-flood",
        "ipv4(saddr=drnd(), daddr=198.51.100.7, ttl=57), tcp(sport=drnd(), dport=443, ack, seq=drnd(), aseq=drnd(), win=drnd())",
    ),
    (
        "trafgen",
        "rst-fin-flood",
        "ipv4(saddr=drnd(), daddr=198.51.100.7, ttl=57), tcp(sport=drnd(), dport=443, rst, seq=drnd())",
    ),
    ("trafgen", "udp-flood", "ipv4(saddr=drnd(), daddr=198.51.100.7), udp(sport=drnd(), dport=drnd()), drnd(200)"),
    ("trafgen", "icmp-flood", "ipv4(saddr=drnd(), daddr=198.51.100.7), icmp4(echorequest), drnd(100)"),
    (
        "trafgen",
        "reflection-ntp",
        "ipv4(saddr=drnd(), daddr=198.51.100.7), udp(sport=123, dport=drnd()), 0xd7, 0x00, 0x03, 0x2a, drnd(436)",
    ),
    ("trafgen", "reflection-dns", "ipv4(saddr=drnd(), daddr=198.51.100.7), udp(sport=53, dport=drnd()), drnd(1100)"),
    ("trafgen", "reflection-ssdp", "ipv4(saddr=drnd(), daddr=198.51.100.7), udp(sport=1900, dport=80), drnd(280)"),
    ("trafgen", "reflection-cldap", "ipv4(saddr=drnd(), daddr=198.51.100.7), udp(sport=389, dport=80), drnd(1400)"),
];

/// A namespace with two ends of a wire in it, removed at the end.
struct Space {
    name: String,
    folder: tempfile::TempDir,
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = run("ip", &["netns", "del", &self.name]);
    }
}

/// Runs a program to its end; what it said when it failed.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|cause| format!("{program}: {cause}"))?;
    if done.status.success() {
        Ok(())
    } else {
        Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim()))
    }
}

/// A program that runs beside us, ended with us.
struct Beside(Child);

impl Beside {
    /// Asks it to end, and waits until it has.
    fn end(&mut self) {
        let _ = run("kill", &["-INT", &self.0.id().to_string()]);
        let _ = self.0.wait();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Space {
    fn new() -> Result<Space, String> {
        let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
        let name = format!("garrison-ddos-{}", std::process::id());
        run("ip", &["netns", "add", &name])?;
        let space = Space { name, folder };
        for line in [
            "link set lo up".to_string(),
            format!("link add name out0 address {SENDER_MAC} type veth peer name in0 address {TARGET_MAC}"),
            "address add 192.0.2.2/24 dev out0".into(),
            "link set out0 up".into(),
            "link set in0 up".into(),
            "route add default dev out0".into(),
            format!("neighbour add {TARGET} lladdr {TARGET_MAC} dev out0"),
        ] {
            let mut arguments = vec!["-n", space.name.as_str()];
            arguments.extend(line.split(' '));
            run("ip", &arguments)?;
        }
        Ok(space)
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name, program])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Records what comes in on a device while something is done.
    fn record(
        &self,
        device: &str,
        filter: &str,
        act: impl FnOnce() -> Result<(), String>,
    ) -> Result<Vec<Frame>, String> {
        let path = self.folder.path().join("record.pcap");
        let mut dump = self.inside("tcpdump");
        dump.args(["-i", device, "-s", "112", "-U", "-n", "-Z", "root", "-B", "16384", "-w"]).arg(&path);
        dump.args(filter.split_whitespace()).stderr(Stdio::piped());
        let mut dump = Beside(dump.spawn().map_err(|cause| format!("tcpdump: {cause}"))?);
        ready(&mut dump.0)?;
        let done = act();
        dump.end();
        done?;
        frames(&path)
    }

    fn flood(&self, (program, class, arguments): &Flood) -> Result<Recording, String> {
        let frames = self.record("in0", &format!("dst host {TARGET}"), || {
            let mut command = self.inside(program);
            if *program == "hping3" {
                command
                    .args(["-q", "-n", "-I", "out0", "-i", "u60", "-c", PACKETS])
                    .args(arguments.split(' '))
                    .arg(TARGET);
            } else {
                let packet = format!("{{ eth(saddr={SENDER_MAC}, daddr={TARGET_MAC}), {arguments} }}\n");
                let path = self.folder.path().join("packet.cfg");
                std::fs::write(&path, packet).map_err(|cause| cause.to_string())?;
                command
                    .args(["-o", "out0", "-n", PACKETS, "-t", "60us", "-P", "1", "--no-sock-mem", "-q", "-i"])
                    .arg(path);
            }
            // hping3 gets no answer and says so with its exit code.
            command.status().map(|_| ()).map_err(|cause| format!("{program}: {cause}"))
        })?;
        // A flood that did not come would be a row that is missing, or one that is met by nobody.
        if frames.len() < LEAST {
            return Err(format!("{} packets were recorded of {PACKETS}", frames.len()));
        }
        Ok(Recording { program, class, frames })
    }

    /// What ordinary programs send: a transfer, a stream of UDP, pages one by one.
    fn ordinary(&self) -> Result<Vec<Recording>, String> {
        let page = self.folder.path().join("index.html");
        std::fs::write(page, "<html>".repeat(5_000)).map_err(|cause| cause.to_string())?;
        let mut server = self.inside("iperf3");
        let _server = Beside(server.args(["-s", "-p", "5201"]).spawn().map_err(|cause| format!("iperf3: {cause}"))?);
        let mut web = self.inside("python3");
        web.args(["-m", "http.server", "8080", "--bind", "127.0.0.1", "--directory"]).arg(self.folder.path());
        let _web = Beside(web.spawn().map_err(|cause| format!("python3: {cause}"))?);
        let uses: [(&'static str, &str, &str, &str); 3] = [
            ("iperf3", "tcp dst port 5201", "iperf3", "-c 127.0.0.1 -p 5201 -t 8 -b 40M -l 1400 -M 1400"),
            ("iperf3-udp", "udp dst port 5201", "iperf3", "-c 127.0.0.1 -p 5201 -t 8 -u -b 4M -l 1200"),
            (
                "curl",
                "tcp dst port 8080",
                "curl",
                "-s -o /dev/null --retry 5 --retry-connrefused http://127.0.0.1:8080/index.html?[1-900]",
            ),
        ];
        let mut found = Vec::new();
        for (program, filter, command, arguments) in uses {
            if !present(command) {
                eprintln!("skipped: ordinary use: {command} is not installed");
                continue;
            }
            let frames = self.record("lo", filter, || {
                let mut command = self.inside(command);
                command.args(arguments.split(' ')).status().map(|_| ()).map_err(|cause| format!("{program}: {cause}"))
            })?;
            if frames.is_empty() {
                eprintln!("skipped: ordinary use: nothing was recorded of {program}");
                continue;
            }
            found.push(Recording { program, class: "", frames });
        }
        Ok(found)
    }
}

/// Waits until tcpdump says that it listens.
fn ready(child: &mut Child) -> Result<(), String> {
    use std::io::{BufRead, BufReader};
    let said = child.stderr.take().ok_or("tcpdump: no output")?;
    let mut lines = BufReader::new(said).lines();
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains("listening on"));
    // The rest is read so that it never blocks.
    std::thread::spawn(move || lines.for_each(drop));
    if found { Ok(()) } else { Err("tcpdump: does not listen".into()) }
}

fn frames(path: &Path) -> Result<Vec<Frame>, String> {
    let bytes = std::fs::read(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    let packets = pcap::read(&bytes).ok_or("tcpdump wrote no recording")?;
    let begin = packets.first().map_or(0, |packet| packet.at_us);
    Ok(packets.iter().map(|packet| packet.frame(begin, false)).collect())
}

fn present(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Records every flood and use that can be recorded here; says on stderr what cannot.
pub fn record() -> Vec<Recording> {
    let missing: Vec<&str> = ["ip", "tcpdump"].into_iter().filter(|program| !present(program)).collect();
    if !missing.is_empty() {
        eprintln!("skipped: recordings of other programs need {}", missing.join(", "));
        return Vec::new();
    }
    let space = match Space::new() {
        Ok(space) => space,
        Err(cause) => {
            eprintln!("skipped: recordings of other programs need a network namespace of our own ({cause})");
            return Vec::new();
        }
    };
    for program in ["hping3", "trafgen"].into_iter().filter(|program| !present(program)) {
        eprintln!("skipped: floods of {program}: it is not installed");
    }
    let mut found = Vec::new();
    for flood in HPING.iter().chain(TRAFGEN).filter(|flood| present(flood.0)) {
        match space.flood(flood) {
            Ok(recording) => found.push(recording),
            Err(cause) => eprintln!("skipped: {} {}: {cause}", flood.0, flood.1),
        }
    }
    match space.ordinary() {
        Ok(recordings) => found.extend(recordings),
        Err(cause) => eprintln!("skipped: ordinary use: {cause}"),
    }
    found
}
