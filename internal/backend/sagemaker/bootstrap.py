"""Runs one step of a pipeline in a SageMaker processing or training job.

step.json, beside this file, says what the step is. References to values that
are known only when the pipeline runs come in environment variables. Needs
Python 3.8 and nothing else.
"""

import json
import os
import re
import subprocess
import sys
import time

ROOT = os.environ.get("MLOPS_ROOT", "/opt/ml")
HERE = os.path.dirname(os.path.abspath(__file__))
LAST_LINES = 20
MESSAGE_LIMIT = 1024  # characters that the platform shows
EMPTY = "mlops:empty"  # the platform passes no empty values
REFERENCE = re.compile(r"\{\{\{\{|\{\{\s*([^{}]+?)\s*\}\}")


def variable(name):
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def content(directory):
    """A job's input is a directory; what was meant is the one thing in it."""
    try:
        entries = os.listdir(directory)
    except FileNotFoundError:
        return directory
    return os.path.join(directory, entries[0]) if len(entries) == 1 else directory


def paths_of(step):
    """Where each reference to data leads, and the variables that say so."""
    paths, env, layout = {}, {}, step["layout"]
    for reference, name in step["inputs"].items():
        paths[reference] = content(os.path.join(ROOT, layout["input"], name))
    for name in step["given"]:
        path = paths["inputs." + name]
        env["MLOPS_INPUT_" + variable(name)] = path
    for name in step["outputs"]:
        directory = os.path.join(ROOT, layout["output"], name, layout["within"])
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, name)
        paths["outputs." + name] = path
        env["MLOPS_OUTPUT_" + variable(name)] = path
    if layout["checkpoints"]:
        env["MLOPS_CHECKPOINTS"] = os.path.join(ROOT, layout["checkpoints"])
        os.makedirs(env["MLOPS_CHECKPOINTS"], exist_ok=True)
    return paths, env


def render(text, step, paths):
    """Puts values in place of references; a doubled opening stands for itself."""

    def value(match):
        reference = match.group(1)
        if reference is None:
            return "{{"
        if reference in paths:
            return paths[reference]
        given = os.environ[step["values"][reference]]
        return "" if given == EMPTY else given

    return REFERENCE.sub(value, text)


def install(packages):
    if packages:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *packages],
            check=True,
        )


def attempt(command, env, timeout):
    """Runs the step once. Returns its status and its last lines."""
    lines = []
    started = time.monotonic()
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    )
    late = False
    if timeout:
        import threading

        def end():
            nonlocal late
            late = True
            os.killpg(process.pid, 9)

        timer = threading.Timer(timeout, end)
        timer.daemon = True
        timer.start()
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines = (lines + [line.rstrip("\n")])[-LAST_LINES:]
    status = process.wait()
    if timeout:
        timer.cancel()
    if late:
        return 1, lines + ["the step was ended after %.0f s: its timeout is %.0f s" % (time.monotonic() - started, timeout)]
    return status, lines


def fail(step, reason):
    message = os.path.join(ROOT, step["layout"]["message"])
    os.makedirs(os.path.dirname(message), exist_ok=True)
    with open(message, "w", encoding="utf-8") as f:
        f.write(reason[-MESSAGE_LIMIT:])
    sys.exit(1)


def missing(step, paths):
    return [name for name in step["outputs"] if not os.path.exists(paths["outputs." + name])]


def refuse(word):
    raise ValueError(word + " is no number")


def bad_metrics(step, paths):
    """Says what is wrong with an output named metrics, or nothing."""
    if "metrics" not in step["outputs"]:
        return None
    try:
        with open(paths["outputs.metrics"], encoding="utf-8") as f:
            metrics = json.load(f, parse_constant=refuse)
    except (OSError, ValueError) as e:
        return str(e)
    if not isinstance(metrics, dict):
        return "it is no object"
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "%s is %s" % (name, json.dumps(value))
    return None


def main():
    with open(os.path.join(HERE, "step.json"), encoding="utf-8") as f:
        step = json.load(f)
    paths, env = paths_of(step)
    for name, text in step["env"].items():
        env[name] = render(text, step, paths)
    if step["script"]:
        command = [sys.executable, os.path.join(HERE, "script.py")]
    else:
        command = [render(part, step, paths) for part in step["command"]]
    try:
        install(step["packages"])
    except subprocess.CalledProcessError as e:
        fail(step, "the packages could not be installed: pip ended with status %d" % e.returncode)
    pause = step["backoff"]
    for n in range(1, step["attempts"] + 1):
        status, lines = attempt(command, {**os.environ, **env}, step["timeout"])
        if status == 0:
            break
        print("attempt %d of %d ended with status %d" % (n, step["attempts"], status), flush=True)
        if n == step["attempts"]:
            fail(step, "exit status %d\n%s" % (status, "\n".join(lines)))
        time.sleep(pause)
        pause *= 2
    lost = missing(step, paths)
    if lost:
        fail(step, "the step succeeded and did not write its outputs: " + ", ".join(lost))
    problem = bad_metrics(step, paths)
    if problem:
        fail(step, "metrics must be a flat JSON object of numbers: " + problem)


if __name__ == "__main__":
    main()
