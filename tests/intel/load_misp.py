#!/usr/bin/env python3
"""Loads a MISP feed (a folder) with pymisp and checks its manifest and hashes.

Prints `TYPE VALUE TAGS` of every attribute, sorted, and a summary; exit status 1 when something is wrong, 2 when the
packages of requirements.txt are missing.
"""

import hashlib
import json
import pathlib
import sys

try:
    from pymisp import MISPEvent
except ImportError as missing:
    print(f"cannot load: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)


def main():
    folder = pathlib.Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    hashes = {tuple(line.split(",")) for line in (folder / "hashes.csv").read_text().splitlines()}
    errors, lines, wanted = [], [], set()
    events = sorted(path.stem for path in folder.glob("*.json") if path.name != "manifest.json")
    if events != sorted(manifest):
        errors.append(f"manifest lists {sorted(manifest)}, files are {events}")
    for uuid in events:
        event = MISPEvent()
        event.load_file(str(folder / f"{uuid}.json"), validate=False)
        ours, theirs = manifest[uuid], event.manifest[uuid]
        for name in ("info", "date"):
            if str(ours[name]) != str(theirs[name]):
                errors.append(f"{uuid}: {name} is {ours[name]!r} in the manifest and {theirs[name]!r} in the event")
        if int(ours["timestamp"]) != int(theirs["timestamp"]):
            errors.append(f"{uuid}: timestamp {ours['timestamp']} in the manifest, {theirs['timestamp']} in the event")
        for attribute in event.attributes:
            tags = ",".join(sorted(tag.name for tag in attribute.tags))
            lines.append(f"{attribute.type} {attribute.value} {tags}")
            wanted.add((hashlib.md5(str(attribute.value).encode()).hexdigest(), uuid))
        # As a feed again: what pymisp would publish holds the same attributes.
        feed = event.to_feed()
        if len(feed["Event"]["Attribute"]) != len(event.attributes):
            errors.append(f"{uuid}: to_feed lost attributes")
    if hashes != wanted:
        errors.append(f"hashes.csv differs: {sorted(hashes ^ wanted)[:5]}")
    print("\n".join(sorted(lines)))
    for error in errors:
        print(f"error: {error}")
    print(f"{len(events)} events, {len(lines)} attributes, {len(errors)} errors")
    return 1 if errors or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
