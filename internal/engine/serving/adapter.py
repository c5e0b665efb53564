"""Serves one model with KServe's model server.

The environment says which: MODEL_PATH (a file, or a directory that holds it),
MODEL_FORMAT, MODEL_NAME and PORT. Only this machine can connect.
"""

import logging
import os
import pathlib
import socket
import sys
import warnings

import numpy as np
import pandas as pd
from kserve import Model, ModelServer
from kserve.errors import InvalidInput
from kserve.protocol.rest.server import RESTServer
from kserve.utils.utils import get_predict_input, get_predict_response

SUFFIXES = {
    "sklearn": (".joblib", ".pkl", ".pickle"),
    "xgboost": (".json", ".ubj", ".bst", ".joblib", ".pkl", ".pickle"),
    "onnx": (".onnx",),
}


def model_file(path, format):
    """Returns the model's file: the path itself, or the only candidate in it."""
    if path.is_file():
        return path
    found = [p for p in sorted(path.rglob("*")) if p.suffix in SUFFIXES[format]]
    if len(found) != 1:
        names = ", ".join(str(p.relative_to(path)) for p in found) or "none"
        sys.exit(
            f"{path} must hold exactly one file of {', '.join(SUFFIXES[format])}"
            f" for format {format!r}; found {names}"
        )
    return found[0]


def is_pickle(path):
    """Reports whether a file is to be unpickled, by its name or its beginning."""
    if path.suffix in (".joblib", ".pkl", ".pickle"):
        return True
    with path.open("rb") as f:
        return f.read(1) == b"\x80"


def unpickle(path):
    import joblib

    try:
        model = joblib.load(path)
    except (ImportError, AttributeError) as e:
        sys.exit(
            f"the model was saved with packages that are not here or differ: {e};"
            " name them in the model version's packages"
        )
    if not hasattr(model, "predict"):
        sys.exit(f"the object in {path.name} is a {type(model).__name__}, which has no predict")
    return model


def load_sklearn(path):
    return unpickle(model_file(path, "sklearn")).predict


def load_xgboost(path):
    import xgboost

    file = model_file(path, "xgboost")
    model = unpickle(file) if is_pickle(file) else xgboost.Booster(model_file=str(file))
    if isinstance(model, xgboost.Booster):
        return lambda rows: model.predict(xgboost.DMatrix(rows))
    return model.predict


def load_mlflow(path):
    import mlflow.pyfunc

    if not (path / "MLmodel").is_file():
        sys.exit(f"{path} is no MLflow model: it has no file MLmodel")
    return mlflow.pyfunc.load_model(str(path)).predict


ONNX_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


def load_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(model_file(path, "onnx")), providers=onnxruntime.get_available_providers()
    )
    inputs = session.get_inputs()
    if len(inputs) != 1:
        sys.exit(f"the model has {len(inputs)} inputs; one can be served")
    name, output = inputs[0].name, session.get_outputs()[0].name
    dtype = ONNX_TYPES.get(inputs[0].type)
    return lambda rows: session.run([output], {name: np.asarray(rows, dtype)})[0]


LOADERS = {
    "sklearn": load_sklearn,
    "xgboost": load_xgboost,
    "mlflow": load_mlflow,
    "onnx": load_onnx,
}


class Adapter(Model):
    """A model whose predict takes rows and returns one result for each."""

    def __init__(self, name, predict):
        super().__init__(name)
        self._predict = predict
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        rows = self._rows(payload)
        try:
            result = self._predict(rows)
        except (ValueError, TypeError) as e:
            raise InvalidInput(f"the model refuses the input: {e}") from e
        if isinstance(result, pd.Series):
            result = result.to_numpy()
        if isinstance(result, np.ndarray) and result.dtype.kind in "OSU":
            result = result.tolist()  # class names, which have no tensor type
        return get_predict_response(payload, result, self.name)

    @staticmethod
    def _rows(payload):
        if isinstance(payload, bytes):
            raise InvalidInput("the content type must be application/json")
        try:
            if isinstance(payload, dict):
                instances = payload.get("instances", payload.get("inputs"))
                if instances and isinstance(instances[0], dict):
                    return pd.DataFrame(instances)
            return get_predict_input(payload)
        except (KeyError, IndexError, ValueError, TypeError) as e:
            raise InvalidInput(f"the input cannot be read: {e}") from e


def explain_versions():
    """Says on one line what scikit-learn thinks of a model of another version."""

    def show(message, category, filename, lineno, file=None, line=None):
        print(f"{category.__name__}: {message}", file=sys.stderr)

    warnings.showwarning = show


def listen(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as e:
        sys.exit(f"port {port} cannot be used: {e}")
    return listener


def main():
    explain_versions()
    path = pathlib.Path(os.environ["MODEL_PATH"])
    listener = listen(int(os.environ["PORT"]))
    predict = LOADERS[os.environ["MODEL_FORMAT"]](path)
    server = ModelServer(enable_grpc=False, workers=1)
    server.enable_latency_logging = False
    server.register_model(Adapter(os.environ["MODEL_NAME"], predict))
    # Lines for each request would fill the disk; the gateway counts them.
    for chatty in ("uvicorn.access", "kserve.trace"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    RESTServer(
        "kserve.model_server:app",
        server.dataplane,
        server.model_repository_extension,
        http_port=int(os.environ["PORT"]),
    ).run([listener])


if __name__ == "__main__":
    main()
