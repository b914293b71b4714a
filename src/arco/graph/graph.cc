// Bookkeeping of the graph: adding tensors, who makes and who reads each of them, and the invariants.
#include "arco/graph/graph.h"

#include <algorithm>
#include <type_traits>

#include "arco/base/error.h"

namespace arco {

TensorId Graph::add_tensor(Tensor tensor) {
  tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(tensors.size()) - 1;
}

TensorId Graph::add_constant(std::string tensor_name, Array value) {
  Tensor tensor;
  tensor.name = std::move(tensor_name);
  tensor.type = value.type();
  tensor.shape = value.shape();
  tensor.constant = std::move(value);
  return add_tensor(std::move(tensor));
}

std::vector<int> Graph::producers() const {
  std::vector<int> result(tensors.size(), -1);
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const TensorId id : nodes[n].outputs) {
      if (id != kNoTensor) result[static_cast<size_t>(id)] = static_cast<int>(n);
    }
  }
  return result;
}

std::vector<std::vector<int>> Graph::consumers() const {
  std::vector<std::vector<int>> result(tensors.size());
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const TensorId id : nodes[n].inputs) {
      if (id == kNoTensor) continue;
      auto& readers = result[static_cast<size_t>(id)];
      // A node that reads a tensor twice (x + x) is listed once.
      if (readers.empty() || readers.back() != static_cast<int>(n)) readers.push_back(static_cast<int>(n));
    }
  }
  return result;
}

std::set<int> live_origins(const Graph& graph) {
  std::vector<bool> needed(graph.tensors.size(), false);
  for (const TensorId id : graph.outputs) needed[static_cast<size_t>(id)] = true;
  std::set<int> origins;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (std::ranges::none_of(node.outputs, [&](TensorId id) { return needed[static_cast<size_t>(id)]; })) continue;
    origins.insert(node.origin);
    for (const TensorId id : node.inputs) {
      if (id != kNoTensor) needed[static_cast<size_t>(id)] = true;
    }
  }
  return origins;
}

void Graph::check() const {
  const auto in_range = [&](TensorId id) { return id >= 0 && static_cast<size_t>(id) < tensors.size(); };
  // A tensor is available once something has defined it: a constant, a graph input, or an earlier node.
  std::vector<bool> available(tensors.size(), false);
  for (size_t i = 0; i < tensors.size(); ++i) available[i] = tensors[i].constant.has_value();
  for (const TensorId id : inputs) {
    ARCO_CHECK(in_range(id), "graph input {} is not a tensor", id);
    ARCO_CHECK(!available[static_cast<size_t>(id)], "graph input '{}' is a constant or listed twice", tensor(id).name);
    available[static_cast<size_t>(id)] = true;
  }
  for (const Node& node : nodes) {
    for (const TensorId id : node.inputs) {
      if (id == kNoTensor) continue;
      ARCO_CHECK(in_range(id), "node '{}' reads tensor {} which does not exist", node.name, id);
      ARCO_CHECK(available[static_cast<size_t>(id)], "node '{}' reads '{}' before it is made", node.name,
                 tensor(id).name);
    }
    ARCO_CHECK(!node.outputs.empty(), "node '{}' has no output", node.name);
    for (const TensorId id : node.outputs) {
      ARCO_CHECK(in_range(id), "node '{}' writes tensor {} which does not exist", node.name, id);
      ARCO_CHECK(!available[static_cast<size_t>(id)], "node '{}' makes '{}' which already has a value", node.name,
                 tensor(id).name);
      available[static_cast<size_t>(id)] = true;
    }
  }
  for (const TensorId id : outputs) {
    ARCO_CHECK(in_range(id), "graph output {} is not a tensor", id);
    ARCO_CHECK(available[static_cast<size_t>(id)], "graph output '{}' is never made", tensor(id).name);
  }
}

namespace {

struct NameOf {
  const char* operator()(const Conv&) const { return "Conv"; }
  const char* operator()(const ConvTranspose&) const { return "ConvTranspose"; }
  const char* operator()(const Dense&) const { return "Dense"; }
  const char* operator()(const BatchNorm&) const { return "BatchNorm"; }
  const char* operator()(const Add&) const { return "Add"; }
  const char* operator()(const Clip&) const { return "Clip"; }
  const char* operator()(const Pool& op) const { return name_of(op.kind); }
  const char* operator()(const Reshape&) const { return "Reshape"; }
  const char* operator()(const Flatten&) const { return "Flatten"; }
  const char* operator()(const Lrn&) const { return "Lrn"; }
  const char* operator()(const Softmax&) const { return "Softmax"; }
  const char* operator()(const Concat&) const { return "Concat"; }
  const char* operator()(const Identity&) const { return "Identity"; }
  const char* operator()(const MatMul&) const { return "MatMul"; }
  const char* operator()(const Transpose&) const { return "Transpose"; }
  const char* operator()(const UnfoldColumns&) const { return "UnfoldColumns"; }
  const char* operator()(const Unary& op) const { return name_of(op.kind); }
  const char* operator()(const Binary& op) const { return name_of(op.kind); }
  const char* operator()(const Where&) const { return "Where"; }
  const char* operator()(const Reduce& op) const { return name_of(op.kind); }
  const char* operator()(const Cast&) const { return "Cast"; }
  const char* operator()(const Slice&) const { return "Slice"; }
  const char* operator()(const Pad&) const { return "Pad"; }
  const char* operator()(const Gather&) const { return "Gather"; }
  const char* operator()(const Expand&) const { return "Expand"; }
  const char* operator()(const Resize&) const { return "Resize"; }
  const char* operator()(const QuantizeLinear&) const { return "QuantizeLinear"; }
  const char* operator()(const DequantizeLinear&) const { return "DequantizeLinear"; }
  const char* operator()(const Table&) const { return "Table"; }
  const char* operator()(const Quantize&) const { return "Quantize"; }
  const char* operator()(const Dequantize&) const { return "Dequantize"; }
};

}  // namespace

const char* op_name(const Op& op) {
  return std::visit(NameOf{}, op);
}

}  // namespace arco
