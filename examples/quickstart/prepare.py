"""Splits the data into a part to learn from and a part to be tested on.

Breast cancer Wisconsin (diagnostic): 569 tumors, 30 measurements of cell nuclei
each. It comes inside scikit-learn, so that nothing has to be fetched.
"""

import os

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

table = load_breast_cancer(as_frame=True).frame
train, test = train_test_split(table, test_size=0.25, random_state=7, stratify=table["target"])
train.to_csv(os.environ["MLOPS_OUTPUT_TRAIN"], index=False)
test.to_csv(os.environ["MLOPS_OUTPUT_TEST"], index=False)
print(f"{len(train)} tumors to learn from, {len(test)} to be tested on")
