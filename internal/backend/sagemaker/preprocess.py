"""Turns one captured request into the rows that SageMaker Model Monitor compares.

FEATURES and PREDICTION are set by the provider, from the monitor's baseline.
"""

import json

FEATURES = json.loads("""@FEATURES@""")
PREDICTION = json.loads("""@PREDICTION@""")


def rows_of(data, key):
    """The list in a body of the form {key: [...]}, or nothing."""
    try:
        body = json.loads(data)
    except (TypeError, ValueError):
        return []
    found = body.get(key) if isinstance(body, dict) else body
    return found if isinstance(found, list) else []


def named(instance):
    """One instance by feature: positional ones follow the baseline's order."""
    if isinstance(instance, dict):
        return {name: instance.get(name) for name in FEATURES}
    values = instance if isinstance(instance, list) else [instance]
    return dict(zip(FEATURES, values))


def preprocess_handler(inference_record):
    instances = rows_of(inference_record.endpoint_input.data, "instances")
    predictions = rows_of(inference_record.endpoint_output.data, "predictions")
    rows = []
    for i, instance in enumerate(instances):
        row = named(instance)
        if PREDICTION and i < len(predictions):
            row[PREDICTION] = predictions[i]
        if row:
            rows.append(row)
    return rows
