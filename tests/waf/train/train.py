#!/usr/bin/env python3
"""`make train-waf`: trains the learned score of the gateway and writes the model and its report.

  train.py --rows PATH-OF-score-rows --data FOLDER [--model FILE] [--report FILE]

With GARRISON_FIGURES set, figures/waf-score.json is written there too.

Values come from the corpora beside the repository and from generators of our own (benign.py, attacks.py); their rows from
`score-rows`, the code that also runs in the gateway. Sources are never split: what is measured was made by a source the
model has not seen. The tests of CRS and the documents of Debian's packages are never trained on at all."""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys

import lightgbm
import numpy

import attacks
import benign
import corpora
from report import figures, write_report
from sample import Sample

TREES = 160
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 28,
    "max_depth": 9,
    "learning_rate": 0.1,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 8.0,
    "path_smooth": 4.0,
    "max_bin": 63,
    "monotone_constraints_method": "basic",
    "verbose": -1,
    "seed": 11,
    "deterministic": True,
    "num_threads": 1,
}
# More of these never makes a value less of an attack.
RISING = (
    "rule_ rules sql_raw sql_bare sql_single sql_double sql_tautologies sql_unions sql_conditions sql_stacked sql_selects "
    "sql_phrases sql_kind_85 sql_kind_88 html_script html_handlers html_schemes word_sql word_command word_script word_php "
    "word_java word_template word_file word_operator word_directory word_xml mixed_case pair_comment pair_dots pair_dot "
    "pair_less pair_dollar pair_braces pair_percent_brace pair_ats ends_in_comment dipping_parens disguised nuls"
)
RISING = tuple(RISING.split())
DISGUISED = 8000  # Attacks of corpora that are added once more, disguised.
WITHOUT_RULES = 0.3  # Share of rows whose rules are taken away: the model must stand on both legs.
SHARES = {"sqli": 0.45, "xss": 0.2, "rce": 0.15, "path-traversal": 0.1, "other": 0.1}  # Of the weight of attacks.
BENIGN_WEIGHT = 2.0  # Of all benign rows together; attacks weigh 1.
# Folds: what is left out together. `made/…` groups are single generators; attacks made stay in training.
FOLDS = {
    "httpparams": ["httpparams"],
    "libinjection, made/prose, made/search, made/listing": ["libinjection", "made/prose", "made/search", "made/listing"],
    "gotestwaf, python-library, made/little": ["gotestwaf", "python-library", "made/little"],
    "made/html, made/json_text, made/url, made/xml_text": ["made/html", "made/json_text", "made/url", "made/xml_text"],
}


class Rows:
    """Rows of samples; a plain sample has none."""

    def __init__(self, samples, program):
        self.samples = samples
        self.names = subprocess.run([program, "--names"], check=True, capture_output=True, text=True).stdout.split()
        lines = "\n".join(sample.value.hex() for sample in samples) + "\n"
        made = subprocess.run([program], input=lines.encode(), check=True, stdout=subprocess.PIPE).stdout
        form = numpy.dtype([("sample", "<u4"), ("inbound", "<f4"), ("row", "<f4", (len(self.names),))])
        table = numpy.frombuffer(made, form)
        self.inbound = numpy.zeros(len(samples))
        self.inbound[table["sample"]] = table["inbound"]
        table = table[~numpy.isnan(table["row"][:, 0])]
        self.owner, self.table = table["sample"].astype(int), table["row"].astype(numpy.float64)
        self.attack = numpy.array([sample.attack for sample in samples])
        self.groups = numpy.array([corpora.group(sample.source) for sample in samples])
        self.kinds = numpy.array([sample.kind for sample in samples])
        self.apart = numpy.isin(self.groups, corpora.APART)

    def scores(self, model, chosen):
        """The highest raw score of each chosen sample's rows; -inf for plain ones."""
        scores = numpy.full(len(self.samples), -numpy.inf)
        rows = numpy.flatnonzero(chosen[self.owner])
        if len(rows):
            numpy.maximum.at(scores, self.owner[rows], model.predict(self.table[rows], raw_score=True))
        return scores[chosen]


def weights(rows, owners):
    """Every (group, kind) counts by the root of its size, so that no corpus drowns the others; then kinds and sides."""
    keys = [f"{group} {kind}" for group, kind in zip(rows.groups[owners], rows.kinds[owners])]
    _, index, counts = numpy.unique(keys, return_inverse=True, return_counts=True)
    weight = 1 / numpy.sqrt(counts[index])
    attack = rows.attack[owners]
    for kind, part in SHARES.items():
        chosen = rows.kinds[owners] == kind
        weight[chosen] *= part / weight[chosen].sum()
    weight[~attack] *= BENIGN_WEIGHT / weight[~attack].sum()
    return weight * len(owners)


