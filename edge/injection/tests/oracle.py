"""Answers of libmodsecurity's @detectSQLi and @detectXSS.

Reads one value a line, hexadecimal; writes for each a line: the SQL fingerprint (or `-`), a space, `1` or `0` for a
script. Exit status 2 when the wheel is not installed."""

import sys

try:
    from libmodsecurity import ModSecurity, RulesSet
except ImportError as cause:
    print(cause, file=sys.stderr)
    sys.exit(2)

RULES = """
SecRuleEngine On
SecRule ARGS:v "@detectSQLi" "id:1,phase:1,pass,log,capture,t:none,msg:'s',logdata:'%{TX.0}'"
SecRule ARGS:v "@detectXSS" "id:2,phase:1,pass,log,t:none,msg:'x'"
"""


def main():
    rules = RulesSet()
    if rules.load(RULES) < 0:
        sys.exit(rules.get_parser_error())
    engine = ModSecurity()
    found = {}

    def note(message):
        found[message.rule_id] = message.data if message.rule_id == 1 else "1"

    engine.set_rule_message_callback(note)
    for line in sys.stdin:
        found.clear()
        encoded = "".join("%" + pair for pair in map("".join, zip(*[iter(line.strip())] * 2)))
        transaction = engine.transaction(rules)
        with transaction as judged:
            judged.process_connection("127.0.0.1", 1, "127.0.0.1", 80)
            judged.process_uri("/?v=" + encoded, "GET", "1.1")
            judged.process_request_headers()
        print(found.get(1, "-"), found.get(2, "0"))


main()
