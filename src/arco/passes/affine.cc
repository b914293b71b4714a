//   BatchNorm  s = gamma / sqrt(variance + epsilon),  o = beta - s * mean
//   x + c      s = 1, o = c        x - c   s = 1, o = -c      c - x   s = -1, o = c
//   x * c      s = c, o = 0        x / c   s = 1 / c, o = 0
#include "arco/passes/affine.h"

#include <algorithm>
#include <cmath>

#include "arco/passes/graph_edit.h"

namespace arco::passes {
namespace {

std::optional<Affine> of_batch_norm(const Graph& graph, const Node& node) {
  for (size_t i = 1; i < 5; ++i) {
    if (!graph.tensor(node.inputs[i]).constant) return std::nullopt;
  }
  const auto parameter = [&](size_t i) { return graph.tensor(node.inputs[i]).constant->data<float>(); };
  const auto gamma = parameter(1), beta = parameter(2), mean = parameter(3), variance = parameter(4);
  const double epsilon = std::get<BatchNorm>(node.op).epsilon;
  Affine affine{node.inputs[0], {}, {}};
  for (size_t c = 0; c < gamma.size(); ++c) {
    affine.scale.push_back(gamma[c] / std::sqrt(variance[c] + epsilon));
    affine.offset.push_back(beta[c] - affine.scale[c] * mean[c]);
  }
  return affine;
}

// x op c, or c op x if `reversed`.
Affine with_constant(const Op& op, TensorId x, const std::vector<double>& c, bool reversed) {
  Affine affine{x, std::vector<double>(c.size(), 1.0), std::vector<double>(c.size(), 0.0)};
  if (std::holds_alternative<Add>(op)) {
    affine.offset = c;
    return affine;
  }
  const auto kind = std::get<Binary>(op).kind;
  for (size_t i = 0; i < c.size(); ++i) {
    if (kind == Binary::Kind::kSub) {
      affine.scale[i] = reversed ? -1 : 1;
      affine.offset[i] = reversed ? c[i] : -c[i];
    } else {
      affine.scale[i] = kind == Binary::Kind::kMul ? c[i] : 1 / c[i];
    }
  }
  return affine;
}

bool is_arithmetic(const Op& op) {
  if (const auto* add = std::get_if<Add>(&op)) return add->clamp.is_identity();
  const auto* binary = std::get_if<Binary>(&op);
  return binary != nullptr && (binary->kind == Binary::Kind::kSub || binary->kind == Binary::Kind::kMul ||
                               binary->kind == Binary::Kind::kDiv);
}

}  // namespace

std::optional<Affine> affine_of(const Graph& graph, const Node& node) {
  if (node.requantize) return std::nullopt;
  std::optional<Affine> affine;
  if (std::holds_alternative<BatchNorm>(node.op)) {
    affine = of_batch_norm(graph, node);
  } else if (is_arithmetic(node.op)) {
    const Tensor& y = graph.tensor(node.outputs[0]);
    for (size_t side = 0; side < 2 && !affine; ++side) {
      const Tensor& x = graph.tensor(node.inputs[side]);
      const auto* binary = std::get_if<Binary>(&node.op);
      const bool divides_constant = binary != nullptr && binary->kind == Binary::Kind::kDiv && side == 1;
      if (x.constant || x.type != DataType::kFloat32 || x.shape != y.shape || x.shape.size() < 2 || divides_constant) {
        continue;
      }
      const auto values = per_channel_values(graph, node.inputs[1 - side], x.shape[1], x.shape.size());
      if (!values.empty()) affine = with_constant(node.op, node.inputs[side], values, side == 1);
    }
  }
  if (!affine) return std::nullopt;
  const auto is_finite = [](double v) { return std::isfinite(v); };
  const bool finite = std::all_of(affine->scale.begin(), affine->scale.end(), is_finite) &&
                      std::all_of(affine->offset.begin(), affine->offset.end(), is_finite);
  return finite ? affine : std::nullopt;
}

}  // namespace arco::passes
