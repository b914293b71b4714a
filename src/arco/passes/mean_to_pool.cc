// The mean over both dimensions of the plane is global average pooling; where these dimensions are dropped, a reshape
// follows.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

bool is_plane_mean(const Graph& graph, const Node& node) {
  const auto* reduce = std::get_if<Reduce>(&node.op);
  const Tensor& x = graph.tensor(node.inputs[0]);
  if (reduce == nullptr || reduce->kind != Reduce::Kind::kMean || x.shape.size() != 4) return false;
  if (x.type != DataType::kFloat32) return false;
  std::vector<int64_t> axes;
  for (const int64_t axis : reduce->axes) axes.push_back(axis < 0 ? axis + 4 : axis);
  std::sort(axes.begin(), axes.end());
  return axes == std::vector<int64_t>{2, 3};
}

}  // namespace

void mean_to_pool(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    if (!is_plane_mean(graph, node)) {
      nodes.push_back(std::move(node));
      continue;
    }
    const bool keeps = std::get<Reduce>(node.op).keep_dims;
    Pool pool;
    pool.kind = Pool::Kind::kAverage;
    pool.global = true;
    node.op = pool;
    const TensorId result = node.outputs[0];
    if (!keeps) {
      const Shape& x = graph.tensor(node.inputs[0]).shape;
      Tensor mean;
      mean.name = node.name + ".mean";
      mean.shape = {x[0], x[1], 1, 1};
      node.outputs = {graph.add_tensor(std::move(mean))};
    }
    nodes.push_back(node);
    if (keeps) continue;
    Node reshape;
    reshape.name = node.name + ".reshape";
    reshape.op = Reshape{graph.tensor(result).shape};
    reshape.inputs = node.outputs;
    reshape.outputs = {result};
    reshape.origin = node.origin;
    nodes.push_back(std::move(reshape));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace arco
