#!/usr/bin/env python3
"""Prints a prediction request with the features of a CSV file, each times a factor.

The columns target and prediction are no features.
"""

import csv
import json
import sys

factor, path = float(sys.argv[1]), sys.argv[2]
with open(path, newline="", encoding="utf-8") as f:
    rows = [
        [float(v) * factor for name, v in row.items() if name not in ("target", "prediction")]
        for row in csv.DictReader(f)
    ]
json.dump({"instances": rows}, sys.stdout)
