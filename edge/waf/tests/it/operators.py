"""Asks libmodsecurity what its operators hold of, and what they capture.

Reads lines `NAME ARGUMENT VALUE` (the last two in hexadecimal) and answers each with `0`, or with `1` and what TX:0, TX:1
and TX:2 hold behind it (hexadecimal; `-` for nothing).
"""

import sys

from asked import posted

SLOTS = range(3)


def directives(tests):
    clear = ",".join(f"setvar:!tx.{slot}" for slot in SLOTS)
    for number, (name, argument) in enumerate(tests):
        argument = bytes.fromhex(argument).decode().replace('"', '\\"')
        test = f"@{name} {argument}".strip()
        first = 10 * number + 10
        yield f'SecAction "id:{first},phase:2,pass,nolog,{clear}"'
        yield f'SecRule ARGS:v "{test}" "id:{first + 1},phase:2,pass,log,t:none,capture"'
        for slot in SLOTS:
            yield (
                f'SecRule TX:{slot} "@unconditionalMatch" "id:{first + 2 + slot},phase:2,pass,log,t:none,t:hexEncode,'
                "logdata:'%{MATCHED_VAR}'\""
            )


def main():
    cases = [tuple(line.split(" ")) for line in sys.stdin.read().splitlines()]
    tests = sorted({case[:2] for case in cases})
    answers = {}
    for value, found in posted(directives(tests), sorted({case[2] for case in cases})):
        for number, test in enumerate(tests):
            first = 10 * number + 10
            slots = " ".join(found.get(first + 2 + slot, "-") for slot in SLOTS)
            answers[(*test, value)] = f"1 {slots}" if first + 1 in found else "0"
    for case in cases:
        print(answers[case])


main()
