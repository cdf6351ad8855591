"""Samples of the corpora in `../shared/data/waf`, of Python's own library, and which belong together when one is left out."""

import base64
import csv
import gzip
import pathlib
import random
import re
import sysconfig
import urllib.parse

import yaml

from sample import Sample

# Sources that are never trained on, only measured.
APART = ("crs-tests", "debian-documents")
KINDS = {
    "norm": "benign",
    "sqli": "sqli",
    "xss": "xss",
    "path-traversal": "path-traversal",
    "cmdi": "rce",
}
# Attacks of gotestwaf by the file's name.
GOTESTWAF = {
    "sql": "sqli",
    "sqli": "sqli",
    "nosql": "other",
    "xss": "xss",
    "lfi": "path-traversal",
    "path": "path-traversal",
    "rce": "rce",
    "shell": "rce",
    "sst": "other",
    "ss": "other",
    "ldap": "other",
    "mail": "other",
    "crlf": "other",
    "xml": "other",
    "xxe": "other",
    "user": "other",
}
# Tests of CRS by the thousands of the rules' numbers.
CRS = {
    930: "path-traversal",
    931: "other",
    932: "rce",
    933: "rce",
    934: "rce",
    941: "xss",
    942: "sqli",
    944: "rce",
}
# Parts of Python's library that are full of SQL, markup made to break parsers, or commands.
NOT_TEXT = {"sqlite3", "test", "tests", "idlelib", "lib2to3", "encodings", "site-packages", "dist-packages", "pydoc_data"}


def httpparams(data):
    with open(data / "httpparams/payload_full.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Sample("httpparams", KINDS[row["attack_type"]], row["payload"].encode())


def libinjection(data):
    for path in sorted((data / "libinjection/data").glob("*.txt")):
        kind = "benign" if path.stem == "false_positives" else "sqli" if path.stem.startswith("sqli") else "xss"
        for line in path.read_bytes().splitlines():
            if line and not line.startswith(b"#"):
                value = urllib.parse.unquote_to_bytes(line.replace(b"+", b" "))
                yield Sample(f"libinjection/{path.stem}", kind, value)


def encoded(payload, encoder):
    """A payload as the engine has it after the form's own decoding."""
    if encoder.startswith("Base64"):
        flat = base64.b64encode(payload)
        return flat.rstrip(b"=") if encoder == "Base64" else flat
    if encoder == "JSUnicode":
        return "".join(f"\\u{ord(letter):04x}" for letter in payload.decode("utf-8", "replace")).encode()
    if encoder == "XMLEntity":
        return b"".join(b"&#x%x;" % byte for byte in payload)
    return payload


def gotestwaf(data):
    for path in sorted((data / "gotestwaf/testcases").glob("*/*.yml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            case = yaml.safe_load(text)
        except yaml.YAMLError:
            case = yaml.safe_load(text.replace("\\'", "'"))
        words = path.stem.removeprefix("community-").replace("16kb-", "").split("-")
        words = [word for word in words if not re.fullmatch(r"\d+kb", word)]
        kind = "benign" if path.parent.name == "false-pos" else GOTESTWAF.get(words[0])
        if kind is None or not isinstance(case, dict):
            continue
        for payload in case.get("payload") or []:
            for encoder in case.get("encoder") or ["Plain"]:
                name = encoder if isinstance(encoder, str) else next(iter(encoder))
                yield Sample(f"gotestwaf/{path.stem}", kind, encoded(str(payload).encode(), name))


def crs(data):
    """Of each test that must hit an attack rule, the value with the most signs."""
    for path in sorted((data / "crs-3.3.4-tests").glob("*/*.y*ml")):
        kind = CRS.get(int(path.stem[:3]) if path.stem[:3].isdigit() else 0)
        if kind is None:
            continue
        try:
            tests = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace")).get("tests") or []
        except yaml.YAMLError:
            continue
        for test in tests:
            for stage in test.get("stages") or []:
                stage = stage["stage"]
                if "log_contains" not in (stage.get("output") or {}):
                    continue
                given = stage["input"]
                texts = [str(given.get("uri") or "").partition("?")[2]]
                if isinstance(given.get("data"), str) and not given["data"].lstrip().startswith(("{", "<", "--")):
                    texts.append(given["data"])
                values = [value for text in texts for _, value in pairs(text)]
                if values:
                    best = max(values, key=lambda value: sum(not chr(byte).isalnum() for byte in value))
                    yield Sample("crs-tests", kind, best)


def pairs(text):
    for part in text.split("&"):
        name, _, value = part.partition("=")
        yield name, urllib.parse.unquote_to_bytes(value.replace("+", " "))


def python_library(count=9000):
    """Lines and paragraphs of Python's own library: code and prose of many hands, seldom an attack."""
    chance = random.Random(5)
    texts = []
    for path in sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if NOT_TEXT.isdisjoint(path.parts):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines()]
            texts.extend(line for line in lines if 12 < len(line) < 200)
            texts.extend(part.strip()[:1500] for part in text.split("\n\n") if 60 < len(part))
    for text in chance.sample(texts, min(count, len(texts))):
        yield Sample("python-library", "benign", text.encode())


def debian_documents(count=3000):
    """Paragraphs of the documents that Debian's packages install, and the addresses in them: real texts of many hands."""
    chance, texts, addresses = random.Random(4), [], set()
    for path in sorted(pathlib.Path("/usr/share/doc").glob("*/*")):
        if not path.is_file():
            continue
        raw = path.read_bytes()[:400_000]
        try:
            text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")
        except (OSError, EOFError):
            continue
        texts.extend(part.strip()[:1500] for part in text.split("\n\n")[:40] if len(part.strip()) > 20)
        addresses.update(re.findall(r"https?://[^\s\"'<>)\]}]{8,200}", text))
    for text in [*chance.sample(texts, min(count, len(texts))), *chance.sample(sorted(addresses), min(count // 2, len(addresses)))]:
        yield Sample("debian-documents", "benign", text.encode())


def attack_is_visible(sample):
    """Lists of attacks hold scraps such as `1` or `admin`: words alone are none."""
    return not sample.attack or not re.fullmatch(rb"[\w .,-]{0,24}", sample.value)


def template(value):
    """A value with its numbers and the generators' random names flattened: rows of one template count as one."""
    return re.sub(rb"\b[a-zA-Z]{4}\b", b"w", re.sub(rb"\d+", b"0", value.lower()))


def all_corpora(data):
    """Every corpus, doubles dropped; of one template at most four are kept."""
    chance, seen, templates = random.Random(3), set(), {}
    samples = [*httpparams(data), *libinjection(data), *gotestwaf(data), *crs(data), *python_library(), *debian_documents()]
    chance.shuffle(samples)
    for sample in samples:
        form = (sample.source.partition("/")[0], sample.kind, template(sample.value))
        templates[form] = templates.get(form, 0) + 1
        few = templates[form] <= (4 if sample.attack else 50)
        if few and sample.value not in seen and attack_is_visible(sample):
            seen.add(sample.value)
            yield sample


def group(source):
    """Sources that are left out together."""
    first = source.partition("/")[0]
    return source if first == "made" else first
