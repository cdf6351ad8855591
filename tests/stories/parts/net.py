"""What stories of networks stand on: namespaces with cables between them, programs in them, name servers and services."""
import ctypes, json, os, pathlib, signal, socket, subprocess, sys, threading, time

LONGEST_S = 40
home = pathlib.Path(__file__).resolve().parents[3]
programs = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", home / "target")) / "debug"
SECRET = "c3RvcnktZG5zLWtleS0wMTIzNDU2Nzg5YWJjZGVmLg=="


def own_mounts():
    """A mount namespace of our own, so that the BPF file system of the test is nobody else's."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x44000, None):
        sys.exit(f"no mount namespace: {os.strerror(ctypes.get_errno())}")


class Net:
    """Namespaces by short names, all removed at the end."""

    def __init__(self, folder, story):
        self.folder, self.children, self.names, self.story = folder, [], {}, f"garrison-{story}-{os.getpid()}"

    def space(self, *names):
        for name in names:
            self.names[name] = f"{self.story}-{name}"
            self.call("ip", "netns", "add", self.names[name])
            self.ip(name, "link", "set", "lo", "up")
            self.set(name, "net.ipv4.conf.all.rp_filter", 0)

    def call(self, *words, **options):
        done = subprocess.run(words, capture_output=True, text=True, **options)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def ip(self, where, *words):
        return self.call("ip", "-n", self.names[where], *words)

    def inside(self, where, *command, **options):
        return self.call("nsenter", f"--net=/run/netns/{self.names[where]}", *command, **options)

    def set(self, where, name, value):
        self.inside(where, "sh", "-c", f"echo {value} > /proc/sys/{name.replace('.', '/')}")

    def cable(self, one, other, first, second):
        """A cable whose ends are named after where it leads, with an address each."""
        self.ip(one, "link", "add", other, "type", "veth", "peer", "name", one, "netns", self.names[other])
        for where, device, address in ((one, other, first), (other, one, second)):
            self.ip(where, "addr", "add", address, "dev", device)
            self.ip(where, "link", "set", device, "up")
            self.set(where, f"net.ipv4.conf.{device}.rp_filter", 0)

    def start(self, where, command, log):
        out = open(self.folder / log, "a")
        environment = {**os.environ, "RUST_LOG": "warn,scrubber=info"}
        child = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.names[where]}", *map(str, command)], stdout=out,
                                 stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        self.children.append(child)
        return child

    def stop(self, child, how=signal.SIGTERM):
        """Ends a program with its children: a generator whose parent is killed would go on."""
        def all(how):
            try:
                os.killpg(child.pid, how)
            except ProcessLookupError:
                pass
        all(how)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            pass
        all(signal.SIGKILL)
        child.wait()
        self.children = [one for one in self.children if one is not child]

    def until(self, what, good, seconds=LONGEST_S):
        """Waits until something is so; gives it and how long it took."""
        begin = time.monotonic()
        while True:
            found = good()
            if found:
                return found, time.monotonic() - begin
            if time.monotonic() - begin > seconds:
                self.fail(f"{what}: not within {seconds} s")
            time.sleep(0.05)

    def fail(self, why):
        print(f"FAIL {why}\n{self.logs()}", flush=True)
        sys.exit(1)

    def logs(self):
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-3000 if path.name == 'scrubber.log' else -600:]}" for path in sorted(self.folder.glob("*.log")))

    def close(self):
        for child in reversed(list(self.children)):
            self.stop(child)
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def key_file(path, name):
    path.write_text(f'key "{name}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')
    path.chmod(0o600)
    return path


def zone_text(zone, server, rows):
    lines = [f"$ORIGIN {zone}.", "$TTL 5", "@ SOA ns hostmaster 1 3600 600 86400 5", "@ NS ns", f"ns A {server}"]
    return "\n".join(lines + [f"{label} A {address}" for label, address in rows]) + "\n"


def knot(net, where, address, zone, rows):
    """Knot as the primary server of a zone whose key is `switch`."""
    at = net.folder / "knot"
    at.mkdir()
    (at / "zone").write_text(zone_text(zone, address, rows))
    (at / "knot.conf").write_text(
        f"server:\n    rundir: {at}\n    listen: {address}@53\n"
        f"key:\n  - id: switch\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"
        f"acl:\n  - id: update\n    key: switch\n    action: update\n"
        f"database:\n    storage: {at}\nlog:\n  - target: stderr\n    any: warning\n"
        f"zone:\n  - domain: {zone}\n    storage: {at}\n    file: zone\n    acl: update\n")
    net.start(where, ["knotd", "-c", at / "knot.conf"], "knot.log")


def named(net, where, name, address, rest, recursion):
    """BIND, as the primary server of a zone or as a resolver."""
    at = net.folder / name
    at.mkdir(exist_ok=True)
    (at / "named.conf").write_text(
        f'options {{ directory "{at}"; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }}; '
        f'pid-file "{at}/pid"; lock-file none; session-keyfile "{at}/session.key"; dnssec-validation no; notify no; '
        f"empty-zones-enable no; {'recursion yes; allow-recursion { any; }; allow-query-cache { any; };' if recursion else 'recursion no;'} }};\n"
        f"controls {{ }};\n{rest}")
    net.start(where, ["named", "-g", "-n", "1", "-c", at / "named.conf"], f"{name}.log")


def primary(net, where, address, zone, rows):
    """BIND as the primary server of a zone whose key is `switch`."""
    (net.folder / "primary").mkdir()
    (net.folder / "primary" / "zone").write_text(zone_text(zone, address, rows))
    rest = f'key "switch" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
    rest += f'zone "{zone}" {{ type primary; file "zone"; allow-update {{ key switch; }}; }};\n'
    named(net, where, "primary", address, rest, False)


def serve(address, body):
    """A web server that says who it is."""
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    listener = socket.create_server((address, 80), backlog=256)

    def one(peer):
        try:
            peer.settimeout(2)
            peer.recv(4096)
            peer.sendall(answer)
        except OSError:
            pass
        peer.close()
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=one, args=(peer,), daemon=True).start()


def question(name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return labels + b"\0" + b"\0\1\0\1"


def resolve(name, resolver):
    """The first address of a name, or none."""
    asked = question(name)
    number = os.urandom(2)
    with socket.socket(type=socket.SOCK_DGRAM) as wire:
        wire.connect((resolver, 53))
        wire.settimeout(1)
        try:
            wire.send(number + b"\1\0\0\1\0\0\0\0\0\0" + asked)
            data = wire.recv(4096)
        except OSError:
            return None
    good = data[:2] == number and not data[3] & 15 and data[6:8] != b"\0\0"
    # The question has one compressed name, so the record begins right behind it.
    return socket.inet_ntoa(data[12 + len(asked) + 12:][:4]) if good else None


def visit(address):
    """What the web server at an address says, or nothing."""
    try:
        with socket.create_connection((address, 80), 1) as peer:
            peer.settimeout(1)
            peer.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
            text = b""
            while part := peer.recv(4096):
                text += part
        return text.rpartition(b"\r\n\r\n")[2].decode()
    except OSError:
        return ""


def client(name, resolver):
    """Somebody who asks for a name and visits what it says, over and over: a line of JSON each time."""
    while True:
        at = time.time()
        address = resolve(name, resolver)
        print(json.dumps({"at": at, "address": address, "body": visit(address) if address else ""}), flush=True)
        time.sleep(max(0, 0.2 - (time.time() - at)))


class Seen:
    """What a client's log says."""

    def __init__(self, path):
        self.path = path

    def lines(self, since=0.0):
        rows = [json.loads(line) for line in self.path.read_text().splitlines() if line.endswith("}")]
        return [row for row in rows if row["at"] >= since]

    def first(self, body, since):
        """When it was first served by this one."""
        return next((row["at"] for row in self.lines(since) if row["body"] == body), None)
