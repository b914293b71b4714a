// Operators that work on each element: Add, Sum, Relu, Clip, Identity, Dropout. Dropout does nothing at inference.
#include <cmath>
#include <limits>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_add(NodeContext& node) {
  if (node.input_count() != 2) node.problem("has {} inputs, expected 2", node.input_count());
  const TensorId a = node.input(0);
  const TensorId b = node.input(1);
  node.emit(Add{}, {a, b});
}

// A sum of n inputs is a chain of n - 1 additions.
void convert_sum(NodeContext& node) {
  TensorId sum = node.input(0);
  for (int i = 1; i + 1 < node.input_count(); ++i) sum = node.emit_inner(Add{}, {sum, node.input(i)});
  if (node.input_count() < 2) {
    node.emit(Identity{}, {sum});
  } else {
    node.emit(Add{}, {sum, node.input(node.input_count() - 1)});
  }
}

void convert_relu(NodeContext& node) {
  Clip clip;
  clip.clamp.low = 0;
  node.emit(clip, {node.input(0)});
}

// Bounds are attributes before opset 11 and optional constant inputs since.
void convert_clip(NodeContext& node) {
  const TensorId x = node.input(0);
  Clip clip;
  if (node.opset() < 11) {
    clip.clamp.low = node.real("min", std::numeric_limits<float>::lowest());
    clip.clamp.high = node.real("max", std::numeric_limits<float>::max());
  } else {
    if (node.has_input(1)) clip.clamp.low = node.scalar_input(1, "the lower bound").value_or(clip.clamp.low);
    if (node.has_input(2)) clip.clamp.high = node.scalar_input(2, "the upper bound").value_or(clip.clamp.high);
  }
  // The largest finite values mean "no bound".
  if (clip.clamp.low == std::numeric_limits<float>::lowest()) clip.clamp.low = Clamp{}.low;
  if (clip.clamp.high == std::numeric_limits<float>::max()) clip.clamp.high = Clamp{}.high;
  if (!(clip.clamp.low <= clip.clamp.high)) {
    node.problem("the lower bound {} must not be above the upper bound {}", clip.clamp.low, clip.clamp.high);
  }
  node.emit(clip, {x});
}

// A constant's identity is a constant at once: it may be a shape, which must be known to the nodes after it.
void convert_identity(NodeContext& node) {
  const TensorId x = node.input(0);
  const Tensor* tensor = node.known_input(0);
  if (tensor != nullptr && tensor->constant) {
    node.emit_constant(Array(*tensor->constant));
  } else {
    node.emit(Identity{}, {x});
  }
}

void convert_dropout(NodeContext& node) {
  node.ignore("ratio");
  node.ignore("seed");
  node.ignore_input(1);  // ratio
  if (node.has_input(2)) {
    const Array* training = node.constant_input(2, "training_mode");
    if (training != nullptr && (training->bytes().empty() || training->bytes()[0] != 0)) {
      node.problem("training_mode must be false; export the model for inference");
    }
  }
  node.emit(Identity{}, {node.input(0)});
}

}  // namespace

void add_elementwise_converters(ConverterTable& table) {
  table["Add"] = convert_add;
  table["Sum"] = convert_sum;
  table["Relu"] = convert_relu;
  table["Clip"] = convert_clip;
  table["Dropout"] = convert_dropout;
  table["Identity"] = convert_identity;
}

}  // namespace arco
