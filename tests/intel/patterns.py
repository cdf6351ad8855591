#!/usr/bin/env python3
"""Asks the pattern validator of OASIS about patterns and compares with what we read.

Standard input: one JSON object a line, `{"pattern": …, "valid": …, "tests": [[object, [step …], operator], …]}`.
Prints each difference and a summary; exit status 1 when there is one, 2 when the packages of requirements.txt are
missing.
"""

import json
import sys

try:
    from stix2patterns.inspector import INDEX_STAR
    from stix2patterns.v21.pattern import Pattern
    from stix2patterns.validator import validate
except ImportError as missing:
    print(f"cannot compare: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)


def tests(pattern):
    """Comparisons as [object, steps, operator]."""
    found = []
    for kind, comparisons in Pattern(pattern).inspect().comparisons.items():
        for path, operator, _ in comparisons:
            steps = ["[*]" if step is INDEX_STAR else f"[{step}]" if isinstance(step, int) else step for step in path]
            # Two spellings of one operator.
            operator = {"==": "=", "<>": "!=", "NOT ==": "NOT =", "NOT <>": "NOT !="}.get(operator, operator)
            found.append([kind, steps, operator])
    return sorted(found)


def main():
    count = differences = 0
    for line in sys.stdin:
        ours = json.loads(line)
        count += 1
        valid = validate(ours["pattern"], "2.1")
        if valid != ours["valid"]:
            differences += 1
            print(f"{ours['pattern'][:200]!r}: valid for us {ours['valid']}, for OASIS {valid}")
        elif valid and sorted(ours["tests"]) != tests(ours["pattern"]):
            differences += 1
            print(f"{ours['pattern'][:200]!r}: we read {sorted(ours['tests'])}, OASIS {tests(ours['pattern'])}")
    print(f"{count} patterns, {differences} differences")
    return 1 if differences or not count else 0


if __name__ == "__main__":
    sys.exit(main())
