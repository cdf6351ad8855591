#!/usr/bin/env python3
"""Requests judged by libmodsecurity (PyPI `libmodsecurity`), in-process: the second opinion on every verdict.

Reads requests as JSON lines from stdin and writes one JSON line each, in the same order:
  in   {"method": "GET", "target": "/a?b=c", "version": "1.1", "headers": [["Host", "x"]], "body": base64,
        "client": "127.0.0.1", "response": {"status": 200, "headers": [["Content-Type", "text/html"]], "body": base64}}
       All but "target" may be left out. A character of method, target and headers is one byte (U+00FF is 0xFF).
  out  {"rules": [ids in the order they held], "hits": [{"id", "phase", "message", "match", "data", "reference"}],
        "intervention": {"status", "phase"} or null, "show": {name: value}, "us": CPU microseconds}
       A text that is not UTF-8 comes as null. libmodsecurity tells only of rules with `auditlog`: `nolog` and
       `noauditlog` hide them.

What the rules are:
  --crs DIR [--setup FILE] [--paranoia N] [--threshold N]   OWASP CRS with the base settings of base.conf
  --conf FILE                                               a file as it stands (may hold Include), after the base settings
  --rule TEXT                                               one more directive, after all others; may be given again
  --no-base, --detection-only, --regression                 without base.conf; log only; settings of the CRS tests
  --show MACRO                                              value of %{MACRO} at the end, as `tx.anomaly_score`
Without stdin requests: --get TARGET, --form BODY, --json BODY build one request; --header 'Name: value' adds to it.
Examples
  oracle.py --rule 'SecRule ARGS "@rx a" "id:1,phase:2,pass,log,t:lowercase"' --get '/?x=A' --show tx.0
  oracle.py --crs /usr/share/modsecurity-crs/rules --paranoia 2 --get '/?id=1%20or%201=1'
"""

import argparse
import base64
import glob
import json
import multiprocessing
import os
import sys
import tempfile
import time

import libmodsecurity

HERE = os.path.dirname(os.path.abspath(__file__))
SHOW_ID = 4_294_000
REGRESSION = """SecAction "id:4293001,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,ctl:ruleRemoveById=910000,\\
setvar:tx.paranoia_level=4,setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\\
setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,\\
setvar:tx.max_num_args=255,setvar:tx.combined_file_sizes=65535,setvar:tx.max_file_size=64100"
SecResponseBodyMimeType text/plain text/html text/xml application/json
"""


def crs_files(folder, scratch):
    """The files of a CRS directory in order. The wheel has no GeoIP: `@geoLookup` never holds, in a copy of its file."""
    for path in sorted(glob.glob(os.path.join(folder, "*.conf"))):
        with open(path, encoding="latin-1") as file:
            text = file.read()
        if "@geoLookup" in text:
            for data in glob.glob(os.path.join(folder, "*.data")):
                if not os.path.lexists(link := os.path.join(scratch, os.path.basename(data))):
                    os.symlink(data, link)
            path = os.path.join(scratch, os.path.basename(path))
            with open(path, "w", encoding="latin-1") as file:
                file.write(text.replace("@geoLookup", "@noMatch"))
        yield path


