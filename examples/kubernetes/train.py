"""Fits a forest on real tumors, and measures it on some that it has not seen.

Breast cancer Wisconsin (diagnostic): 569 tumors, 30 measurements of cell nuclei
each. It comes inside scikit-learn, so that nothing has to be fetched. The model
answers 1 for benign and 0 for malignant, as the data does.
"""

import json
import os

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import train_test_split

table = load_breast_cancer(as_frame=True).frame
known, unseen = train_test_split(table, test_size=0.25, random_state=7, stratify=table["target"])

model = RandomForestClassifier(n_estimators=int(os.environ["TREES"]), random_state=7)
model.fit(known.drop(columns="target").to_numpy(), known["target"].to_numpy())

answers = model.predict(unseen.drop(columns="target").to_numpy())
metrics = {
    "accuracy": accuracy_score(unseen["target"], answers),
    "malignant_recall": recall_score(unseen["target"], answers, pos_label=0),
}

# Where the outputs go: MLOPS_OUTPUT_ and the name, which is a file's.
joblib.dump(model, os.environ["MLOPS_OUTPUT_MODEL"])
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w") as file:
    json.dump(metrics, file)
