#!/usr/bin/env python3
"""`make train-ddos`: trains the model that judges windows of traffic, and writes it and its report.

  train.py --rows PATH-OF-ddos-rows [--model FILE] [--report FILE]

With GARRISON_FIGURES set, figures/ddos-model.json is written there too.

Rows come from `ddos-rows`, the code that also runs in the scrubber. Families of floods and styles of users are never
split: what is measured was made by a family (and beside users of a style) that the model has not seen. Floods of hping3 and
trafgen, ordinary programs and AdDDoSDN are never trained on at all."""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys

import lightgbm
import numpy

TREES = 100
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 15,
    "max_depth": 5,
    "learning_rate": 0.1,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 8.0,
    "path_smooth": 4.0,
    "max_bin": 63,
    "verbose": -1,
    "seed": 11,
    "deterministic": True,
    "num_threads": 1,
}
SEED, EACH, ALONE = 1, 10, 50
# What is left out together: a family of floods, styles of users.
FOLDS = {
    "script": ["web", "voice", "api", "tunnel", "nameserver", "http3"],
    "botnet": ["resolver", "game", "beacon", "stream", "dns-tcp", "roadwarrior"],
    "blaster": ["crowd", "quic", "upload", "mail", "proxied"],
    "kit": ["chat", "sensors", "backup", "meeting"],
}
FALSE = 0.001  # Share of left-out windows of users that may be above `raise_at`, in every fold.
META = 9  # Columns before the features.


class Table:
    """Rows of one kind of session."""

    def __init__(self, program, *arguments):
        made = subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
        lines = list(csv.reader(made.splitlines()))
        self.names = lines[0][META:]
        lines = lines[1:]
        column = lambda at: numpy.array([line[at] for line in lines])
        self.source, self.style, self.kind, self.session = (column(at) for at in range(4))
        self.sixth, self.attack, self.packets, self.rules, self.named = (column(at).astype(int) for at in range(4, META))
        self.rows = numpy.array([[float(word) for word in line[META:]] for line in lines]).reshape(len(lines), len(self.names))

    def __len__(self):
        return len(self.attack)


def of(table, styles):
    """Windows with users of any of the styles among them, and those whose users are of one first of all."""
    among = numpy.array([any(part in styles for part in style.split("+")) for style in table.style])
    first = numpy.array([style.split("+")[0] in styles for style in table.style])
    return among, first


def fit(table, chosen):
    """A model of the chosen rows; classes of a family, and styles, weigh alike."""
    keys = [f"{a} {s} {k} {'' if a else t.split('+')[0]}" for a, s, k, t in zip(*(part[chosen] for part in (table.attack, table.source, table.kind, table.style)))]
    _, index, counts = numpy.unique(keys, return_inverse=True, return_counts=True)
    weight = 1 / counts[index]
    attack = table.attack[chosen]
    for side in (0, 1):
        weight[attack == side] *= len(weight) / 2 / weight[attack == side].sum()
    data = lightgbm.Dataset(table.rows[chosen], attack, weight=weight, feature_name=table.names)
    return lightgbm.train(PARAMETERS, data, TREES)


def left_out(table):
    """Scores of every window by a model that saw neither its family nor its users' style; not-a-number where none did."""
    scores = numpy.full(len(table), numpy.nan)
    for family, styles in FOLDS.items():
        among, first = of(table, styles)
        held = (table.source == family) | among
        model = fit(table, ~held)
        measured = numpy.where(table.attack == 1, table.source == family, first & (table.source == "users"))
        scores[measured] = model.predict(table.rows[measured])
        print(f"left out: {family}, {', '.join(styles)}: {measured.sum()} windows", file=sys.stderr)
    return scores


def bands(table, scores):
    """Where the bands begin, by left-out windows."""
    folds = [scores[(table.attack == 0) & of(table, styles)[1] & ~numpy.isnan(scores)] for styles in FOLDS.values()]
    quantiles = [float(numpy.quantile(users, 1 - FALSE, method="higher")) for users in folds]
    print(f"one in a thousand, by fold: {quantiles}", file=sys.stderr)
    attack = scores[(table.attack == 1) & ~numpy.isnan(scores)]
    raise_at = max(*quantiles, 0.5)
    return min(float(numpy.quantile(attack, 0.005)), raise_at, 0.1), raise_at


