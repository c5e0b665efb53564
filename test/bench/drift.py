"""What people write to look for drift: pandas for the table, SciPy for the
statistics. Reads two files of blocks, as drift_data.go writes them, and prints
the statistics of each feature as JSON."""

import json
import sys
import time

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import distance

FEATURES, CATEGORICAL, ROWS = 50, 10, 10_000


def table(path):
    blocks = np.fromfile(path, dtype="<f8").reshape(-1, FEATURES, ROWS)
    columns = {}
    for i in range(FEATURES):
        values = blocks[:, i, :].ravel()
        if i >= FEATURES - CATEGORICAL:
            values = pd.Categorical.from_codes(values.astype(np.int8), [f"category-{c:02d}" for c in range(20)])
        columns[f"f{i}"] = values
    return pd.DataFrame(columns)


def psi(base, now):
    p, q = (base + 0.5) / (base.sum() + len(base) / 2), (now + 0.5) / (now.sum() + len(base) / 2)
    return ((q - p) * np.log(q / p)).sum()


def judge(base, now):
    if isinstance(base.dtype, pd.CategoricalDtype):
        counts = [x.value_counts(sort=False).to_numpy() for x in (base, now)]
        return {"psi": psi(*counts), "js": distance.jensenshannon(*counts, base=2)}
    edges = base.quantile(np.arange(1, 10) / 10).to_numpy()
    counts = [np.bincount(np.searchsorted(edges, x), minlength=10) for x in (base, now)]
    return {
        "psi": psi(*counts),
        "js": distance.jensenshannon(*counts, base=2),
        "ks": stats.ks_2samp(base, now, method="asymp").statistic,
        "wasserstein": stats.wasserstein_distance(base, now) / base.std(),
    }


began = time.process_time()
baseline, window = table(sys.argv[1]), table(sys.argv[2])
statistics = {name: judge(baseline[name], window[name]) for name in baseline}
json.dump({"seconds": time.process_time() - began, "statistics": statistics}, sys.stdout, default=float)
