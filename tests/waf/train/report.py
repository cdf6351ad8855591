"""The report on a training: what was learned from, what was left out, and what came of it."""

import collections

import numpy


def rate(part, whole):
    return f"{100 * part / whole:.2f} %" if whole else "–"


def fold_table(rows, results, threshold):
    """Detection of each kind of attack and false alarms of each benign source."""
    lines = ["| left out | source | kind | values | at or above `raise_at` |", "|---|---|---|---|---|"]
    for fold, (index, raw) in results.items():
        cells = collections.defaultdict(lambda: [0, 0])
        for sample, hit in zip(index, raw >= threshold):
            cell = cells[(rows.groups[sample], rows.kinds[sample])]
            cell[0] += 1
            cell[1] += int(hit)
        for (group, kind), (count, above) in sorted(cells.items()):
            lines.append(f"| {fold} | {group} | {kind} | {count} | {above} = {rate(above, count)} |")
    return lines


def together_table(rows, results, thresholds):
    """The rules of CRS at paranoia 1 (5 points block), the model, and both: a critical rule or the model blocks; with the
    model allowed to take 5 points off, a request of 5 points is let pass where it is sure."""
    lines = ["| left out | kind | values | rules | model | rules + model | rules + model, tuned site |", "|---|---|---|---|---|---|---|"]
    lower_at, raise_at = thresholds
    for fold, (index, raw) in results.items():
        inbound = rows.inbound[index]
        ruled, sure, clear = inbound >= 5, raw >= raise_at, raw <= lower_at
        columns = [ruled, sure, ruled | sure, numpy.where(clear, inbound - 5, inbound + 5 * sure) >= 5]
        for kind in sorted(set(rows.kinds[index])):
            chosen = rows.kinds[index] == kind
            if chosen.any():
                cells = [f"{100 * column[chosen].mean():.2f} %" for column in columns]
                lines.append(f"| {fold} | {kind} | {int(chosen.sum())} | " + " | ".join(cells) + " |")
    return lines


def curve_table(rows, results):
    """For each fold with SQL injection in it: detection at false-alarm rates measured on the benign values left out with it."""
    lines = ["| left out | SQL injections | benign | at 0.05 % | at 0.1 % | at 0.5 % | at 1 % false alarms |", "|---|---|---|---|---|---|---|"]
    for fold, (index, raw) in results.items():
        attacks, benign = raw[rows.kinds[index] == "sqli"], raw[~rows.attack[index]]
        if len(attacks) and len(benign) > 1000:
            cells = [rate(int((attacks > numpy.quantile(benign, 1 - at, method="higher")).sum()), len(attacks)) for at in (0.0005, 0.001, 0.005, 0.01)]
            lines.append(f"| {fold} | {len(attacks)} | {len(benign)} | " + " | ".join(cells) + " |")
    return lines


def figures(rows, results, thresholds):
    """Rows of figures in the design's shape, of what was left out."""
    made = []
    for fold, (index, raw) in results.items():
        attacks, benign = raw[rows.kinds[index] == "sqli"], raw[~rows.attack[index]]
        ruled = rows.inbound[index][rows.kinds[index] == "sqli"] >= 5
        if len(attacks) < 100 or len(benign) < 1000:
            continue
        at = numpy.quantile(benign, 0.999, method="higher")
        ours, peer = 100 * float((attacks > at).mean()), 100 * float(ruled.mean())
        name = "-".join(fold.replace(",", "").split()).replace("/", "-")
        made.append({
            "id": f"E1.score-sqli-{name}",
            "what": "SQL injections that the learned score finds at 0.1 % false alarms, on sources left out of training",
            "ours": round(ours, 3), "unit": "%", "peer": round(peer, 3), "peer_name": "OWASP CRS 3.3.4 at paranoia level 1, our engine",
            "ratio": round(ours / peer, 4) if peer else None, "goal": ">= 99.5", "met": ours >= 99.5, "runs": 1, "spread": [round(ours, 3)] * 2,
            "data": f"left out together: {fold}; {len(attacks)} injections, {len(benign)} benign values",
        })
    return made


def write_report(rows, results, apart, model, calibration, bands, thresholds, size):
    counts = collections.Counter(zip(rows.groups, rows.kinds))
    plain = numpy.bincount(rows.owner, minlength=len(rows.samples)) == 0
    gain = sorted(zip(model.feature_importance("gain"), rows.names), reverse=True)
    total = sum(value for value, _ in gain)
    lines = [
        "# Learned score of the gateway: training report",
        "",
        "Written by `make train-waf`. Sources are never split: each figure is of values whose source the model of that row has",
        "not seen. `made/…` are generators of our own (`tests/waf/train/benign.py`, `attacks.py`); `python-library` is text and",
        "code of the library of the Python that trained; `debian-documents` are paragraphs and addresses of the documents that",
        "Debian's packages install.",
        "",
        f"{model.num_trees()} trees, {size} bytes; calibration {calibration[0]:.4g}, {calibration[1]:.4g}; bands: lower_at {bands[0]:.4g}, raise_at {bands[1]:.4g}",
        f"(raise_at: one benign value in a thousand of the lower middle fold is above it; lower_at: two left-out attacks in a thousand are below).",
        "",
        "## SQL injection, left out",
        *curve_table(rows, results),
        "",
        "## Rules and model together, left out",
        *together_table(rows, results, thresholds),
        "",
        "## Each source left out, at `raise_at`",
        *fold_table(rows, results, thresholds[1]),
        "",
        "## Never trained on, by the model that is shipped",
        "The tests of CRS are mostly scraps that one rule is to see (`substr(`), seldom attacks that would do harm.",
        "",
        *together_table(rows, {"crs-tests, debian-documents": apart}, thresholds),
        "",
        *fold_table(rows, {"–": apart}, thresholds[1]),
        "",
        "## What was learned from",
        "| source | kind | values | of these plain: never put before the trees |",
        "|---|---|---|---|",
        *(f"| {group} | {kind} | {count} | {int(plain[(rows.groups == group) & (rows.kinds == kind)].sum())} |" for (group, kind), count in sorted(counts.items()) if not rows.apart[rows.groups == group].any()),
        "",
        "## Features by gain",
        ", ".join(f"{name} {100 * value / total:.1f} %" for value, name in gain[:40]),
        "",
    ]
    return "\n".join(lines)
