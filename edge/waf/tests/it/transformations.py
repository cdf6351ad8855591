"""Asks libmodsecurity what its transformations make of values.

Reads lines `NAME HEX` and answers each with the transformed value in hexadecimal.
"""

import sys

import libmodsecurity


def main():
    cases = [line.split(" ") for line in sys.stdin.read().splitlines()]
    names = sorted({name for name, _ in cases})
    rules = libmodsecurity.RulesSet()
    text = ["SecRuleEngine On", "SecRequestBodyAccess On"]
    for number, name in enumerate(names, 1):
        text.append(
            f'SecRule ARGS:v "@unconditionalMatch" "id:{number},phase:2,pass,log,t:none,t:{name},t:hexEncode,'
            f"logdata:'%{{MATCHED_VAR}}'\""
        )
    if rules.load("\n".join(text)) < 0:
        sys.exit(rules.get_parser_error())
    engine = libmodsecurity.ModSecurity()
    found = {}
    engine.set_rule_message_callback(lambda message: found.__setitem__(message.rule_id, message.data))
    answers = {}
    for value in sorted({value for _, value in cases}):
        found.clear()
        with engine.transaction(rules) as transaction:
            transaction.process_connection("192.0.2.1", 1, "192.0.2.2", 80)
            transaction.process_uri("/", "POST", "1.1")
            transaction.add_request_header("Content-Type", "application/x-www-form-urlencoded")
            transaction.process_request_headers()
            pairs = [value[at : at + 2] for at in range(0, len(value), 2)]
            transaction.append_request_body(b"v=" + "".join("%" + pair for pair in pairs).encode())
            transaction.process_request_body()
        for number, name in enumerate(names, 1):
            answers[name, value] = found.get(number, "-")
    engine.set_rule_message_callback(None)
    for name, value in cases:
        print(answers[name, value])


main()
