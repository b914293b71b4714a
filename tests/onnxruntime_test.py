#!/usr/bin/env python3
"""Compares the float reference with ONNX Runtime: every network of the zoo, and the trained one; and the accelerator's
integers with those of the trained network as ONNX Runtime quantises it.

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
CHIP = {"TARGET": "sim", "HW_VER": "0.0.2", "LOG_INP_WIDTH": 3, "LOG_WGT_WIDTH": 3, "LOG_ACC_WIDTH": 5, "LOG_BATCH": 0,
        "LOG_BLOCK": 4, "LOG_UOP_BUFF_SIZE": 15, "LOG_INP_BUFF_SIZE": 15, "LOG_WGT_BUFF_SIZE": 18,
        "LOG_ACC_BUFF_SIZE": 17, "ISA_VARIANT": "vta++"}
QUANTISED_IMAGES = 50
MOST_STEPS = 2  # roundings add up over the layers
LEAST_EQUAL = 0.6
LEAST_AGREEMENT = 0.98


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
    if "activations" in metafunc.fixturenames:
        metafunc.parametrize("activations", ["QUInt8", "QInt8"])
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


def quantise(folder, activations):
    """The trained network in int8, with scales and zero points of ONNX Runtime; and the step of its output."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnxruntime import quantization
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "fused.onnx")
    onnxruntime.InferenceSession(str(DIGITS / "digits.onnx"), options, providers=["CPUExecutionProvider"])

    class Images(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter(np.load(DIGITS / "calibration_images.npz")["input"])

        def get_next(self):
            image = next(self.left, None)
            return None if image is None else {"input": image[None]}

    model = folder / "quantised.onnx"
    quantization.quantize_static(str(folder / "fused.onnx"), str(model), Images(), per_channel=True,
                                 activation_type=quantization.QuantType[activations],
                                 weight_type=quantization.QuantType.QInt8)
    graph = onnx.load(model).graph
    scale = graph.node[-1].input[1]
    step = next(onnx.numpy_helper.to_array(i) for i in graph.initializer if i.name == scale)
    return model, float(step)


def test_quantised_network(activations, tmp_path):
    """Scales of its own for every tensor, ReLUs that are only zero points, additions, poolings, a dense layer."""
    import numpy as np
    import onnxruntime
    model, step = quantise(tmp_path, activations)
    images = np.load(DIGITS / "test_images.npz")["input"][:QUANTISED_IMAGES]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # as the file says
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"input": images})[0]

    (tmp_path / "chip.json").write_text(json.dumps(CHIP))
    np.save(tmp_path / "x.npy", images)
    arco("compile", model, "-o", tmp_path / "q.arco", "--hardware", tmp_path / "chip.json", "--batch", len(images))
    arco("run", tmp_path / "q.arco", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--verify")
    actual = np.load(tmp_path / "y.npy")
    steps = np.abs(actual - expected) / step
    assert np.abs(steps - steps.round()).max() < 1e-3, "the output has not the model's step"
    print(f"{activations}: {(steps < 0.5).mean():.1%} equal, at most {steps.max():.0f} steps off")
    assert steps.max() <= MOST_STEPS and (steps < 0.5).mean() >= LEAST_EQUAL
    assert (actual.argmax(1) == expected.argmax(1)).mean() >= LEAST_AGREEMENT


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
