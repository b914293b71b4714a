// Readers of the node's output read its input instead. Where the output is a graph output, its tensor must survive, so
// the input is renamed to it:   conv -> t -> Identity -> out   becomes   conv -> out.
#include <algorithm>
#include <numeric>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

bool is_pass_through_pool(const Pool& pool) {
  return !pool.global && pool.kernel == std::array<int64_t, 2>{1, 1} && pool.strides == std::array<int64_t, 2>{1, 1} &&
         pool.pads == std::array<int64_t, 4>{0, 0, 0, 0} && pool.clamp.is_identity();
}

bool keeps_order(const Transpose& transpose, size_t rank) {
  if (transpose.perm.empty()) return rank < 2;
  for (size_t i = 0; i < rank; ++i) {
    if (transpose.perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

// Same elements in the same order and shape.
bool gives_back_its_input(const Graph& graph, const Node& node) {
  if (node.requantize || node.inputs.size() != 1) return false;
  const Shape& in = graph.tensor(node.inputs[0]).shape;
  if (in != graph.tensor(node.outputs[0]).shape) return false;
  if (const auto* pool = std::get_if<Pool>(&node.op)) return is_pass_through_pool(*pool);
  if (const auto* clip = std::get_if<Clip>(&node.op)) return clip->clamp.is_identity();
  if (const auto* slice = std::get_if<Slice>(&node.op)) {
    return std::all_of(slice->steps.begin(), slice->steps.end(), [](int64_t step) { return step > 0; });
  }
  if (const auto* resize = std::get_if<Resize>(&node.op)) {
    return std::all_of(resize->scales.begin(), resize->scales.end(), [](float scale) { return scale == 1; });
  }
  if (const auto* pad = std::get_if<Pad>(&node.op)) {
    return std::all_of(pad->pads.begin(), pad->pads.end(), [](int64_t p) { return p == 0; });
  }
  if (const auto* cast = std::get_if<Cast>(&node.op)) return cast->to == graph.tensor(node.inputs[0]).type;
  if (const auto* transpose = std::get_if<Transpose>(&node.op)) return keeps_order(*transpose, in.size());
  return std::holds_alternative<Identity>(node.op) || std::holds_alternative<Reshape>(node.op) ||
         std::holds_alternative<Flatten>(node.op) || std::holds_alternative<Concat>(node.op) ||
         std::holds_alternative<Expand>(node.op);
}

// Which tensor stands for another one.
class Aliases {
 public:
  explicit Aliases(size_t count) : to_(count) { std::iota(to_.begin(), to_.end(), 0); }
  TensorId resolve(TensorId id) {
    while (next(id) != id) id = next(id) = next(next(id));  // halves the path for the next time
    return id;
  }
  void replace(TensorId from, TensorId to) { next(from) = to; }

 private:
  TensorId& next(TensorId id) { return to_[static_cast<size_t>(id)]; }
  std::vector<TensorId> to_;
};

}  // namespace

void remove_identity(Graph& graph) {
  passes::Sweep sweep(graph);
  Aliases aliases(graph.tensors.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!gives_back_its_input(graph, node)) continue;
    const TensorId in = aliases.resolve(node.inputs[0]);
    const TensorId out = node.outputs[0];
    const int maker = sweep.producer(in);
    if (!sweep.is_output(out)) {
      aliases.replace(out, in);
    } else if (maker >= 0 && !sweep.is_output(in)) {
      sweep.set_output(maker, out);
      if (!graph.tensor(out).grid) graph.tensor(out).grid = graph.tensor(in).grid;
      aliases.replace(in, out);
    } else {
      continue;  // a graph input, constant or second output: only a node can connect them
    }
    sweep.remove(static_cast<int>(n));
  }
  for (Node& node : graph.nodes) {
    for (TensorId& id : node.inputs) {
      if (id != kNoTensor) id = aliases.resolve(id);
    }
  }
  sweep.finish();
}

}  // namespace arco
