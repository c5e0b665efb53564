"""Splits real wines in those to learn from and those to be measured by.

178 wines of three kinds of grapes, 13 measurements each. They come inside scikit-learn, so
that nothing has to be fetched.
"""

import os

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

table = load_wine(as_frame=True).frame
known, unseen = train_test_split(table, test_size=0.25, random_state=7, stratify=table["target"])

# Where the outputs go: MLOPS_OUTPUT_ and the name, which is a file's.
known.to_csv(os.environ["MLOPS_OUTPUT_KNOWN"], index=False)
unseen.to_csv(os.environ["MLOPS_OUTPUT_UNSEEN"], index=False)