def fit(rows, chosen):
    """A model of the chosen samples."""
    chance = numpy.random.default_rng(17)
    pieces = numpy.bincount(rows.owner, minlength=len(rows.samples))
    # Of a padded attack most pieces are padding.
    usable = chosen & ~(rows.attack & (pieces > 1))
    picked = numpy.flatnonzero(usable[rows.owner])
    table, owners = rows.table[picked].copy(), rows.owner[picked]
    ruled = [index for index, name in enumerate(rows.names) if name.startswith("rule")]
    silent = chance.random(len(picked)) < WITHOUT_RULES
    table[numpy.ix_(silent, ruled)] = 0
    rising = [int(name.startswith(RISING)) for name in rows.names]
    data = lightgbm.Dataset(table, rows.attack[owners].astype(int), weight=weights(rows, owners), feature_name=rows.names)
    return lightgbm.train(PARAMETERS | {"monotone_constraints": rising}, data, TREES)


def left_out(rows):
    """For each fold, the raw scores of what was left out, by a model of all the rest."""
    results = {}
    for fold, groups in FOLDS.items():
        held = numpy.isin(rows.groups, groups)
        model = fit(rows, ~held & ~rows.apart)
        # The disguised copies of attacks are training data only.
        measured = held & numpy.array([not getattr(sample, "copy", False) for sample in rows.samples])
        results[fold] = (numpy.flatnonzero(measured), rows.scores(model, measured))
        print(f"left out: {fold}: {measured.sum()} samples", file=sys.stderr)
    return results


def calibrate(rows, results):
    """Slope and offset that make raw scores of left-out samples probabilities (Platt), and the bands."""
    index = numpy.concatenate([index for index, _ in results.values()])
    raw = numpy.concatenate([raw for _, raw in results.values()])
    attack = rows.attack[index]
    seen = numpy.isfinite(raw)
    x, y = raw[seen], attack[seen].astype(float)
    weight = numpy.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    slope, offset = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + numpy.exp(-(slope * x + offset)))
        gradient = numpy.array([(weight * (p - y) * x).sum(), (weight * (p - y)).sum()])
        curve = weight * p * (1 - p) + 1e-12
        hessian = numpy.array([[(curve * x * x).sum(), (curve * x).sum()], [(curve * x).sum(), curve.sum()]])
        step = numpy.linalg.solve(hessian + 1e-9 * numpy.eye(2), gradient)
        slope, offset = slope - step[0], offset - step[1]
    attack_raw = raw[attack]
    # Of each fold's benign values one in a thousand may be above. Folds of whole families of text unseen are harder than
    # any site; the lower of the two in the middle counts.
    folds = [raw[~rows.attack[index]] for index, raw in results.values()]
    raise_at = statistics.median_low(float(numpy.quantile(benign, 0.999, method="higher")) for benign in folds)
    lower_at = min(numpy.quantile(attack_raw[numpy.isfinite(attack_raw)], 0.002), raise_at - 1)
    probability = lambda value: 1 / (1 + numpy.exp(-(slope * value + offset)))
    return (slope, offset), (probability(lower_at), probability(raise_at)), (lower_at, raise_at)


def written(model, calibration, bands):
    """The model as text, without what evaluation does not need, and with numbers no longer than they must be."""
    kept = "num_class max_feature_idx objective feature_names num_leaves num_cat split_feature decision_type left_child right_child".split()
    lines = ["tree", f"garrison_calibration={calibration[0]:.6g} {calibration[1]:.6g}", f"garrison_bands={bands[0]:.6g} {bands[1]:.6g}"]
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


def samples(data):
    """Everything, with copies of attacks of corpora in disguise (`copy`: never measured)."""
    chance = random.Random(23)
    real = list(corpora.all_corpora(data))
    if not any(sample.source == "httpparams" for sample in real):
        raise SystemExit(f"train-waf: the corpora are not in {data}")
    every = [*real, *benign.all_benign(chance), *attacks.all_attacks(chance)]
    candidates = [sample for sample in real if sample.attack and sample.source not in corpora.APART]
    for sample in chance.sample(candidates, min(DISGUISED, len(candidates))):
        copy = attacks.disguised_sample(chance, sample)
        object.__setattr__(copy, "copy", True)
        every.append(copy)
    return every


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    rows = Rows(samples(options.data), options.rows)
    results = left_out(rows)
    calibration, bands, thresholds = calibrate(rows, results)
    model = fit(rows, ~rows.apart)
    text = written(model, calibration, bands)
    apart = (numpy.flatnonzero(rows.apart), rows.scores(model, rows.apart))
    if options.model:
        options.model.write_text(text)
    report = write_report(rows, results, apart, model, calibration, bands, thresholds, len(text))
    if options.report:
        options.report.write_text(report)
    if folder := os.environ.get("GARRISON_FIGURES"):
        path = pathlib.Path(folder) / "waf-score.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures(rows, results, thresholds), indent=1))
    print(report)


if __name__ == "__main__":
    main()
