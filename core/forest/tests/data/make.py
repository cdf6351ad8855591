"""Makes the models and rows beside this file with LightGBM (4.7.0 made those kept): python3 make.py

Each model `NAME.model.txt` has `NAME.rows.txt`: a line a row, its features as 32-bit floats, `=`, and the prediction of
Python's lightgbm. The lines of a model that evaluation does not need are left out."""

import pathlib

import lightgbm
import numpy

HERE = pathlib.Path(__file__).parent
KEPT = (
    "tree num_class max_feature_idx objective feature_names Tree num_leaves num_cat split_feature threshold "
    "decision_type left_child right_child leaf_value is_linear"
).split()


def kept(text):
    for line in text.splitlines():
        if line.split("=")[0] in KEPT:
            yield line
        if line == "end of trees":
            yield line
            return


def main():
    chance = numpy.random.default_rng(7)
    table = chance.normal(size=(4000, 8)).astype(numpy.float32)
    table[:, 3] = numpy.round(table[:, 3] * 2)
    table[chance.random(4000) < 0.2, 3] = 0
    table[chance.random(4000) < 0.15, 1] = numpy.nan
    table[chance.random(4000) < 0.3, 5] = 0
    filled = numpy.nan_to_num(table[:, 1], nan=1.3)
    label = (table[:, 0] + filled * table[:, 2] > 0.3) | (table[:, 3] > 2) | ((table[:, 5] == 0) & (table[:, 6] > 0.5))
    common = {"num_leaves": 15, "verbose": -1, "seed": 1, "num_threads": 1, "deterministic": True}
    for name, more in (
        ("nan", {"objective": "binary"}),
        ("zero", {"objective": "binary", "zero_as_missing": True}),
        ("none", {"objective": "cross_entropy", "use_missing": False}),
        ("regression", {"objective": "regression"}),
    ):
        target = table[:, 0] * 3 + filled if name == "regression" else label.astype(int)
        data = lightgbm.Dataset(table.astype(float), target, params=common | more)
        model = lightgbm.train(common | more, data, 12)
        (HERE / f"{name}.model.txt").write_text("\n".join(kept(model.model_to_string())) + "\n")
        rows = table[chance.choice(4000, 150, replace=False)]
        lines = []
        for row, prediction in zip(rows, model.predict(rows.astype(float))):
            lines.append(" ".join(str(value) for value in row) + f" = {prediction!r}".replace("np.float64(", "").replace(")", ""))
        (HERE / f"{name}.rows.txt").write_text("\n".join(lines) + "\n")


main()
