"""What `tests/stories/intel` stands on: the real server, a web server for feeds, and the arithmetic of the decay."""
import http.server, json, os, pathlib, signal, ssl, subprocess, sys, threading, time, urllib.error, urllib.request

LONGEST_S = 60
LINK, API = "127.0.0.1:18473", "127.0.0.1:18474"

home = pathlib.Path(__file__).resolve().parents[3]
programs = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", home / "target")) / "debug"
scripts = home / "tests" / "intel"
shared = home.parent / "shared" / "data"
python = pathlib.Path(os.environ.get("GARRISON_VENV", pathlib.Path.home() / ".cache/garrison/venv")) / "bin" / "python"


class Garrison:
    """`garrison up` with its agent in a directory of its own, and questions to it."""

    def __init__(self, folder, agent=True):
        self.data, self.log, self.folder = folder / "garrison", open(folder / "log", "wb"), folder
        command = [str(programs / "garrison"), "up", "--data", str(self.data), "--link", LINK, "--api", API]
        command += [] if agent else ["--no-agent"]
        self.up = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        connected = lambda: any(one.get("connected") for one in (self.ask("agents") or {}).get("items", []))
        self.until("a server with its agent", connected if agent else lambda: self.ask("status"))
        client = json.loads((self.data / "client.json").read_text())
        self.url, self.token, self.ca = f"https://{API}", client["token"], folder / "ca.pem"
        self.ca.write_text(client["ca"])
        self.trust = ssl.create_default_context(cafile=str(self.ca))

    def run(self, *arguments, json_out=True):
        """A command of the operator; one that fails ends the run."""
        return self.done([str(programs / "garrison"), *arguments, "--data", str(self.data)] + ["--json"] * json_out).stdout

    def done(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            self.end(f"`{' '.join(command[1:])}` failed: {done.stdout[-500:]} {done.stderr[-500:]}")
        return done

    def ask(self, *arguments):
        command = [str(programs / "garrison"), *arguments, "--data", str(self.data), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def end(self, why):
        print(f"FAIL {why}\n--- the server's last words", flush=True)
        self.log.flush()
        print((self.folder / "log").read_text(errors="replace")[-3000:])
        sys.exit(1)

    def until(self, what, there):
        """Asks until something is there; bounded."""
        end = time.monotonic() + LONGEST_S
        while time.monotonic() < end:
            found = there()
            if found:
                return found
            time.sleep(0.05)
        self.end(f"{what} within {LONGEST_S} s")

    def take(self, file, source, *more, progress=False):
        """Imports a file; the job at its end, and with `progress` the lines that a person sees meanwhile."""
        command = [str(programs / "garrison"), "intel", "import", str(file), "--data", str(self.data), *more]
        command += ["--source", source] if source else []
        if not progress:
            return json.loads(self.done([*command, "--json"]).stdout)
        done = self.done(command)
        pairs = dict(line.split(None, 1) for line in done.stdout.splitlines() if len(line.split(None, 1)) == 2)
        job = {"fresh": int(pairs["fresh"]), "report": json.loads(pairs["report"])}
        return job, done.stderr.splitlines()

    def held(self):
        """Whether every agent has the filter that is offered."""
        offered = self.ask("intel", "status")["filter"]
        return offered["agents"] > 0 and offered["hold"] == offered["agents"]

    def lookup(self, value):
        return self.ask("intel", "lookup", value) or {}

    def verdict(self, value):
        return self.lookup(value)["verdict"]

    def sightings(self, value):
        return ((self.lookup(value).get("indicator") or {}).get("sightings") or {}).get("count", 0)

    def count(self, value, source):
        claims = (self.lookup(value).get("indicator") or {}).get("claims", [])
        return sum(claim["source"] == source for claim in claims)

    def alerts(self, value, past=None):
        """Alerts about an indicator; `past` chooses those of a hunt, or those of the moment."""
        found = []
        for one in (self.ask("alerts", "list", "--limit", "500") or {}).get("items", []):
            matches = {match["field"]: match["value"] for match in one.get("matches", [])}
            if matches.get("indicator") == value and past in (None, matches.get("past") == "true"):
                found.append(one)
        return found

    def alerted(self, value, past=None):
        return self.until(f"an alert about {value}", lambda: self.alerts(value, past))[0]

    def http(self, method, path, body=None, token=None, headers=(), accept="application/json", whole=False):
        """Status and JSON of one request."""
        request = urllib.request.Request(self.url + path, method=method, headers=dict(headers) | {"Accept": accept})
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(request, context=self.trust, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        text = answer.read()
        read = json.loads(text) if text else {}
        return (answer.status, read, answer.headers) if whole else (answer.status, read)

    def partner(self, name):
        """An account of a partner; its API token."""
        made = json.loads(self.run("user", "add", name, "partner"))
        status, me, head = self.http("POST", "/api/v1/login", {"user": name, "password": made["password"]}, whole=True)
        headers = lambda me, head: {"Cookie": head["Set-Cookie"].split(";")[0], "x-csrf-token": me["csrf"]}
        change = {"old": made["password"], "new": os.urandom(12).hex() + "Aa1!"}
        status, me, head = self.http("POST", "/api/v1/password", change, headers=headers(me, head), whole=True)
        wish = {"name": "story", "scopes": ["read", "act"], "life_s": 3600}
        status, token = self.http("POST", "/api/v1/tokens", wish, headers=headers(me, head))
        if "token" not in token:
            self.end(f"no token for a partner: {status} {token}")
        return token["token"]

    def stix_id(self, value):
        """Id of the STIX indicator of a value, as our exports name it."""
        body = self.ask("intel", "lookup", value)
        return body.get("stix_id") or self.end(f"no STIX id of {value}")

    def stop(self):
        agents = subprocess.run(["pgrep", "-P", str(self.up.pid), "garrison-agent"], capture_output=True, text=True)
        self.up.send_signal(signal.SIGTERM)
        try:
            self.up.wait(30)
        except subprocess.TimeoutExpired:
            self.up.kill()
            self.up.wait()
            for pid in agents.stdout.split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.log.close()


class Feeds:
    """A web server on loopback with a list under each name: `etag` and `modified` know versions, `broken` fails."""

    def __enter__(self):
        self.answers = {"etag": [], "modified": [], "broken": []}
        feeds = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/").removesuffix(".txt")
                known = {"etag": self.headers.get("If-None-Match") == '"1"',
                         "modified": self.headers.get("If-Modified-Since") == "Thu, 01 Jan 2026 00:00:00 GMT"}
                status = 500 if name == "broken" else 304 if known[name] else 200
                feeds.answers[name].append(status)
                body = b"" if status != 200 else "".join(f"{name}{n}.feed.example\n" for n in range(3)).encode()
                self.send_response(status)
                if name == "etag":
                    self.send_header("ETag", '"1"')
                if name == "modified":
                    self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def crossing(after):
    """Base score, time last seen (a full grain of ten minutes) and the moment at which a domain with these falls below
    the threshold, the first such moment after `after`: score(t) = base × (1 − (t / τ)^(1/δ)) with τ 120 days, δ 2,
    threshold 30."""
    life, speed, threshold, grain = 120 * 86400, 2, 30, 600
    begin = 1_577_836_800  # where the grains of the index begin
    best = None
    for base in range(40, 101):
        age = life * (1 - threshold / base) ** speed
        grains = -(-(after - age - begin) // grain)
        last = begin + grains * grain
        if best is None or last + age < best[2]:
            best = (base, int(last), last + age)
    return best
