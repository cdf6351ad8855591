#!/usr/bin/env python3
"""Validates a STIX 2.1 bundle (standard input) with the validator and the parser of OASIS.

Prints what is wrong and a summary; exit status 1 when anything is, 2 when the packages of requirements.txt are missing.
Warnings count as errors but for two: names for JA3 and JA4 in patterns have no standard form, and ids are UUIDs of version 5
(the standard says SHOULD be 4): the same value has the same id in every export, so that nothing is doubled.
"""

import io
import json
import sys

try:
    import stix2
    import stix2validator
except ImportError as missing:
    print(f"cannot validate: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)


def tolerated(warning):
    """Whether a warning is about a value that STIX has no object for."""
    return "x-ja3-fingerprint" in warning or "x-ja4-fingerprint" in warning


def main():
    text = sys.stdin.read()
    options = stix2validator.ValidationOptions(version="2.1", enforce_refs=True, disabled="103")
    results = stix2validator.validate(io.StringIO(text), options)
    results = results if isinstance(results, list) else [results]
    errors = []
    for outcome in results:
        for part in getattr(outcome, "object_results", None) or [outcome]:
            errors += [str(error) for error in part.errors or []]
            errors += [str(warning) for warning in part.warnings or [] if not tolerated(str(warning))]
    bundle = stix2.parse(text, allow_custom=False, version="2.1")
    # An observable has the id that the standard derives from its value.
    for thing in bundle.objects:
        if thing["type"] in ("ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr"):
            again = stix2.parse({"type": thing["type"], "value": thing["value"], "spec_version": "2.1"}, version="2.1")
            if again.id != thing.id:
                errors.append(f"{thing.id}: the standard's id is {again.id}")
        elif thing["type"] == "file":
            again = stix2.File(hashes=dict(thing["hashes"]))
            if again.id != thing.id:
                errors.append(f"{thing.id}: the standard's id is {again.id}")
    for error in errors[:50]:
        print(error)
    kinds = {}
    for thing in bundle.objects:
        kinds[thing["type"]] = kinds.get(thing["type"], 0) + 1
    print(f"{len(bundle.objects)} objects {json.dumps(kinds, sort_keys=True)}, {len(errors)} errors")
    return 1 if errors or not bundle.objects else 0


if __name__ == "__main__":
    sys.exit(main())
