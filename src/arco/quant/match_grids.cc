//   a (grid 1) --> MaxPool --> y (grid 2)     becomes     a --> average of 1x1 --> a.rescaled (grid 2) --> MaxPool -->
//   y
#include "arco/quant/match_grids.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"

namespace arco {

namespace {

class Matcher {
 public:
  explicit Matcher(Graph& graph) : graph_(graph) {
    for (const Tensor& tensor : graph.tensors) grids_.push_back(tensor.grid);
  }

  void run() {
    std::vector<Node> nodes;
    for (Node& node : graph_.nodes) {
      if (moves_values(node.op)) match(node, nodes);
      nodes.push_back(std::move(node));
    }
    graph_.nodes = std::move(nodes);
  }

 private:
  std::optional<Grid>& grid(TensorId id) { return grids_[static_cast<size_t>(id)]; }

  // `before` gets the nodes that come before this one.
  void match(Node& node, std::vector<Node>& before) {
    std::optional<Grid> y = grid(node.outputs[0]);
    if (!y) {
      for (const TensorId id : node.inputs) {
        if (grid(id) && (!y || grid(id)->step > y->step)) y = grid(id);
      }
    }
    grid(node.outputs[0]) = y;
    if (!y) return;
    for (TensorId& id : node.inputs) {
      if (!grid(id) || *grid(id) == *y || graph_.tensor(id).shape.size() != 4) continue;
      Pool pixel;
      pixel.kind = Pool::Kind::kAverage;
      const auto* clip = std::get_if<Clip>(&node.op);
      pixel.clamp = limited(clip == nullptr ? Clamp{} : clip->clamp, *y);
      if (clip != nullptr) {
        node.op = pixel;
        return;
      }
      const TensorId rescaled = add_rescaled(id, *y);
      before.push_back({graph_.tensor(rescaled).name, pixel, {id}, {rescaled}, std::nullopt, node.origin});
      id = rescaled;
    }
  }

  TensorId add_rescaled(TensorId id, const Grid& to) {
    Tensor tensor = graph_.tensor(id);
    tensor.name += fmt::format(".rescaled{}", count_++);
    tensor.grid = to;
    grids_.emplace_back(to);
    return graph_.add_tensor(std::move(tensor));
  }

  Graph& graph_;
  std::vector<std::optional<Grid>> grids_;  // by TensorId, also those that follow from others
  int count_ = 0;
};

}  // namespace

void match_grids(Graph& graph) {
  Matcher(graph).run();
}

}  // namespace arco
