#!/usr/bin/env python3
"""Reads a TAXII 2.1 server with PyPI taxii2-client, and checks what it says by the standard.

    taxii_client.py URL USER PASSWORD [--collection ID] [--page N] [--ca FILE] [--write] [--token]

With `--token` PASSWORD is sent as a bearer token. Prints one line a check and a summary; exit status 1 when a check
fails, 2 when the packages of requirements.txt are missing.
"""

import argparse
import json
import sys
import uuid

try:
    import requests
    from taxii2client.common import TokenAuth
    from taxii2client.exceptions import TAXIIServiceException
    from taxii2client.v21 import Server, as_pages
except ImportError as missing:
    print(f"cannot connect: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)

TAXII = "application/taxii+json;version=2.1"


class Bearer(TokenAuth):
    """`Authorization: Bearer`, as our server wants it."""

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class Checks:
    """Counts and prints checks."""

    def __init__(self):
        self.done = self.failed = 0

    def that(self, name, good, detail=""):
        self.done += 1
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name} {detail}".rstrip())


def paged(collection, page, **filters):
    """Every page's objects."""
    return [envelope.get("objects", []) for envelope in as_pages(collection.get_objects, per_request=page, **filters)]


def reading(checks, collection, page):
    pages = paged(collection, page)
    ids = [thing["id"] for part in pages for thing in part]
    checks.that("pages hold every object once", len(ids) == len(set(ids)) and ids, f"{len(ids)} in {len(pages)} pages")
    checks.that("no page is longer than its limit", all(len(part) <= page for part in pages))
    manifest = [row for part in as_pages(collection.get_manifest, per_request=page) for row in part.get("objects", [])]
    checks.that("the manifest lists the same objects", sorted(row["id"] for row in manifest) == sorted(ids))
    dates = [row["date_added"] for row in manifest]
    checks.that("in the order of their addition", dates == sorted(dates))
    if not ids:
        return
    last = max(dates)
    late = [thing for part in paged(collection, page, added_after=last) for thing in part]
    checks.that("nothing is added after the last", not late, f"{len(late)}")
    one = collection.get_object(ids[0])
    checks.that("one object by id", [thing["id"] for thing in one["objects"]] == [ids[0]])
    kind = ids[0].split("--")[0]
    typed = [thing for part in paged(collection, page, type=kind) for thing in part]
    checks.that("match[type]", typed and all(thing["type"] == kind for thing in typed), f"{len(typed)} {kind}")
    versions = collection.object_versions(ids[0])
    checks.that("versions", len(versions["versions"]) >= 1)


def raw(checks, collection, auth, verify):
    """What a client of the library cannot send."""
    url = f"{collection.url}objects/"

    def get(path=url, accept=TAXII, **parameters):
        return requests.get(path, headers={"Accept": accept}, params=parameters, auth=auth, verify=verify, timeout=30)

    good = get(limit=1)
    checks.that("media type", good.headers["Content-Type"].replace(" ", "") == TAXII, good.headers["Content-Type"])
    checks.that("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-First" in good.headers)
    checks.that("X-TAXII-Date-Added-Last", "X-TAXII-Date-Added-Last" in good.headers)
    for name, answer, status in [
        ("another media type", get(accept="application/xml"), 406),
        ("another version", get(accept="application/taxii+json;version=9.9"), 406),
        ("limit of no number", get(limit="many"), 400),
        ("limit of zero", get(limit=0), 400),
        ("a cursor of nobody", get(next="no-such-cursor"), 400),
        ("a time that is none", get(added_after="yesterday"), 400),
        ("an object that is not there", get(f"{url}indicator--{uuid.uuid4()}/"), 404),
        ("a collection that is not there", get(url.replace(collection.id, str(uuid.uuid4()))), 404),
        ("without an account", requests.get(url, headers={"Accept": TAXII}, verify=verify, timeout=30), 401),
    ]:
        checks.that(name, answer.status_code == status, f"{answer.status_code}")
        if answer.status_code == status and status != 401:
            kind = answer.headers["Content-Type"].replace(" ", "")
            checks.that(f"{name}: an error resource", "title" in answer.json() and kind == TAXII, kind)


def writing(checks, collection):
    thing = {
        "type": "indicator", "id": f"indicator--{uuid.uuid4()}", "spec_version": "2.1",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'taxii.example']", "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    status = collection.add_objects({"objects": [thing]})
    checks.that("an addition is complete", status.status == "complete" and status.success_count == 1)
    found = collection.get_object(thing["id"])["objects"]
    checks.that("and reads back as it was", found == [thing], json.dumps(found)[:200])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--collection")
    parser.add_argument("--page", type=int, default=100)
    parser.add_argument("--ca", default=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--token", action="store_true")
    wanted = parser.parse_args()
    checks = Checks()
    auth = Bearer(wanted.password) if wanted.token else requests.auth.HTTPBasicAuth(wanted.user, wanted.password)
    server = Server(wanted.url, auth=auth, verify=wanted.ca)
    try:
        checks.that("discovery", bool(server.title and server.api_roots), server.title)
        root = server.default or server.api_roots[0]
        checks.that("the root speaks 2.1", TAXII in [version.replace(" ", "") for version in root.versions])
        collections = root.collections
        checks.that("collections", bool(collections), f"{len(collections)}")
        named = [one for one in collections if wanted.collection in (None, one.id)]
        collection = next(one for one in named if one.can_read)
        reading(checks, collection, wanted.page)
        raw(checks, collection, auth, wanted.ca)
        if wanted.write:
            writing(checks, collection)
    except (TAXIIServiceException, requests.RequestException, StopIteration, KeyError) as fault:
        checks.that("no fault of the client", False, repr(fault))
    print(f"{checks.done} checks, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
