"""What libmodsecurity takes out of bodies, queries and cookies.

A question a line: `PROCESSOR CONTENT-TYPE BODY` with the last two in hexadecimal (`-` for nothing); PROCESSOR may be QUERY
or COOKIE. An answer a line: a JSON object from variable to its values in hexadecimal, those of a collection in the order
in which libmodsecurity walks it.
"""

import json
import os
import sys

import libmodsecurity
from asked import rules_of

NAMES = """ARGS ARGS_NAMES FILES FILES_NAMES FILES_SIZES MULTIPART_PART_HEADERS REQUEST_COOKIES REQUEST_COOKIES_NAMES
XML:/* XML://@* MULTIPART_NAME MULTIPART_FILENAME REQBODY_ERROR MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY
MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_DATA_BEFORE MULTIPART_DATA_AFTER
MULTIPART_HEADER_FOLDING MULTIPART_LF_LINE MULTIPART_CRLF_LF_LINES MULTIPART_MISSING_SEMICOLON
MULTIPART_INVALID_QUOTING MULTIPART_INVALID_PART MULTIPART_INVALID_HEADER_FOLDING""".split()

ENGINE = libmodsecurity.ModSecurity()
ENGINE.set_log_callback(lambda text: None)
RULES = {}


def rules(processor):
    """Rules that gather each variable's values in hexadecimal, joined by full stops."""
    if processor not in RULES:
        lines = ["SecArgumentsLimit 1000", "SecRequestBodyJsonDepthLimit 512"]
        if processor in ("XML", "JSON"):
            lines.append(f'SecAction "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor={processor}"')
        for at, name in enumerate(NAMES):
            lines.append(f"SecRule {name} \"@unconditionalMatch\" \"id:{100 + at},phase:2,pass,t:hexEncode,nolog,"
                         f"setvar:'tx.a{at}=%{{tx.a{at}}}.%{{MATCHED_VAR}}'\"")
            lines.append(f"SecRule TX:a{at} \"@unconditionalMatch\" \"id:{1000 + at},phase:2,pass,log,msg:'{name}',"
                         f"logdata:'%{{MATCHED_VAR}}'\"")
        RULES[processor] = rules_of(lines)
    return RULES[processor]


def answer(line):
    processor, kind, body = (field if field != "-" else "" for field in line.split())
    kind, body = bytes.fromhex(kind).decode("latin-1"), bytes.fromhex(body)
    request = libmodsecurity.Transaction(ENGINE, rules(processor))
    request.process_connection("192.0.2.1", 1, "192.0.2.2", 80)
    query = "?" + body.decode("latin-1") if processor == "QUERY" else ""
    request.process_uri("/" + query, "POST", "1.1")
    if kind:
        request.add_request_header("Content-Type", kind)
    if processor == "COOKIE":
        request.add_request_header("Cookie", body.decode("latin-1"))
    request.process_request_headers()
    if processor not in ("QUERY", "COOKIE"):
        request.append_request_body(body)
    request.process_request_body()
    return {message.message: message.data.split(".")[1:] for message in request.get_rule_messages()}


# libxml2 writes its complaints to the error stream.
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
for question in sys.stdin.read().splitlines():
    print(json.dumps(answer(question)))
