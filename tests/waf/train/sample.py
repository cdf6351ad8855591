"""A value with what it is and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One value as the engine has it: decoded once."""

    source: str  # corpus and part: `httpparams`, `libinjection/sqli-misc`, `made/prose`
    kind: str  # `benign`, or the kind of attack: `sqli`, `xss`, `path-traversal`, `rce`, `other`
    value: bytes

    @property
    def attack(self):
        return self.kind != "benign"
