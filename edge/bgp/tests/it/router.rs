//! Routers that are not ours: BIRD and GoBGP with a session to us, and what they have heard.

use crate::world::{World, wait};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Settings of the router's side of the session.
#[derive(Default, Clone, Copy)]
pub struct Session {
    pub password: Option<&'static str>,
    pub ttl_security: bool,
    /// Hold time, seconds; 30 when none is given.
    pub hold_s: Option<u16>,
    /// Over IPv6 and inside our AS (BIRD only).
    pub internal_ipv6: bool,
}

/// A router.
pub trait Router: Sync {
    /// Its name and version.
    fn version(&self) -> String;
    /// Everything that it has heard, as its own tools print it.
    fn heard(&self) -> String;
    /// Closes the session from its side (`false`) and opens it again.
    fn set_session(&self, open: bool);
    /// Asks for all routes again (ROUTE-REFRESH); false when it has no way to ask.
    fn refresh(&self) -> bool;
    /// What its log or its tools say when something went wrong.
    fn log(&self) -> String;
}

/// A program that ends with its owner.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// BIRD 2: it puts blackholes into its kernel.
pub struct Bird<'w> {
    world: &'w World,
    _daemon: Daemon,
}

impl<'w> Bird<'w> {
    fn path(world: &World, name: &str) -> PathBuf {
        world.folder.path().join(name)
    }

    pub fn start(world: &'w World, session: Session) -> Bird<'w> {
        let password = session.password.map(|text| format!("password \"{text}\";")).unwrap_or_default();
        let security = if session.ttl_security { "ttl security on;" } else { "" };
        let (here, us, asn, direct) = match session.internal_ipv6 {
            true => ("fd99::1", "fd99::2", 65_001, "direct;"),
            false => ("10.99.0.1", "10.99.0.2", 65_002, ""),
        };
        let text = format!(
            r#"log "{log}" all;
router id 10.99.0.1;
flow4 table rules4;
flow6 table rules6;
filter blackholes {{
  if (65535, 666) ~ bgp_community then {{ dest = RTD_BLACKHOLE; accept; }}
  reject;
}}
protocol device {{ }}
protocol kernel {{ ipv4 {{ import none; export all; }}; }}
protocol kernel {{ ipv6 {{ import none; export all; }}; }}
protocol bgp speaker {{
  local {here} as {asn};
  neighbor {us} as 65001;
  {direct}
  passive on;
  hold time {hold};
  {password}
  {security}
  ipv4 {{ import filter blackholes; export none; }};
  ipv6 {{ import filter blackholes; export none; }};
  flow4 {{ table rules4; import all; export none; }};
  flow6 {{ table rules6; import all; export none; }};
}}
"#,
            log = Bird::path(world, "bird.log").display(),
            hold = session.hold_s.unwrap_or(30),
        );
        let (config, control) = (Bird::path(world, "bird.conf"), Bird::path(world, "bird.ctl"));
        std::fs::write(&config, text).unwrap();
        let mut command = world.at_router("bird");
        command.arg("-f").arg("-c").arg(&config).arg("-s").arg(&control).arg("-P").arg(Bird::path(world, "bird.pid"));
        let daemon = Daemon(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let bird = Bird { world, _daemon: daemon };
        wait("BIRD", || bird.ask("show protocols speaker").contains("BGP"));
        bird
    }

    fn ask(&self, words: &str) -> String {
        output(Command::new("birdc").arg("-s").arg(Bird::path(self.world, "bird.ctl")).args(words.split(' ')))
    }
}

impl Router for Bird<'_> {
    fn version(&self) -> String {
        output(Command::new("bird").arg("--version")).trim().into()
    }

    fn heard(&self) -> String {
        self.ask("show route all table all")
    }

    fn set_session(&self, open: bool) {
        self.ask(if open { "enable speaker" } else { "disable speaker" });
    }

    fn refresh(&self) -> bool {
        self.ask("reload in speaker");
        true
    }

    fn log(&self) -> String {
        std::fs::read_to_string(Bird::path(self.world, "bird.log")).unwrap_or_default()
            + &self.ask("show protocols all speaker")
    }
}

/// GoBGP 3.
pub struct Gobgp<'w> {
    world: &'w World,
    _daemon: Daemon,
}

const FAMILIES: [&str; 4] = ["ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec"];

impl<'w> Gobgp<'w> {
    pub fn start(world: &'w World, session: Session) -> Gobgp<'w> {
        let password = session.password.map(|text| format!("auth-password = \"{text}\"")).unwrap_or_default();
        let mut text = format!(
            r#"[global.config]
as = 65002
router-id = "10.99.0.1"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.99.0.2"
peer-as = 65001
{password}
[neighbors.transport.config]
passive-mode = true
[neighbors.timers.config]
hold-time = {hold}
keepalive-interval = {keepalive}
"#,
            hold = session.hold_s.unwrap_or(30),
            keepalive = session.hold_s.unwrap_or(30) / 3,
        );
        if session.ttl_security {
            text += "[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255\n";
        }
        for family in FAMILIES {
            text += &format!("[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{family}\"\n");
        }
        let config = world.folder.path().join("gobgp.toml");
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(world.folder.path().join("gobgp.log")).unwrap();
        let mut command = world.at_router("gobgpd");
        command.arg("-f").arg(&config).args(["--api-hosts", "127.0.0.1:50051", "--pprof-disable", "-p"]);
        let daemon = Daemon(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let gobgp = Gobgp { world, _daemon: daemon };
        wait("GoBGP", || gobgp.ask("neighbor").contains("10.99.0.2"));
        gobgp
    }

    fn ask(&self, words: &str) -> String {
        output(self.world.at_router("gobgp").args(words.split(' ')))
    }
}

impl Router for Gobgp<'_> {
    fn version(&self) -> String {
        format!("GoBGP {}", output(Command::new("gobgpd").arg("--version")).trim())
    }

    fn heard(&self) -> String {
        let rib = |family: &str| self.ask(&format!("global rib -a {}", family.replace("-unicast", "")));
        FAMILIES.map(rib).concat()
    }

    fn set_session(&self, open: bool) {
        self.ask(if open { "neighbor 10.99.0.2 enable" } else { "neighbor 10.99.0.2 disable" });
    }

    /// It keeps what it heard and never asks.
    fn refresh(&self) -> bool {
        false
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.world.folder.path().join("gobgp.log")).unwrap_or_default() + &self.ask("neighbor")
    }
}
