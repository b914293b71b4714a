// First the computing nodes by their own properties, then the followers: forwards, a follower of int8 results is int8;
// backwards, so is one whose readers are all int8.
#include "arco/quant/choose.h"

#include <algorithm>

#include "arco/graph/fused_clamp.h"
#include "arco/reference/pool.h"

namespace arco {
namespace {

bool is_variable(const Graph& graph, TensorId id) {
  if (id == kNoTensor) return false;
  const Tensor& tensor = graph.tensor(id);
  return !tensor.constant && tensor.type == DataType::kFloat32;
}

bool is_float_constant(const Graph& graph, TensorId id) {
  return id != kNoTensor && graph.tensor(id).constant && graph.tensor(id).type == DataType::kFloat32;
}

TensorId input_or_none(const Node& node, size_t index) {
  return index < node.inputs.size() ? node.inputs[index] : kNoTensor;
}

bool has_int8_weights(const Graph& graph, const Node& node) {
  const TensorId bias = input_or_none(node, 2);
  const TensorId residual = input_or_none(node, 3);
  return is_variable(graph, node.inputs[0]) && is_float_constant(graph, node.inputs[1]) &&
         (bias == kNoTensor || is_float_constant(graph, bias)) &&
         (residual == kNoTensor || is_variable(graph, residual));
}

// Nodes that are worth int8 by themselves.
bool computes_in_int8(const Graph& graph, const Node& node) {
  if (std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op)) {
    return has_int8_weights(graph, node);
  }
  if (std::holds_alternative<Add>(node.op)) {
    return is_variable(graph, node.inputs[0]) && is_variable(graph, node.inputs[1]) &&
           graph.tensor(node.inputs[0]).shape == graph.tensor(node.inputs[1]).shape;
  }
  if (const Pool* pool = std::get_if<Pool>(&node.op)) {
    return is_variable(graph, node.inputs[0]) && (pool->kind == Pool::Kind::kMax || average_divisor(graph, node) > 0);
  }
  return false;
}

bool moves_or_limits(const Op& op) {
  const Pad* pad = std::get_if<Pad>(&op);
  const bool keeps_scale = pad != nullptr && (pad->mode != Pad::Mode::kConstant || pad->value == 0);
  return only_moves(op) || std::holds_alternative<Clip>(op) || keeps_scale;
}

bool is_follower(const Graph& graph, const Node& node) {
  if (!moves_or_limits(node.op)) return false;
  // The host has the network's inputs anyway: it limits them before it quantises them.
  const bool limits_input =
      std::holds_alternative<Clip>(node.op) && std::ranges::find(graph.inputs, node.inputs[0]) != graph.inputs.end();
  if (limits_input) return false;
  if (std::holds_alternative<Gather>(node.op)) return is_variable(graph, node.inputs[0]);
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](TensorId id) { return is_variable(graph, id); });
}

}  // namespace

bool moves_values(const Op& op) {
  const Pool* pool = std::get_if<Pool>(&op);
  return moves_or_limits(op) || (pool != nullptr && pool->kind == Pool::Kind::kMax);
}

bool has_weights(const Node& node) {
  return std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
}

bool is_average(const Node& node) {
  const Pool* pool = std::get_if<Pool>(&node.op);
  return pool != nullptr && pool->kind == Pool::Kind::kAverage;
}

int64_t average_divisor(const Graph& graph, const Node& node) {
  const Shape& in = graph.tensor(node.inputs[0]).shape;
  const Shape& out = graph.tensor(node.outputs[0]).shape;
  if (in.size() != 4 || out.size() != 4) return 0;
  const int64_t divisor = reference::uniform_divisor(std::get<Pool>(node.op), in[2], in[3], out[2], out[3]);
  constexpr int64_t kMostCells = (int64_t{1} << 31) / 256;  // divisor * 127 leaves room for a multiplier and rounding
  return divisor <= kMostCells ? divisor : 0;
}

namespace {

// A function of one value becomes a table where int8 comes in and a reader wants int8; that reader may be another
// function, so chains are seen from their end first, and then again from their beginning.
void choose_tables(const Graph& graph, const std::vector<bool>& function, const std::vector<int>& producers,
                   const std::vector<std::vector<int>>& consumers, std::vector<bool>& int8) {
  std::vector<bool> wanted(graph.nodes.size(), false);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (!function[i]) continue;
    for (const int reader : consumers[static_cast<size_t>(graph.nodes[i].outputs[0])]) {
      const auto r = static_cast<size_t>(reader);
      wanted[i] = wanted[i] || int8[r] || wanted[r];
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!wanted[i]) continue;
    const int producer = producers[static_cast<size_t>(graph.nodes[i].inputs[0])];
    int8[i] = producer >= 0 && int8[static_cast<size_t>(producer)];
  }
}

}  // namespace

std::vector<bool> choose_int8_nodes(const Graph& graph, const std::vector<std::string>& float_nodes) {
  const size_t count = graph.nodes.size();
  std::vector<bool> int8(count, false);
  std::vector<bool> follower(count, false);
  std::vector<bool> function(count, false);
  for (size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[i];
    if (std::find(float_nodes.begin(), float_nodes.end(), node.name) != float_nodes.end()) continue;
    int8[i] = computes_in_int8(graph, node);
    follower[i] = is_follower(graph, node);
    function[i] = std::holds_alternative<Unary>(node.op) && is_variable(graph, node.inputs[0]);
  }
  const auto producers = graph.producers();
  const auto consumers = graph.consumers();
  for (size_t i = 0; i < count; ++i) {
    if (!follower[i]) continue;
    int8[i] = std::all_of(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), [&](TensorId id) {
      const int producer = producers[static_cast<size_t>(id)];
      return producer >= 0 && int8[static_cast<size_t>(producer)];
    });
  }
  for (size_t i = count; i-- > 0;) {
    if (!follower[i] || int8[i]) continue;
    const TensorId output = graph.nodes[i].outputs[0];
    const auto& readers = consumers[static_cast<size_t>(output)];
    const bool is_output = std::find(graph.outputs.begin(), graph.outputs.end(), output) != graph.outputs.end();
    int8[i] = !is_output && !readers.empty() &&
              std::all_of(readers.begin(), readers.end(), [&](int r) { return int8[static_cast<size_t>(r)]; });
  }
  choose_tables(graph, function, producers, consumers, int8);
  return int8;
}

}  // namespace arco
