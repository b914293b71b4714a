#!/usr/bin/env python3
"""Compares the float reference with ONNX Runtime: every network of the zoo, and the trained one.

Usage: onnxruntime_test.py VENV ARCO   runs the tests below with VENV's Python on the program ARCO. Ends with 77, which
                                       ctest counts as skipped, where there is no VENV (`./dev test` makes it).

The error of a result `a` against ONNX Runtime's `b` is max |a - b| / max |b|.
"""
import json
import os
import pathlib
import subprocess
import sys

MOST_RELATIVE_ERROR = 1e-4
IMAGE_SIZE = 64  # pixels; every network of the zoo takes it
DIGITS = pathlib.Path(__file__).resolve().parent / "data/digits"
SKIPPED = 77


def arco(*arguments):
    done = subprocess.run([os.environ["ARCO"], *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reference(model, inputs, folder):
    """The outputs of a model with one input and one output, by `arco reference`."""
    import numpy as np
    np.save(folder / "x.npy", inputs)
    shape = "x".join(map(str, inputs.shape))
    arco("reference", model, "--shape", f"input={shape}", "--input", folder / "x.npy", "--output", folder / "y.npy")
    return np.load(folder / "y.npy")


def onnx_runtime(model, inputs):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": inputs})[0]


def assert_close(actual, expected):
    import numpy as np
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    assert np.isfinite(expected).all() and expected.std() > 0, "the network computes nothing to compare"
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    assert error <= MOST_RELATIVE_ERROR, f"relative error {error:.2e}"


def pytest_generate_tests(metafunc):
    if "network" in metafunc.fixturenames:
        metafunc.parametrize("network", json.loads(arco("zoo", "--list", "--json"))["networks"])


def test_networks_of_the_zoo(network, tmp_path):
    import numpy as np
    import onnx
    model = tmp_path / "model.onnx"
    arco("zoo", network, "-o", model, "--image-size", IMAGE_SIZE)
    proto = onnx.load(model)
    onnx.checker.check_model(proto, full_check=True)
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim]
    inputs = np.random.default_rng(7).standard_normal(shape, dtype=np.float32)
    assert_close(reference(model, inputs, tmp_path), onnx_runtime(model, inputs))


def test_trained_network(tmp_path):
    import numpy as np
    images = np.load(DIGITS / "test_images.npz")["input"]
    labels = np.load(DIGITS / "test_labels.npy")
    logits = onnx_runtime(DIGITS / "digits.onnx", images)
    assert_close(reference(DIGITS / "digits.onnx", images, tmp_path), logits)
    assert (logits.argmax(1) == labels).mean() >= 0.97


def main():
    venv, program = map(pathlib.Path, sys.argv[1:3])
    if not (venv / "requirements.txt").exists():  # copied last
        print(f"SKIPPED: {venv} does not exist, so nothing is compared with ONNX Runtime; `./dev python` makes it "
              "where PyPI can be reached")
        return SKIPPED
    return subprocess.run([venv / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
                          env={**os.environ, "ARCO": str(program)}).returncode


if __name__ == "__main__":
    sys.exit(main())
