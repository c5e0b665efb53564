"""Turns one captured request into the row whose prediction SageMaker Model Monitor
holds against the truth.

The truth of a request is one label, so that requests of several instances are left
out.
"""

import json


def preprocess_handler(inference_record):
    try:
        body = json.loads(inference_record.endpoint_output.data)
    except (TypeError, ValueError):
        return []
    found = body.get("predictions") if isinstance(body, dict) else body
    if not isinstance(found, list) or len(found) != 1:
        return []
    return {"prediction": found[0]}
