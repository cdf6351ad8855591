//! End to end: a proxy on core 0 before an origin on core 1, driven by wrk; CPU of the proxy a request.
//!
//! Everything is private: configurations, prefixes and sockets lie in a temporary directory and on loopback; processes
//! started here are stopped by their ids.

use super::load::{self, Kind};
use crate::door;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Port of the origin.
const ORIGIN: u16 = 18_480;
/// Port of the proxy that is measured.
const FRONT: u16 = 18_481;
/// Different requests that wrk goes round in.
const REQUESTS: usize = 500;

/// A proxy that can be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// nginx alone.
    Nginx,
    /// nginx with libmodsecurity and OWASP CRS at level 1.
    ModSecurity,
    /// `garrison-gateway` at this path, without the WAF.
    Proxy(PathBuf),
    /// The same with OWASP CRS at level 1.
    Gateway(PathBuf),
}

impl Subject {
    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Subject::Nginx => "nginx",
            Subject::ModSecurity => "nginx + libmodsecurity",
            Subject::Proxy(_) => "garrison-gateway, WAF off",
            Subject::Gateway(_) => "garrison-gateway",
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figure {
    /// CPU of all processes of the proxy a request, microseconds.
    pub cpu_us: f64,
    /// Requests a second.
    pub rate: f64,
    /// 99th percentile of the latency, microseconds.
    pub p99_us: f64,
    /// Resident memory of all its processes, MB.
    pub rss_mb: f64,
    /// Answers that were neither 2xx nor 3xx.
    pub refused: u64,
}

/// A process of ours, stopped when it goes.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id() as i32) {
            // nginx's worker goes with its master on this signal.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// A bench with its origin running.
pub struct Bench {
    folder: tempfile::TempDir,
    _origin: Process,
    seconds: u32,
}

impl Bench {
    /// Whether the programs it needs are there.
    pub fn missing() -> Option<&'static str> {
        let there = |path: &str| Path::new(path).exists();
        match () {
            () if !there("/usr/sbin/nginx") => Some("nginx"),
            () if !there("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so") => {
                Some("libnginx-mod-http-modsecurity")
            }
            () if !there("/usr/bin/wrk") => Some("wrk"),
            () => None,
        }
    }

    /// Starts the origin and writes what wrk sends.
    pub fn start(seconds: u32) -> Result<Bench, String> {
        let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
        for kind in Kind::ALL {
            write(&folder.path().join(format!("{}.lua", kind.name())), &script(kind))?;
        }
        let server = format!(
            "server {{ listen 127.0.0.1:{ORIGIN} backlog=1024; location / {{ default_type text/html; return 200 '{}'; }} }}",
            "<html><body><h1>It is served</h1><p>One page of one hundred and sixty bytes, the same for all.</p></body></html>"
        );
        let origin = nginx(folder.path(), "origin", "1", &server)?;
        wait(ORIGIN)?;
        Ok(Bench { folder, _origin: origin, seconds })
    }

    /// Measures one proxy with several kinds of requests, one after the other, on one instance.
    pub fn measure(&self, subject: &Subject, kinds: &[Kind]) -> Result<Vec<Figure>, String> {
        let process = self.launch(subject)?;
        wait(FRONT)?;
        kinds.iter().map(|kind| self.drive(&process, *kind)).collect()
    }

    fn launch(&self, subject: &Subject) -> Result<Process, String> {
        let folder = self.folder.path();
        match subject {
            Subject::Nginx => nginx(folder, "plain", "0", &front("")),
            Subject::ModSecurity => {
                let rules = folder.join("modsecurity.conf");
                write(&rules, &crate::rules::Rules::new(crate::rules::Mode::Level(1)).text())?;
                let lines = format!("modsecurity on; modsecurity_rules_file {};", rules.display());
                nginx(folder, "modsecurity", "0", &front(&lines))
            }
            Subject::Proxy(program) => gateway(folder, program, "off"),
            Subject::Gateway(program) => gateway(folder, program, "block"),
        }
    }

    fn drive(&self, process: &Process, kind: Kind) -> Result<Figure, String> {
        let script = self.folder.path().join(format!("{}.lua", kind.name()));
        wrk(&script, 1)?;
        let before = usage(process.0.id())?;
        let out = wrk(&script, self.seconds)?;
        let after = usage(process.0.id())?;
        let (requests, rate, p99_us, refused) = read(&out).ok_or_else(|| format!("wrk said: {out}"))?;
        Ok(Figure {
            cpu_us: (after.ticks - before.ticks) as f64 * 10_000.0 / requests.max(1) as f64,
            rate,
            p99_us,
            rss_mb: after.rss_mb,
            refused,
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|cause| format!("{}: {cause}", path.display()))
}

/// A proxy in nginx before the origin.
fn front(lines: &str) -> String {
    format!(
        "upstream origin {{ server 127.0.0.1:{ORIGIN}; keepalive 64; }}
         server {{ listen 127.0.0.1:{FRONT} backlog=1024; {lines}
         client_body_buffer_size 256k; client_max_body_size 16m; keepalive_requests 1000000;
         location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; }} }}"
    )
}

