"""What the programs that ask libmodsecurity share."""

import sys

import libmodsecurity


def rules_of(lines):
    """Rules of these directives; what the parser says ends the program."""
    rules = libmodsecurity.RulesSet()
    if rules.load("\n".join(["SecRuleEngine On", "SecRequestBodyAccess On", *lines])) < 0:
        sys.exit(rules.get_parser_error())
    return rules


def posted(lines, values):
    """Each value posted as the argument `v` under rules of these directives: the log data of the rules that held, by their ids."""
    rules = rules_of(lines)
    engine = libmodsecurity.ModSecurity()
    found = {}
    engine.set_rule_message_callback(lambda message: found.__setitem__(message.rule_id, message.data))
    for value in values:
        found.clear()
        with engine.transaction(rules) as transaction:
            transaction.process_connection("192.0.2.1", 1, "192.0.2.2", 80)
            transaction.process_uri("/", "POST", "1.1")
            transaction.add_request_header("Content-Type", "application/x-www-form-urlencoded")
            transaction.process_request_headers()
            pairs = [value[at : at + 2] for at in range(0, len(value), 2)]
            transaction.append_request_body(b"v=" + "".join("%" + pair for pair in pairs).encode())
            transaction.process_request_body()
        yield value, found
    engine.set_rule_message_callback(None)
