#!/usr/bin/env python3
"""How fast a collection of TAXII 2.1 is read: our real server beside PyPI medallion, with one client.

    taxii_speed.py OBJECTS PAGE MANY

Both serve the same OBJECTS indicators in pages of PAGE to PyPI taxii2-client, one reader, in turns; then ours alone serves
MANY in pages of 1,000. Prints `{"ours": [objects/s …], "peer": […], "many": […]}`. Exit status 2 when the packages of
requirements.txt are missing.
"""
import json, os, pathlib, shutil, subprocess, sys, tempfile, time

try:
    from taxii2client.v21 import Collection, as_pages
except ImportError as missing:
    print(f"cannot measure: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)

here = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(here), str(here.parent / "stories" / "parts")]
from intel import Garrison
from taxii_client import Bearer

RUNS = 3
SHARE = "3b0a9e7c-6c0e-4a6e-9d57-0d9c2d1f5a10"


def read(collection, page):
    """Objects, and the seconds that reading them took."""
    begun = time.monotonic()
    found = [thing for part in as_pages(collection.get_objects, per_request=page) for thing in part.get("objects", [])]
    return found, time.monotonic() - begun


def main():
    objects, page, many = (int(word) for word in sys.argv[1:4])
    for name in [name for name in os.environ if name.endswith("_CA_BUNDLE")]:
        del os.environ[name]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="garrison-taxii-"))
    command = [sys.executable, here / "medallion_server.py", "--objects", str(objects), "--page", str(page)]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    garrison = None
    try:
        garrison = Garrison(folder, agent=False)
        _, url, user, password, collection = peer.stdout.readline().split()
        theirs = Collection(f"{url.replace('/taxii2/', '/api/')}collections/{collection}/", user=user, password=password)
        listed = [thing for thing in read(theirs, page)[0] if thing["type"] == "indicator"]
        (folder / "bundle.json").write_text(json.dumps({"type": "bundle", "id": f"bundle--{SHARE}", "objects": listed}))
        garrison.take(folder / "bundle.json", "medallion", "--tlp", "clear")
        (folder / "share.json").write_text(json.dumps({"id": SHARE, "alias": "speed", "title": "speed"}))
        garrison.run("intel", "shares", "add", str(folder / "share.json"))
        at = f"{garrison.url}/taxii2/garrison/collections/{SHARE}/"
        ours = Collection(at, auth=Bearer(garrison.token), verify=str(garrison.ca))
        rates = {"ours": [], "peer": [], "many": []}
        for _ in range(RUNS):
            for name, served in (("ours", ours), ("peer", theirs)):
                found, took = read(served, page)
                count = sum(thing["type"] == "indicator" for thing in found)
                assert count == len(listed) == objects, f"{name}: {count} of {objects}"
                rates[name].append(len(found) / took)
        (folder / "many.txt").write_text("".join(f"host{number}.many.example\n" for number in range(many)))
        garrison.take(folder / "many.txt", "many", "--format", "plain", "--tlp", "clear")
        for _ in range(RUNS):
            found, took = read(ours, 1000)
            assert len(found) == many + objects, f"{len(found)} of {many + objects}"
            rates["many"].append(len(found) / took)
        print(json.dumps(rates))
    finally:
        peer.kill()
        peer.wait()
        if garrison:
            garrison.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
