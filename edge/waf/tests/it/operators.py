"""Asks libmodsecurity what its operators hold of, and what they capture.

Reads lines `NAME ARGUMENT VALUE` (the last two in hexadecimal) and answers each with `0`, or with `1` and what TX:0, TX:1
and TX:2 hold behind it (hexadecimal; `-` for nothing).
"""

import sys

import libmodsecurity

SLOTS = range(3)


def rules_of(tests):
    text = ["SecRuleEngine On", "SecRequestBodyAccess On"]
    clear = ",".join(f"setvar:!tx.{slot}" for slot in SLOTS)
    for number, (name, argument) in enumerate(tests):
        argument = bytes.fromhex(argument).decode().replace('"', '\\"')
        test = f"@{name} {argument}".strip()
        first = 10 * number + 10
        text.append(f'SecAction "id:{first},phase:2,pass,nolog,{clear}"')
        text.append(f'SecRule ARGS:v "{test}" "id:{first + 1},phase:2,pass,log,t:none,capture"')
        for slot in SLOTS:
            text.append(
                f'SecRule TX:{slot} "@unconditionalMatch" "id:{first + 2 + slot},phase:2,pass,log,t:none,t:hexEncode,'
                "logdata:'%{MATCHED_VAR}'\""
            )
    rules = libmodsecurity.RulesSet()
    if rules.load("\n".join(text)) < 0:
        sys.exit(rules.get_parser_error())
    return rules


def main():
    cases = [tuple(line.split(" ")) for line in sys.stdin.read().splitlines()]
    tests = sorted({case[:2] for case in cases})
    rules = rules_of(tests)
    engine = libmodsecurity.ModSecurity()
    found = {}
    engine.set_rule_message_callback(lambda message: found.__setitem__(message.rule_id, message.data))
    answers = {}
    for value in sorted({case[2] for case in cases}):
        found.clear()
        with engine.transaction(rules) as transaction:
            transaction.process_connection("192.0.2.1", 1, "192.0.2.2", 80)
            transaction.process_uri("/", "POST", "1.1")
            transaction.add_request_header("Content-Type", "application/x-www-form-urlencoded")
            transaction.process_request_headers()
            pairs = [value[at : at + 2] for at in range(0, len(value), 2)]
            transaction.append_request_body(b"v=" + "".join("%" + pair for pair in pairs).encode())
            transaction.process_request_body()
        for number, test in enumerate(tests):
            first = 10 * number + 10
            slots = " ".join(found.get(first + 2 + slot, "-") for slot in SLOTS)
            answers[(*test, value)] = f"1 {slots}" if first + 1 in found else "0"
    engine.set_rule_message_callback(None)
    for case in cases:
        print(answers[case])


main()
