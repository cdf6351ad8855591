#!/usr/bin/env python3
"""Validates OCSF events against the schema of the version, class and profiles that they name.

Reads one event a line on standard input. Prints `line N CLASS PATH: what is wrong` for each error and a summary at
the end; exit status 1 when an event failed or there was none, 2 when the packages of requirements.txt are missing.

Besides the JSON schema it checks what the schema cannot say: type_uid and category_uid follow from the class, the
event uses no deprecated attribute, and a profile is named only when one of its attributes is used.
"""

import collections
import json
import sys

# The version that is promised; another one, however valid, is an error.
VERSION = "1.8.0"

try:
    from jsonschema import Draft202012Validator
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
except ImportError as missing:
    print(f"cannot validate: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)


class Schemas:
    """Validators by version, class and profiles, each built once."""

    def __init__(self):
        self.by_version = {}
        self.by_class = {}

    def of(self, version):
        if version not in self.by_version:
            raw = get_ocsf_schema(version)
            self.by_version[version] = (raw, OcsfJsonSchemaEmbedded(raw))
        return self.by_version[version]

    def validator(self, version, class_uid, profiles):
        key = (version, class_uid, tuple(sorted(profiles)))
        if key not in self.by_class:
            _, embedded = self.of(version)
            name = embedded.lookup_class_name_from_uid(class_uid)
            schema = embedded.get_class_schema(name, list(profiles))
            Draft202012Validator.check_schema(schema)
            self.by_class[key] = (name, Draft202012Validator(schema))
        return self.by_class[key]


def problems(schemas, event):
    """Every error of one event as (path, text)."""
    metadata = event.get("metadata", {})
    version, profiles = metadata.get("version", ""), metadata.get("profiles", [])
    class_uid = event.get("class_uid", -1)
    if version != VERSION:
        yield "metadata/version", f"is {version!r}, not {VERSION!r}"
        return
    name, validator = schemas.validator(version, class_uid, profiles)
    for error in validator.iter_errors(event):
        yield "/".join(str(part) for part in error.absolute_path) or ".", error.message[:300]
    if event.get("type_uid") != class_uid * 100 + event.get("activity_id", 0):
        yield "type_uid", "is not class_uid * 100 + activity_id"
    if event.get("category_uid") != class_uid // 1000:
        yield "category_uid", "is not the category of the class"
    raw, _ = schemas.of(version)
    used = set()
    yield from walk(raw, raw["classes"][name]["attributes"], event, "", used)
    known = set(raw["classes"][name].get("profiles") or [])
    for profile in profiles:
        if profile not in known:
            yield "metadata/profiles", f"{name} has no profile {profile}"
        elif profile not in used:
            yield "metadata/profiles", f"{profile} is named but none of its attributes is used"


def walk(raw, attributes, value, path, used):
    """Notes the profiles of the attributes present and reports deprecated ones."""
    for key, item in value.items():
        attribute = attributes.get(key)
        if attribute is None:
            continue
        used.update(attribute.get("profiles") or [])
        if attribute.get("@deprecated"):
            yield f"{path}{key}", "is deprecated: " + attribute["@deprecated"].get("message", "")
        inner = raw["objects"].get(attribute.get("object_type") or "", {}).get("attributes")
        if inner:
            for number, part in enumerate(item if isinstance(item, list) else [item]):
                if isinstance(part, dict):
                    place = f"{path}{key}/{number}/" if isinstance(item, list) else f"{path}{key}/"
                    yield from walk(raw, inner, part, place, used)


def main():
    schemas, count, failed, classes = Schemas(), 0, 0, collections.Counter()
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        count += 1
        try:
            event = json.loads(line)
            errors = list(problems(schemas, event))
            class_uid = event.get("class_uid")
        except ValueError as error:
            errors, class_uid = [(".", str(error))], None
        classes[class_uid] += 1
        failed += bool(errors)
        for path, text in errors:
            print(f"line {number} {class_uid} {path}: {text}")
    kinds = ", ".join(f"{uid} x{times}" for uid, times in sorted(classes.items(), key=str))
    print(f"{count - failed} of {count} events valid ({kinds})")
    sys.exit(1 if failed or count == 0 else 0)


main()
