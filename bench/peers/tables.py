"""LightGBM on the rows, columns and folds of a file that `go run ./bench/gates behaviour --peers` writes: JSON of columns (name, category, values:
numbers or codes, null where missing), y, fold (by row) and settings (LightGBM's, by name). Prints a line of JSON: by name of settings the
area under the curve, the log-loss and the seconds of fitting, bins included, each by fold.
  python bench/peers/tables.py FILE [--threads 2]
"""
import argparse, json, time
import lightgbm as lgb, numpy as np
from sklearn.metrics import log_loss, roc_auc_score

ap = argparse.ArgumentParser()
ap.add_argument("file"); ap.add_argument("--threads", type=int, default=2)
a = ap.parse_args()
d = json.load(open(a.file))
x = np.column_stack([np.array(c["values"], dtype=np.float64) for c in d["columns"]])
y, fold = np.array(d["y"]), np.array(d["fold"])
categories = [i for i, c in enumerate(d["columns"]) if c["category"]]
out = {"version": lgb.__version__}
for name, settings in d["settings"].items():
    rows = {"auc": [], "logloss": [], "seconds": []}
    for f in sorted(set(fold)):
        train, test = fold != f, fold == f
        xt, yt, xv = np.ascontiguousarray(x[train]), y[train], np.ascontiguousarray(x[test])
        s = {"objective": "binary", "num_threads": a.threads, "verbose": -1, "deterministic": True, **settings}
        rounds = s.pop("num_trees")
        start = time.perf_counter()
        m = lgb.train(s, lgb.Dataset(xt, yt, categorical_feature=categories), rounds)
        rows["seconds"].append(time.perf_counter() - start)
        p = m.predict(xv, num_threads=a.threads)
        rows["auc"].append(roc_auc_score(y[test], p)); rows["logloss"].append(log_loss(y[test], p))
    out[name] = rows
print(json.dumps(out))
