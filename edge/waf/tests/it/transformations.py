"""Asks libmodsecurity what its transformations make of values.

Reads lines `NAME HEX` and answers each with the transformed value in hexadecimal.
"""

import sys

from asked import posted


def directive(number, name):
    return (
        f'SecRule ARGS:v "@unconditionalMatch" "id:{number},phase:2,pass,log,t:none,t:{name},t:hexEncode,'
        "logdata:'%{MATCHED_VAR}'\""
    )


def main():
    cases = [line.split(" ") for line in sys.stdin.read().splitlines()]
    names = sorted({name for name, _ in cases})
    lines = [directive(number, name) for number, name in enumerate(names, 1)]
    answers = {}
    for value, found in posted(lines, sorted({value for _, value in cases})):
        for number, name in enumerate(names, 1):
            answers[name, value] = found.get(number, "-")
    for name, value in cases:
        print(answers[name, value])


main()