def configuration(options, scratch):
    """The whole configuration as one text, in the order in which ModSecurity is to read it."""
    text = []
    if not options.no_base:
        text.append(f"Include {HERE}/base.conf")
    if options.detection_only:
        text.append("SecRuleEngine DetectionOnly")
    for name, variables in (
        ("paranoia", ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")),
        ("threshold", ("inbound_anomaly_score_threshold",)),
    ):
        value = getattr(options, name)
        if value is not None:
            sets = ",".join(f"setvar:tx.{variable}={value}" for variable in variables)
            text.append(f'SecAction "id:{4_293_010 + len(text)},phase:1,nolog,pass,t:none,{sets}"')
    if options.regression:
        text.append(REGRESSION)
    if options.crs:
        setup = options.setup or "/etc/modsecurity/crs/crs-setup.conf"
        text.append(f"Include {setup}")
        text.extend(f"Include {path}" for path in crs_files(options.crs, scratch))
    text.extend(f"Include {os.path.abspath(path)}" for path in options.conf)
    text.extend(options.rule)
    for number, macro in enumerate(options.show):
        text.append(f"SecAction \"id:{SHOW_ID + number},phase:5,pass,log,auditlog,msg:'%{{{macro}}}'\"")
    return "\n".join(text) + "\n"


def load(options):
    """Engine and rules; what the parser says ends the program."""
    engine = libmodsecurity.ModSecurity()
    engine.set_log_callback(lambda _line: None)  # Without one, every message goes to stderr.
    rules = libmodsecurity.RulesSet()
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "all.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(options, scratch))
        if rules.load_from_uri(path) < 0:
            sys.exit(f"libmodsecurity: {rules.get_parser_error()}")
    return engine, rules


def octets(text):
    """One byte a character; what does not fit is taken as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def text_of(message, name):
    """A text of a message; None where it is not UTF-8."""
    try:
        return getattr(message, name)
    except UnicodeDecodeError:
        return None


def run(transaction, request):
    """Feeds one request phase by phase, as a proxy would, until the end or an intervention."""

    def stopped(phase):
        it = transaction.intervention()
        return {"status": it.status, "phase": phase} if it is not None and it.disruptive else None

    transaction.process_connection(request.get("client", "127.0.0.1"), 40000, "127.0.0.1", 80)
    transaction.process_uri(octets(request["target"]), octets(request.get("method", "GET")), request.get("version", "1.1"))
    for name, value in request.get("headers", ()):
        transaction.add_request_header(octets(name), octets(value))
    transaction.process_request_headers()
    if it := stopped(1):
        return it
    if body := base64.b64decode(request.get("body", "")):
        transaction.append_request_body(body)
    transaction.process_request_body()
    if it := stopped(2):
        return it
    response = request.get("response")
    if response is None:
        return None
    for name, value in response.get("headers", ()):
        transaction.add_response_header(octets(name), octets(value))
    transaction.process_response_headers(response.get("status", 200), f"HTTP/{request.get('version', '1.1')}")
    if it := stopped(3):
        return it
    if body := base64.b64decode(response.get("body", "")):
        transaction.append_response_body(body)
    transaction.process_response_body()
    return stopped(4)


def judge(state, request, options):
    """What libmodsecurity says of one request."""
    engine, rules = state
    begin = time.process_time_ns()
    transaction = libmodsecurity.Transaction(engine, rules)
    intervention = run(transaction, request)
    transaction.process_logging()
    spent = (time.process_time_ns() - begin) / 1000
    hits, show = [], {}
    for message in transaction.get_rule_messages():
        if SHOW_ID <= message.rule_id < SHOW_ID + len(options.show):
            show[options.show[message.rule_id - SHOW_ID]] = text_of(message, "message")
            continue
        hits.append(message)
    out = {"rules": [hit.rule_id for hit in hits], "intervention": intervention, "us": round(spent, 1)}
    if options.show:
        out["show"] = show
    if not options.brief:
        names = ("message", "match", "data", "reference")
        out["hits"] = [{"id": hit.rule_id, "phase": hit.phase} | {n: text_of(hit, n) for n in names} for hit in hits]
    return out


STATE = None


def start(options):
    """A worker's engine."""
    global STATE
    STATE = (load(options), options)


def work(line):
    """One line in, one line out."""
    state, options = STATE
    return json.dumps(judge(state, json.loads(line), options))


def one_request(options):
    """The request that the command line describes, if it does."""
    body, kind = None, None
    if options.form is not None:
        body, kind = options.form, "application/x-www-form-urlencoded"
    elif options.json is not None:
        body, kind = options.json, "application/json"
    elif options.get is None:
        return None
    headers = [["Host", "localhost"], ["User-Agent", "oracle"], ["Accept", "*/*"]]
    request = {"method": "GET", "target": options.get or "/"}
    if body is not None:
        data = body.encode()
        headers += [["Content-Type", kind], ["Content-Length", str(len(data))]]
        request |= {"method": "POST", "body": base64.b64encode(data).decode()}
    headers += [[part.strip() for part in header.split(":", 1)] for header in options.header]
    return json.dumps(request | {"headers": headers})


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crs")
    parser.add_argument("--setup")
    parser.add_argument("--paranoia", type=int)
    parser.add_argument("--threshold", type=int)
    for flag in ("--no-base", "--detection-only", "--regression", "--brief"):
        parser.add_argument(flag, action="store_true")
    for several in ("--conf", "--rule", "--show", "--header"):
        parser.add_argument(several, action="append", default=[])
    for request in ("--get", "--form", "--json"):
        parser.add_argument(request)
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


def main():
    options = arguments()
    if line := one_request(options):
        start(options)
        print(json.dumps(json.loads(work(line)), indent=1))
        return
    lines = (line for line in sys.stdin if line.strip())
    if options.jobs > 1:
        with multiprocessing.Pool(min(options.jobs, 2), start, (options,)) as pool:
            for answer in pool.imap(work, lines, chunksize=32):
                print(answer)
        return
    start(options)
    for line in lines:
        print(work(line), flush=True)


if __name__ == "__main__":
    main()