def written(model, bands):
    """The model as text, without what evaluation does not need, and with numbers no longer than they must be."""
    kept = "num_class max_feature_idx objective feature_names num_leaves num_cat split_feature decision_type left_child right_child".split()
    lines = ["tree", f"garrison_bands={bands[0]:.6g} {bands[1]:.6g}"]
    for line in model.model_to_string().splitlines():
        key, _, value = line.partition("=")
        if key in kept:
            lines.append(line)
        elif key == "Tree":
            lines += ["", line]
        elif key == "threshold":
            lines.append("threshold=" + " ".join(short_threshold(float(word)) for word in value.split()))
        elif key == "leaf_value":
            lines.append("leaf_value=" + " ".join(f"{float(word):.5g}" for word in value.split()))
        elif line == "end of trees":
            return "\n".join([*lines, "", line]) + "\n"
    raise ValueError("no end of trees")


def short_threshold(value):
    """The shortest decimal that no 32-bit float can tell from the threshold."""

    def down(number):
        near = numpy.float32(number)
        return near if float(near) <= number else numpy.nextafter(near, numpy.float32(-numpy.inf))

    for digits in range(1, 18):
        text = f"{value:.{digits}g}"
        if down(float(text)) == down(value):
            return text
    return repr(value)


def percent(part, whole):
    return "–" if whole == 0 else f"{part} / {whole} = {100 * part / whole:.1f} %"


def section(title, what, table, above, groups):
    """A table of windows by group: what the rules see, the model, both, and how often the rules name the class."""
    lines = [f"\n## {title}\n", what + "\n", "| windows of | rules | model | rules or model | class named by the rules |", "|---|---|---|---|---|"]
    for group in sorted(set(groups)):
        chosen = groups == group
        rules, model = table.rules[chosen] == 1, above[chosen]
        both, count = (rules | model).sum(), int(chosen.sum())
        named = percent(int(table.named[chosen].sum()), count) if table.attack[chosen].all() else ""
        lines.append(f"| {group} | {percent(int(rules.sum()), count)} | {percent(int(model.sum()), count)} | {percent(int(both), count)} | {named} |")
    return lines


