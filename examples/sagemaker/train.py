"""Fits a forest on real tumors, and measures it on some that it has not seen.

Breast cancer Wisconsin (diagnostic): 569 tumors, 30 measurements of cell nuclei
each. It comes inside scikit-learn, so that nothing has to be fetched. The model
answers 1 for benign and 0 for malignant, as the data does.

The machine may be taken away at any time. What has grown until then is saved, and
the next machine goes on from there; the forest is the same as if it had grown at once.
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

trees = int(os.environ["TREES"])
saved = os.path.join(os.environ["MLOPS_CHECKPOINTS"], "forest.joblib")
if os.path.exists(saved):
    model = joblib.load(saved)
else:
    model = RandomForestClassifier(n_estimators=0, warm_start=True, random_state=7)
while model.n_estimators < trees:
    model.n_estimators = min(model.n_estimators + 25, trees)
    model.fit(known.drop(columns="target").to_numpy(), known["target"].to_numpy())
    joblib.dump(model, saved + ".part")
    os.replace(saved + ".part", saved)  # whole, or as it was

answers = model.predict(unseen.drop(columns="target").to_numpy())
metrics = {
    "accuracy": accuracy_score(unseen["target"], answers),
    "malignant_recall": recall_score(unseen["target"], answers, pos_label=0),
}

# What the model answers to data as it was then, to compare live traffic with.
unseen.assign(prediction=answers).to_csv(os.environ["MLOPS_OUTPUT_ANSWERED"], index=False)
joblib.dump(model, os.environ["MLOPS_OUTPUT_MODEL"])
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w", encoding="utf-8") as f:
    json.dump(metrics, f)
print(json.dumps(metrics))
