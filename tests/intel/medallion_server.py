#!/usr/bin/env python3
"""Runs PyPI medallion, the reference TAXII 2.1 server, on loopback with generated objects.

    medallion_server.py [--objects N] [--port PORT]

Prints `ready URL USER PASSWORD COLLECTION` when it listens, and serves until its standard input ends or it is killed.
The collection holds N indicators (192.0.2.x and so on, one microsecond apart), one malware and their relationship.
Exit status 2 when the packages of requirements.txt are missing.
"""

import argparse
import datetime
import json
import logging
import os
import socket
import sys
import tempfile
import threading
import uuid

try:
    import medallion
    from werkzeug.serving import make_server
except ImportError as missing:
    print(f"cannot serve: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
SPACE = uuid.UUID("7d1f7c52-6b5e-4c43-9a0e-2f60d3b1c5a8")
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def stamp(number):
    return (START + datetime.timedelta(microseconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def named(kind, name):
    return f"{kind}--{uuid.uuid5(SPACE, kind + name)}"


def objects(count):
    malware = named("malware", "test")
    base = {"spec_version": "2.1", "created": stamp(0), "modified": stamp(0)}
    yield {"type": "malware", "id": malware, "name": "Testware", "is_family": True, **base}
    for number in range(count):
        address = f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"
        indicator = named("indicator", str(number))
        yield {
            "type": "indicator", "id": indicator, "pattern": f"[ipv4-addr:value = '{address}']",
            "pattern_type": "stix", "valid_from": stamp(0), "confidence": 70, **base,
        }
        if number == 0:
            yield {
                "type": "relationship", "id": named("relationship", "0"), "relationship_type": "indicates",
                "source_ref": indicator, "target_ref": malware, **base,
            }


def data(count):
    listed, manifest = list(objects(count)), []
    for number, thing in enumerate(listed):
        manifest.append({
            "id": thing["id"], "date_added": stamp(number), "version": thing["modified"],
            "media_type": "application/stix+json;version=2.1",
        })
    return {
        "/discovery": {
            "title": "medallion", "description": "reference server", "default": "/api/", "api_roots": ["/api/"],
        },
        "api": {
            "information": {
                "title": "api", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 104857600,
            },
            "status": [],
            "collections": [{
                "id": COLLECTION, "title": "indicators", "description": "generated", "can_read": True,
                "can_write": True, "media_types": ["application/stix+json;version=2.1"],
                "objects": listed, "manifest": manifest,
            }],
        },
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=250)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--page", type=int, default=100)
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(data(wanted.objects), file)
    try:
        application = medallion.application_instance
        configuration = {
            "users": {"user": "secret"},
            "taxii": {"max_page_size": wanted.page},
            "backend": {
                "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": file.name,
            },
        }
        for part in ("users", "taxii", "backend"):
            medallion.set_config(application, part, configuration)
        medallion.register_blueprints(application)
    finally:
        os.unlink(file.name)
    # Bound before it is announced: whoever reads the line can connect.
    listening = socket.socket()
    listening.bind(("127.0.0.1", wanted.port))
    listening.listen(64)
    port = listening.getsockname()[1]
    server = make_server("127.0.0.1", port, application, threaded=True, fd=listening.fileno())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready http://127.0.0.1:{port}/taxii2/ user secret {COLLECTION}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