def figure(name, what, value, goal, met, data):
    return {
        "id": f"E3.{name}", "what": what, "ours": value, "unit": "share", "peer": None, "peer_name": "", "ratio": None, "goal": goal,
        "met": bool(met), "runs": 1, "spread": [value, value], "data": data,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    table = Table(options.rows, "made", str(SEED), str(EACH), str(ALONE))
    scores = left_out(table)
    lower_at, raise_at = bands(table, scores)
    model = fit(table, numpy.ones(len(table), bool))
    text = written(model, (lower_at, raise_at))
    if options.model:
        options.model.write_text(text)
    report = [
        "# Model of the scrubber: training report\n",
        "Written by `make train-ddos`. A window is a second of one destination. Families of floods and styles of users are",
        "generators of our own (`tests/ddos/src/attack.rs`, `kits.rs`, `benign.rs`, `styles.rs`); each figure is of windows whose family (of floods) or",
        "style (of users) the model of that figure has not seen. Rules judge each window as of a destination that nothing is",
        "known of, at the default floors. Floods have 1,500 to 15,000 packets a second, most of them among users.\n",
        f"{TREES} trees, {len(text)} bytes, {len(table)} rows; bands: lower_at {lower_at:.4g}, raise_at {raise_at:.4g}",
        "(raise_at: of the hardest fold one left-out window of users in a thousand is above; lower_at: one left-out window of floods in 200 is below, at most 0.1).",
    ]
    known, above = ~numpy.isnan(scores), scores >= raise_at
    rows = []

    def part(title, what, source, above):
        nonlocal report
        attack = source.attack == 1
        kinds = numpy.array([f"{kind}, {made}" for kind, made in zip(source.kind, source.source)])
        pick = lambda chosen: type("Part", (), {name: getattr(source, name)[chosen] for name in ("attack", "rules", "named")})
        if attack.any():
            report += section(f"Floods: {title}", what, pick(attack), above[attack], kinds[attack])
        if (~attack).any():
            names = numpy.array([style.split("+")[0] or made for style, made in zip(source.style, source.source)])
            report += section(f"Users: {title}", what, pick(~attack), above[~attack], names[~attack])

    def rates(name, source, above, data):
        attack, users = source.attack == 1, source.attack == 0
        both = above | (source.rules == 1)
        if attack.any():
            recall = round(float(both[attack].mean()), 4)
            rows.append(figure(f"recall.{name}", f"floods seen by rules or model, windows, {name}", recall, ">= 0.95", recall >= 0.95, data))
        if users.any():
            false = round(float(both[users].mean()), 5)
            rows.append(figure(f"false.{name}", f"users taken for a flood by rules or model, windows, {name}", false, "<= 0.005", false <= 0.005, data))

    chosen = type("Part", (), {name: getattr(table, name)[known] for name in ("attack", "rules", "named", "kind", "source", "style")})
    part("left out, by family and style", "Family and style left out whole.", chosen, above[known])
    for family in FOLDS:
        mine = known & (table.source == family) & (table.attack == 1)
        one = type("Part", (), {name: getattr(table, name)[mine] for name in ("attack", "rules", "named")})
        rates(f"family-{family}", one, above[mine], f"windows of family {family}, never trained on; users' styles of its fold left out too")
    mine = known & (table.attack == 0)
    rates("styles-left-out", type("Part", (), {name: getattr(table, name)[mine] for name in ("attack", "rules")}), above[mine], "windows of users, style never trained on")
    for name, arguments, what in [
        ("programs", ["recorded", str(SEED)], "Recorded from hping3, trafgen, iperf3, curl in a network namespace; never trained on. Floods alone and among users of our styles."),
        ("adddosdn", ["adddosdn"], "AdDDoSDN, windows of ten seconds (its floods have 2 to 100 packets a second; the floors of the rules stand at a fiftieth; the model speaks from 24 samples a window on). Never trained on."),
    ]:
        other = Table(options.rows, *arguments)
        if len(other) == 0:
            report += [f"\n## {name}: not measured: the recordings could not be made or found here\n"]
            continue
        scored = model.predict(other.rows)
        enough = ~numpy.isnan(other.rows[:, other.names.index("source_entropy")])
        part(name, what, other, (scored >= raise_at) & enough)
        if name == "programs":
            for program in ("hping3", "trafgen"):
                mine = (other.source == program) & (other.attack == 1)
                rates(f"program-{program}", type("Part", (), {key: getattr(other, key)[mine] for key in ("attack", "rules")}), (scored >= raise_at)[mine], f"floods of {program}, never trained on")
        mine = other.attack == 0
        rates(f"users-{name}", type("Part", (), {key: getattr(other, key)[mine] for key in ("attack", "rules")}), ((scored >= raise_at) & enough)[mine], what)
    report += ["\n## Left-out windows by version of IP\n", "| windows of | floods seen by rules or model | users taken for a flood |", "|---|---|---|"]
    for version, sixth in (("IPv4", 0), ("IPv6", 1)):
        mine, both = known & (table.sixth == sixth), above | (table.rules == 1)
        cells = [percent(int(both[side].sum()), int(side.sum())) for side in (mine & (table.attack == 1), mine & (table.attack == 0))]
        report.append(f"| {version} | {cells[0]} | {cells[1]} |")
    top = sorted(zip(model.feature_importance("gain"), table.names), reverse=True)[:12]
    report += ["\n## Features by gain\n", ", ".join(f"{name} {gain:.0f}" for gain, name in top), ""]
    report = "\n".join(report)
    if options.report:
        options.report.write_text(report)
    if folder := os.environ.get("GARRISON_FIGURES"):
        path = pathlib.Path(folder) / "ddos-model.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=1))
    print(report)


if __name__ == "__main__":
    main()
