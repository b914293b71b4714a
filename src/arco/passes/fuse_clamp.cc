// Two clamps in a row are one: first to [l1, h1], then to [l2, h2] is clamping to both of the first bounds clamped by
// the second, [clamp2(l1), clamp2(h1)].
//
// Nodes that only move values stand between a Clip and what computes them where a transposed convolution was taken
// apart, a network concatenates before it activates, and so on: limiting what they read is limiting what they make.
#include <algorithm>
#include <vector>

#include "arco/graph/fused_clamp.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {

namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), sweep_(graph) {}

  void run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      const auto* clip = std::get_if<Clip>(&node.op);
      if (clip == nullptr || node.requantize) continue;
      std::vector<int> makers;
      if (find_makers(node.inputs[0], makers)) fuse(static_cast<int>(n), clip->clamp, makers);
    }
    sweep_.finish();
  }

 private:
  // The nodes with a clamp that alone decide the values of a tensor which is read only once.
  bool find_makers(TensorId id, std::vector<int>& makers) {
    const int maker = sweep_.producer(id);
    if (maker < 0 || !sweep_.has_one_reader(id)) return false;
    Node& node = graph_.nodes[static_cast<size_t>(maker)];
    if (node.requantize || node.outputs.size() != 1) return false;
    if (clamp_of(node.op) != nullptr) {
      makers.push_back(maker);
      return true;
    }
    const bool one_operand = std::holds_alternative<Gather>(node.op);  // the other ones are indices
    const auto inputs = node.inputs.begin();
    return only_moves(node.op) && std::all_of(inputs, one_operand ? inputs + 1 : node.inputs.end(),
                                              [&](TensorId input) { return find_makers(input, makers); });
  }

  void fuse(int at, const Clamp& limits, const std::vector<int>& makers) {
    for (const int maker : makers) {
      Clamp& clamp = *clamp_of(graph_.nodes[static_cast<size_t>(maker)].op);
      clamp.low = std::clamp(clamp.low, limits.low, limits.high);
      clamp.high = std::clamp(clamp.high, limits.low, limits.high);
    }
    const Node& node = graph_.nodes[static_cast<size_t>(at)];
    Tensor& output = graph_.tensor(node.outputs[0]);
    if (!output.grid) output.grid = graph_.tensor(node.inputs[0]).grid;  // clamped values are on it as well
    sweep_.set_output(sweep_.producer(node.inputs[0]), node.outputs[0]);
    sweep_.remove(at);
  }

  Graph& graph_;
  passes::Sweep sweep_;
};

}  // namespace

void fuse_clamp(Graph& graph) {
  Fuser(graph).run();
}

}  // namespace arco
