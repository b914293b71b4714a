#!/usr/bin/env python3
"""Compares the float reference with ONNX Runtime: every network of the zoo, and the trained one; and the accelerator's
integers with those of quantised models: the trained network and one with HardSwish as ONNX Runtime quantises them, and
single operators around zero points of their own.

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
LEAST_EQUAL_OF_ONE_LAYER = 0.98
LEAST_AGREEMENT = 0.98


def arco(*arguments):
    done = subprocess.run([os.environ["ARCO"], *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the model brings scales" not in done.stderr, done.stderr  # of which not all are kept
    return done.stdout


def reference(model, inputs, folder):
    """The outputs of a model with one input and one output, by `arco reference`."""
    import numpy as np
    np.save(folder / "x.npy", inputs)
    shape = "x".join(map(str, inputs.shape))
    arco("reference", model, "--shape", f"input={shape}", "--input", folder / "x.npy", "--output", folder / "y.npy")
    return np.load(folder / "y.npy")


def onnx_runtime(model, inputs, as_the_file_says=False):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if as_the_file_says:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
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
    if "operator" in metafunc.fixturenames:
        metafunc.parametrize("operator", ["Conv", "QLinearConv", "ConvTranspose", "AveragePool"])
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


def quantise(model, inputs, activations, folder, operators=False):
    """The float model in int8, with scales and zero points of ONNX Runtime, as integer operators or as pairs around float
    ones; and the step of its output. Integer operators get weights of 7 bits: on some processors ONNX Runtime's sums of
    uint8 times int8 saturate at 16 bits."""
    import onnx
    import onnxruntime
    from onnxruntime import quantization
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "fused.onnx")
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    class Inputs(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter(inputs)

        def get_next(self):
            x = next(self.left, None)
            return None if x is None else {"input": x[None]}

    quantised = folder / "quantised.onnx"
    form = quantization.QuantFormat.QOperator if operators else quantization.QuantFormat.QDQ
    quantization.quantize_static(str(folder / "fused.onnx"), str(quantised), Inputs(), per_channel=True,
                                 quant_format=form, reduce_range=operators, activation_type=quantization.QuantType[activations],
                                 weight_type=quantization.QuantType.QInt8)
    graph = onnx.load(quantised).graph
    scale = graph.node[-1].input[1]
    step = next(onnx.numpy_helper.to_array(i) for i in graph.initializer if i.name == scale)
    return quantised, float(step)


def run_quantised(model, inputs, folder):
    """The accelerator's outputs, every layer verified, and ONNX Runtime's."""
    import numpy as np
    (folder / "chip.json").write_text(json.dumps(CHIP))
    np.save(folder / "x.npy", inputs)
    arco("compile", model, "-o", folder / "q.arco", "--hardware", folder / "chip.json", "--batch", len(inputs))
    arco("run", folder / "q.arco", "--input", folder / "x.npy", "--output", folder / "y.npy", "--verify")
    return np.load(folder / "y.npy"), onnx_runtime(model, inputs, as_the_file_says=True)


def steps_between(actual, expected, step):
    import numpy as np
    steps = np.abs(actual - expected) / step
    assert np.abs(steps - steps.round()).max() < 1e-3, "the output has not the model's step"
    steps = steps.round()
    print(f"{(steps == 0).mean():.1%} equal, at most {steps.max():.0f} steps off")
    return steps


def test_quantised_network(activations, tmp_path):
    """Scales of its own for every tensor, ReLUs that are only zero points, additions, poolings, a dense layer."""
    import numpy as np
    calibration = np.load(DIGITS / "calibration_images.npz")["input"]
    model, step = quantise(DIGITS / "digits.onnx", calibration, activations, tmp_path)
    actual, expected = run_quantised(model, np.load(DIGITS / "test_images.npz")["input"][:QUANTISED_IMAGES], tmp_path)
    steps = steps_between(actual, expected, step)
    assert steps.max() <= MOST_STEPS and (steps == 0).mean() >= LEAST_EQUAL
    assert (actual.argmax(1) == expected.argmax(1)).mean() >= LEAST_AGREEMENT


def model_of(nodes, weights, output, path):
    """Writes a model that reads [N, 3, 32, 32]. `weights`: arrays by name."""
    import onnx
    from onnx import TensorProto, helper
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
    return path


def mobile_network(path):
    """HardSwish between convolutions, which puts zero points near -128 but not there, and padding around all of it."""
    import numpy as np
    from onnx import helper
    random = np.random.default_rng(5)
    nodes, weights = [], {}

    def layer(op, name, reads, shape=None, **attributes):
        names = [reads]
        if shape:
            weights[name + ".w"] = (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
            weights[name + ".b"] = (0.3 * random.standard_normal(shape[0])).astype(np.float32)
            names += [name + ".w", name + ".b"]
        nodes.append(helper.make_node(op, names, [name], name=name, **attributes))
        return name

    x = layer("Conv", "stem", "input", (16, 3, 7, 7), pads=[3, 3, 3, 3], strides=[2, 2])
    x = layer("HardSwish", "swish1", x)
    x = layer("Conv", "depthwise", x, (16, 1, 3, 3), pads=[1, 1, 1, 1], group=16)
    x = layer("HardSwish", "swish2", x)
    x = layer("Conv", "pointwise", x, (24, 16, 1, 1))
    x = layer("AveragePool", "average", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], count_include_pad=1)
    x = layer("Conv", "wide", x, (24, 24, 3, 3), pads=[1, 1, 1, 1])
    x = layer("Flatten", "flat", layer("GlobalAveragePool", "mean", x))
    return model_of(nodes, weights, layer("Gemm", "logits", x, (10, 24), transB=1), path)


def test_quantised_mobile_network(activations, tmp_path):
    import numpy as np
    random = np.random.default_rng(6)
    images = [0.3 + random.standard_normal((count, 3, 32, 32), dtype=np.float32) for count in (20, QUANTISED_IMAGES)]
    model, step = quantise(mobile_network(tmp_path / "float.onnx"), images[0], activations, tmp_path)
    steps = steps_between(*run_quantised(model, images[1], tmp_path), step)
    assert steps.max() <= MOST_STEPS and (steps == 0).mean() >= LEAST_EQUAL


def network_of_operators(path):
    """Every operator that ONNX Runtime's quantiser has a form of its own for."""
    import numpy as np
    from onnx import helper
    random = np.random.default_rng(9)

    def weights(*shape):
        return (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    constants = {"w1": weights(16, 3, 3, 3), "w2": weights(16, 16, 1, 1), "w3": weights(16, 16, 1, 1),
                 "w4": weights(10, 32), "b4": weights(10, 1)[:, 0]}
    nodes = [
        helper.make_node("Conv", ["input", "w1"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.2),
        helper.make_node("Conv", ["b", "w2"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["gate"]),
        helper.make_node("Mul", ["b", "gate"], ["d"]),
        helper.make_node("Conv", ["d", "w3"], ["e"]),
        helper.make_node("Add", ["e", "b"], ["f"]),
        helper.make_node("AveragePool", ["f"], ["g"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("MaxPool", ["f"], ["h"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Concat", ["g", "h"], ["i"], axis=1),
        helper.make_node("GlobalAveragePool", ["i"], ["j"]),
        helper.make_node("Flatten", ["j"], ["k"]),
        helper.make_node("Gemm", ["k", "w4", "b4"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["shares"])]
    return model_of(nodes, constants, "shares", path)


def test_network_of_integer_operators(activations, tmp_path):
    """QLinearConv and its relatives of com.microsoft, whose integers may differ by the rounding of each."""
    import numpy as np
    import onnx
    random = np.random.default_rng(10)
    images = [random.standard_normal((count, 3, 32, 32), dtype=np.float32) for count in (20, QUANTISED_IMAGES)]
    model, step = quantise(network_of_operators(tmp_path / "float.onnx"), images[0], activations, tmp_path, True)
    used = {node.op_type for node in onnx.load(model).graph.node if node.domain == "com.microsoft"}
    assert used == {"QLinearLeakyRelu", "QLinearSigmoid", "QLinearMul", "QLinearAdd", "QLinearAveragePool", "QLinearConcat",
                    "QLinearGlobalAveragePool", "QGemm", "QLinearSoftmax"}
    expected = onnx_runtime(model, images[1], as_the_file_says=True)
    by_reference = steps_between(reference(model, images[1], tmp_path), expected, step)
    assert by_reference.max() <= MOST_STEPS and (by_reference == 0).mean() >= LEAST_EQUAL
    shares = run_quantised(model, images[1], tmp_path)[0]  # of the host, in float
    steps = steps_between((shares / step).round() * step, expected, step)
    assert steps.max() <= MOST_STEPS and (steps == 0).mean() >= LEAST_EQUAL


def around_minus_17(operator, y_step, path):
    """The operator with padding, between int8 tensors; the accelerator cannot pad with -17."""
    import numpy as np
    from onnx import helper
    random = np.random.default_rng(7)
    shape = {"ConvTranspose": (3, 16, 3, 3), "AveragePool": None}.get(operator, (16, 3, 3, 3))
    constants = {"x.step": np.float32(0.025), "x.zero": np.int8(-17),
                 "y.step": np.float32(y_step), "y.zero": np.int8(9)}
    attributes = {"pads": [1, 1, 1, 1], "strides": [2, 2]}
    x_scale, w_scale, y_scale = ([f"{of}.step", f"{of}.zero"] for of in "xwy")
    if shape:
        constants |= {"w": random.integers(-127, 128, shape, dtype=np.int8), "w.zero": np.zeros(16, np.int8),
                      "w.step": random.uniform(0.002, 0.004, 16).astype(np.float32)}
        real_w = helper.make_node("DequantizeLinear", ["w", *w_scale], ["real_w"], axis=shape.index(16))
    else:
        attributes |= {"kernel_shape": [3, 3], "count_include_pad": 1}
    real_x = helper.make_node("DequantizeLinear", ["q", *x_scale], ["x"])
    quantise_y = helper.make_node("QuantizeLinear", ["y", *y_scale], ["r"])
    if operator == "QLinearConv":
        nodes = [helper.make_node(operator, ["q", *x_scale, "w", *w_scale, *y_scale], ["r"], **attributes)]
    elif shape:
        nodes = [real_x, real_w, helper.make_node(operator, ["x", "real_w"], ["y"], **attributes), quantise_y]
    else:
        nodes = [real_x, helper.make_node(operator, ["x"], ["y"], **attributes), quantise_y]
    nodes.insert(0, helper.make_node("QuantizeLinear", ["input", *x_scale], ["q"]))
    nodes.append(helper.make_node("DequantizeLinear", ["r", *y_scale], ["real_y"]))
    return model_of(nodes, constants, "real_y", path)


def test_padding_around_a_zero_point(operator, tmp_path):
    import numpy as np
    step = 0.031
    model = around_minus_17(operator, step, tmp_path / "model.onnx")
    images = np.random.default_rng(8).standard_normal((4, 3, 32, 32), dtype=np.float32)
    steps = steps_between(*run_quantised(model, images, tmp_path), step)
    assert steps.max() <= 1 and (steps == 0).mean() >= LEAST_EQUAL_OF_ONE_LAYER


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
