// What the passes share: who makes and reads a tensor while nodes are being merged, and constants from values.
#pragma once

#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco::passes {

// A sweep over the graph in which nodes are merged into earlier ones. Merged nodes keep their place until `finish`.
class Sweep {
 public:
  explicit Sweep(Graph& graph);

  // The node that makes `id`, or -1 for inputs and constants.
  int producer(TensorId id) const { return id == kNoTensor ? -1 : producer_[static_cast<size_t>(id)]; }
  bool is_output(TensorId id) const { return is_output_[static_cast<size_t>(id)]; }
  // True if exactly one input slot of one node reads `id` and it is no graph output.
  bool has_one_reader(TensorId id) const { return readers_[static_cast<size_t>(id)] == 1 && !is_output(id); }

  // Node `maker` now makes `id`; whoever made it before is to be removed.
  void set_output(int maker, TensorId id);
  void remove(int node) { removed_[static_cast<size_t>(node)] = true; }
  bool is_removed(int node) const { return removed_[static_cast<size_t>(node)]; }
  // Erases the removed nodes.
  void finish();

 private:
  Graph& graph_;
  std::vector<int> producer_;
  std::vector<int> readers_;
  std::vector<bool> is_output_;
  std::vector<bool> removed_;
};

// Conv or Dense with constant float weights, and not quantised yet.
bool has_constant_weights(const Graph& graph, const Node& node);
// The Conv, ConvTranspose or Dense that makes `id` for one reader only, with constant float weights and bias, and
// nothing (clamp, residual) between its sum and the result: an affine function per channel can go into it. Reshapes
// that leave batch and channels as they are may stand behind it (convolutions of a line have them). -1 if there is
// none.
int affine_taker(const Graph& graph, const Sweep& sweep, TensorId id);
bool has_input(const Node& node, size_t index);
// Sets input `index`, growing the list with absent inputs where needed.
void set_input(Node& node, size_t index, TensorId id);

// `id` as one value for each of `channels`, if it is a constant that broadcasts to an output of `rank` dimensions along
// dimension 1 only; else empty.
std::vector<double> per_channel_values(const Graph& graph, TensorId id, int64_t channels, size_t rank);

// The bias of Conv or Dense as doubles, zeros if there is none; empty if it is no constant.
std::vector<double> bias_values(const Graph& graph, const Node& node, int64_t channels);
void set_bias(Graph& graph, Node& node, const std::vector<double>& values);

}  // namespace arco::passes