/// nginx with one worker on a core, in its own prefix.
fn nginx(folder: &Path, name: &str, core: &str, server: &str) -> Result<Process, String> {
    let prefix = folder.join(name);
    std::fs::create_dir_all(&prefix).map_err(|cause| cause.to_string())?;
    let mut text = String::new();
    let _ = write!(
        text,
        "load_module /usr/lib/nginx/modules/ngx_http_modsecurity_module.so;
         daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log; user root;
         events {{ worker_connections 4096; }}
         http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;
         fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi; {server} }}",
        prefix.display()
    );
    let file = prefix.join("nginx.conf");
    write(&file, &text)?;
    let (prefix, file) = (prefix.display().to_string(), file.display().to_string());
    pinned(core, Path::new("/usr/sbin/nginx"), &["-p", &prefix, "-c", &file, "-e", &format!("{prefix}/error.log")])
}

/// Our gateway with one worker on core 0.
fn gateway(folder: &Path, program: &Path, mode: &str) -> Result<Process, String> {
    let file = folder.join(format!("gateway-{mode}.yaml"));
    let rules = crate::rules::Rules::new(crate::rules::Mode::Level(1));
    let text = format!(
        "workers: 1
listeners: [{{name: front, address: '127.0.0.1:{FRONT}'}}]
sites:
  - name: bench
    hosts: ['*']
    pool: origin
    waf: {{mode: '{mode}', rules: ['{}', '{}'], paranoia: 1, threshold: 5, responses: true, model: 'off'}}
pools:
  origin: {{addresses: ['127.0.0.1:{ORIGIN}']}}
",
        rules.setup.display(),
        rules.crs.display()
    );
    write(&file, &text)?;
    let state = folder.join(format!("state-{mode}"));
    std::fs::create_dir_all(&state).map_err(|cause| cause.to_string())?;
    let owned = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&state, owned).map_err(|cause| cause.to_string())?;
    let (file, state) = (file.display().to_string(), state.display().to_string());
    pinned("0", program, &["run", "--config", &file, "--state", &state, "--standalone", "--events", "notable"])
}

fn pinned(core: &str, program: &Path, arguments: &[&str]) -> Result<Process, String> {
    let command = Command::new("taskset").args(["-c", core]).arg(program).args(arguments).stdout(Stdio::null()).spawn();
    command.map(Process).map_err(|cause| format!("{}: {cause}", program.display()))
}

/// Waits until a port of loopback answers.
fn wait(port: u16) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > end {
            return Err(format!("nothing listens on port {port}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The requests of a kind as a script of wrk.
fn script(kind: Kind) -> String {
    let mut text = String::from("local list = {\n");
    for request in load::requests(kind, REQUESTS) {
        text.push('"');
        for byte in door::bytes(&request) {
            match byte {
                b'"' | b'\\' => {
                    text.push('\\');
                    text.push(char::from(byte));
                }
                32..=126 => text.push(char::from(byte)),
                other => {
                    let _ = write!(text, "\\{other:03}");
                }
            }
        }
        text.push_str("\",\n");
    }
    text.push_str("}\nlocal at = 0\nfunction request() at = at % #list + 1; return list[at] end\n");
    text.push_str("function done(summary, latency, _)\n");
    text.push_str("io.write(string.format('figures %d %d %.0f %d\\n', summary.requests, summary.duration, ");
    text.push_str("latency:percentile(99), summary.errors.status)) end\n");
    text
}

fn wrk(script: &Path, seconds: u32) -> Result<String, String> {
    let address = format!("http://127.0.0.1:{FRONT}/");
    let run = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "-c8", &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(address)
        .output();
    let output = run.map_err(|cause| format!("wrk: {cause}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// (requests, requests a second, p99 in microseconds, refused) of wrk's last words.
fn read(out: &str) -> Option<(u64, f64, f64, u64)> {
    let line = out.lines().find_map(|line| line.strip_prefix("figures "))?;
    let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [requests, duration_us, p99_us, refused] = numbers[..] else { return None };
    Some((requests as u64, requests * 1e6 / duration_us, p99_us, refused as u64))
}

/// What a process and its children have used.
struct Usage {
    ticks: u64,
    rss_mb: f64,
}

fn usage(pid: u32) -> Result<Usage, String> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut usage = Usage { ticks: 0, rss_mb: 0.0 };
    for pid in std::iter::once(pid.to_string()).chain(children.split_whitespace().map(str::to_string)) {
        let stat =
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|cause| format!("process {pid}: {cause}"))?;
        // The name stands in brackets and may hold blanks; utime and stime are the fields 14 and 15, rss (pages) is 24.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        usage.ticks += field(14) + field(15);
        usage.rss_mb += field(24) as f64 * 4096.0 / 1e6;
    }
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read() {
        assert_eq!(read("Running 1s\nfigures 2000 1000000 350 7\n"), Some((2000, 2000.0, 350.0, 7)));
        assert_eq!(read("nothing"), None);
    }

    #[test]
    fn own_usage_is_read() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.rss_mb > 1.0, "{}", usage.rss_mb);
    }

    #[test]
    fn a_script_escapes_every_byte() {
        let text = script(Kind::Json);
        assert!(text.lines().count() > REQUESTS && !text.contains("\\r") && text.contains("\\013\\010"));
    }
}
