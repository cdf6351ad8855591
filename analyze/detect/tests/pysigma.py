#!/usr/bin/env python3
"""Judges events by rules as pySigma reads them: a second opinion on what a rule means.

Reads one JSON object a line, {"rule": YAML, "events": [{field: text}, ...]}; the field "message" is the whole record,
in which keywords are looked for. Prints one line for each: a JSON list of true and false, or {"error": text} when
pySigma refuses the rule. Exit status 2 when the package of requirements.txt is missing.

pySigma is a converter and judges nothing by itself: it reads the rule, applies the modifiers and parses the condition;
what is done here is to compare the values of its tree, by Python's own regular expressions.
"""

import ipaddress
import json
import re
import sys

try:
    from sigma.collection import SigmaCollection
    from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
    from sigma.types import (
        CompareOperators,
        SigmaBool,
        SigmaCasedString,
        SigmaCIDRExpression,
        SigmaCompareExpression,
        SigmaExists,
        SigmaExpansion,
        SigmaFieldReference,
        SigmaNull,
        SigmaNumber,
        SigmaRegularExpression,
        SigmaRegularExpressionFlag,
        SigmaString,
        SpecialChars,
    )
except ImportError as missing:
    print(f"cannot judge: {missing} (make setup)", file=sys.stderr)
    sys.exit(2)

COMPARE = {
    CompareOperators.LT: lambda one, other: one < other,
    CompareOperators.LTE: lambda one, other: one <= other,
    CompareOperators.GT: lambda one, other: one > other,
    CompareOperators.GTE: lambda one, other: one >= other,
}
FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
WILD = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def pattern(value, whole):
    """The expression of a text with wildcards; a keyword may stand anywhere."""
    body = "".join(WILD[part] if isinstance(part, SpecialChars) else re.escape(part) for part in value.s)
    flags = re.DOTALL if isinstance(value, SigmaCasedString) else re.DOTALL | re.IGNORECASE
    return re.compile(f"\\A{body}\\Z" if whole else body, flags)


def fits(value, text, event, whole=True):
    """Whether a value of a rule fits the text of a field; `text` is None when there is none."""
    if isinstance(value, SigmaNull):
        return text is None
    if isinstance(value, SigmaExists):
        return (text is not None) == bool(value)
    if isinstance(value, SigmaExpansion):
        return any(fits(one, text, event, whole) for one in value.values)
    if text is None:
        return False
    if isinstance(value, SigmaString):
        return pattern(value, whole).search(text) is not None
    if isinstance(value, SigmaRegularExpression):
        flags = re.ASCII
        for flag in value.flags:
            flags |= FLAGS[flag]
        return re.search(str(value.regexp), text, flags) is not None
    if isinstance(value, SigmaNumber):
        return str(value.number) in text if not whole else str(value.number) == text
    if isinstance(value, SigmaBool):
        return str(value.boolean).lower() == text.lower()
    if isinstance(value, SigmaCIDRExpression):
        try:
            return ipaddress.ip_address(text) in value.network
        except ValueError:
            return False
    if isinstance(value, SigmaCompareExpression):
        found = number(text)
        return found is not None and COMPARE[value.op](found, value.number.number)
    if isinstance(value, SigmaFieldReference):
        other = event.get(value.field)
        if other is None:
            return False
        text, other = text.lower(), other.lower()
        if value.starts_with and value.ends_with:
            return other in text
        if value.starts_with:
            return text.startswith(other)
        return text.endswith(other) if value.ends_with else text == other
    raise TypeError(f"no comparison for {type(value).__name__}")


def holds(node, event):
    if isinstance(node, ConditionAND):
        return all(holds(part, event) for part in node.args)
    if isinstance(node, ConditionOR):
        return any(holds(part, event) for part in node.args)
    if isinstance(node, ConditionNOT):
        return not any(holds(part, event) for part in node.args)
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return fits(node.value, event.get(node.field), event)
    return fits(node.value, event.get("message"), event, whole=False)


def judge(task):
    rules = SigmaCollection.from_yaml(task["rule"], collect_errors=True)
    wrong = rules.errors + [error for rule in rules.rules for error in rule.errors]
    if wrong or len(rules.rules) != 1:
        return {"error": "; ".join(str(error) for error in wrong) or "not one rule"}
    trees = [condition.parsed for condition in rules.rules[0].detection.parsed_condition]
    return [any(holds(tree, event) for tree in trees) for event in task["events"]]


for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))))
