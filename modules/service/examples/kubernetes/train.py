"""Fits a forest on the wines that are known, and measures it on the others."""

import json
import os

import joblib
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

known = pandas.read_csv(os.environ["MLOPS_INPUT_KNOWN"])
unseen = pandas.read_csv(os.environ["MLOPS_INPUT_UNSEEN"])

model = RandomForestClassifier(n_estimators=int(os.environ.get("TREES", "100")), random_state=7)
model.fit(known.drop(columns="target").to_numpy(), known["target"])
answers = model.predict(unseen.drop(columns="target").to_numpy())

joblib.dump(model, os.environ["MLOPS_OUTPUT_MODEL"])
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w", encoding="utf-8") as f:
    json.dump({"accuracy": accuracy_score(unseen["target"], answers)}, f)
