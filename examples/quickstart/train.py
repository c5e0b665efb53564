"""Fits a forest and measures it on tumors that it has not seen.

The model answers 1 for benign and 0 for malignant, as the data does.
"""

import json
import os

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score


def load(name):
    """Reads an input of this step as measurements and labels."""
    table = pd.read_csv(os.environ[f"MLOPS_INPUT_{name}"])
    return table.drop(columns="target").to_numpy(), table["target"].to_numpy()


features, labels = load("TRAIN")
model = RandomForestClassifier(n_estimators=int(os.environ["TREES"]), random_state=7)
model.fit(features, labels)

unseen, truth = load("TEST")
answers = model.predict(unseen)
metrics = {
    "accuracy": accuracy_score(truth, answers),
    "malignant_recall": recall_score(truth, answers, pos_label=0),
    "roc_auc": roc_auc_score(truth, model.predict_proba(unseen)[:, 1]),
    "tested_on": len(truth),
}

# What the model answers to data as it was then: live traffic is compared with it.
answered = pd.read_csv(os.environ["MLOPS_INPUT_TEST"])
answered["prediction"] = answers
answered.to_csv(os.environ["MLOPS_OUTPUT_ANSWERED"], index=False)

joblib.dump(model, os.environ["MLOPS_OUTPUT_MODEL"])
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w", encoding="utf-8") as f:
    json.dump(metrics, f)
print(json.dumps(metrics))
