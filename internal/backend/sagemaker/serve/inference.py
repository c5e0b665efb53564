"""Answers requests in SageMaker's scikit-learn and XGBoost containers.

The environment says what is served: MODEL_PATH, a file or a directory that holds
it, and MODEL_FORMAT. Requests are {"instances": [...]} and are answered with
{"predictions": [...]}, or are those of the Open Inference Protocol.
"""

import json
import os
import pathlib

import numpy as np

JSON = "application/json"

SUFFIXES = {
    "sklearn": (".joblib", ".pkl", ".pickle"),
    "xgboost": (".json", ".ubj", ".bst", ".joblib", ".pkl", ".pickle"),
    "onnx": (".onnx",),
}

# Types of the Open Inference Protocol, and NumPy's.
TYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
NAMES = {np.dtype(numpy): name for name, numpy in TYPES.items()}

ONNX_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


def model_file(path, format):
    """Returns the model's file: the path itself, or the only candidate in it."""
    if path.is_file():
        return path
    found = [p for p in sorted(path.rglob("*")) if p.suffix in SUFFIXES[format]]
    if len(found) != 1:
        names = ", ".join(str(p.relative_to(path)) for p in found) or "none"
        raise RuntimeError(
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
        raise RuntimeError(
            f"the model was saved with packages that are not here or differ: {e};"
            " name them in the model version's packages"
        ) from e
    if not hasattr(model, "predict"):
        kind = type(model).__name__
        raise RuntimeError(f"the object in {path.name} is a {kind}, which has no predict")
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
        raise RuntimeError(f"{path} is no MLflow model: it has no file MLmodel")
    return mlflow.pyfunc.load_model(str(path)).predict


def load_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(model_file(path, "onnx")), providers=onnxruntime.get_available_providers()
    )
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise RuntimeError(f"the model has {len(inputs)} inputs; one can be served")
    name, output = inputs[0].name, session.get_outputs()[0].name
    dtype = ONNX_TYPES.get(inputs[0].type)
    return lambda rows: session.run([output], {name: np.asarray(rows, dtype)})[0]


LOADERS = {
    "sklearn": load_sklearn,
    "xgboost": load_xgboost,
    "mlflow": load_mlflow,
    "onnx": load_onnx,
}


def model_fn(model_dir):
    """Loads the model: a function from rows to one result for each."""
    path = pathlib.Path(os.environ.get("MODEL_PATH", model_dir))
    return LOADERS[os.environ["MODEL_FORMAT"]](path)


def table(columns):
    """Makes a table of tensors that are columns by their names."""
    import pandas as pd

    return pd.DataFrame({c["name"]: tensor(c).reshape(-1) for c in columns})


def tensor(one):
    kind = TYPES.get(one["datatype"], object)
    return np.asarray(one["data"], dtype=kind).reshape(one["shape"])


def rows_of(payload):
    if "instances" in payload:
        rows = payload["instances"]
        if rows and isinstance(rows[0], dict):
            import pandas as pd

            return pd.DataFrame(rows)
        return np.asarray(rows)
    inputs = payload["inputs"]
    return tensor(inputs[0]) if len(inputs) == 1 else table(inputs)


class Refusal:
    """A request that cannot be answered, and why. Both servers that SageMaker's
    containers have take an exception for a fault of the model."""

    def __init__(self, message):
        self.message = message

    def answer(self):
        import flask

        if flask.has_request_context():  # the container of scikit-learn
            body = json.dumps({"error": self.message})
            return flask.Response(body, status=400, mimetype=JSON)
        from sagemaker_inference.errors import BaseInferenceToolkitError  # of XGBoost

        raise BaseInferenceToolkitError(400, self.message, "Bad Request")


def input_fn(body, content_type):
    """Reads a request."""
    if content_type.split(";")[0].strip() != JSON:
        return Refusal(f"the content type must be {JSON}, not {content_type}")
    try:
        payload = json.loads(body)
        return payload, rows_of(payload)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as e:
        return Refusal(f"the input cannot be read: {e}")


def predict_fn(request, model):
    if isinstance(request, Refusal):
        return request
    payload, rows = request
    try:
        return payload, model(rows)
    except (ValueError, TypeError) as e:
        return Refusal(f"the model refuses the input: {e}")


def output_fn(answer, accept):
    """Writes an answer in the request's own protocol."""
    if isinstance(answer, Refusal):
        return answer.answer()
    payload, result = answer
    result = np.asarray(result)
    if "instances" in payload:
        return json.dumps({"predictions": result.tolist()}), JSON
    output = {
        "name": "output-0",
        "shape": list(result.shape),
        "datatype": NAMES.get(result.dtype, "BYTES"),
        "data": result.reshape(-1).tolist(),
    }
    reply = {"model_name": "model", "outputs": [output]}
    if "id" in payload:
        reply["id"] = payload["id"]
    return json.dumps(reply), JSON
