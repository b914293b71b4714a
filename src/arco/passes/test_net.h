// Small float graphs for tests of passes.
#pragma once

#include <string>
#include <vector>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/graph/graph.h"
#include "arco/passes/pass_manager.h"
#include "arco/passes/passes.h"

namespace arco::testing_support {

// Builds small graphs with seeded constants.
class Net {
 public:
  explicit Net(uint64_t seed = 1) : random_(seed) { graph.name = "net"; }

  Graph graph;

  TensorId input(Shape shape) {
    const TensorId id = tensor("x", std::move(shape));
    graph.inputs.push_back(id);
    return id;
  }
  TensorId constant(Shape shape, double low = -1, double high = 1) {
    Array array(DataType::kFloat32, std::move(shape));
    for (float& v : array.mutable_data<float>()) v = static_cast<float>(low + (high - low) * random_.uniform());
    return graph.add_constant(fmt::format("c{}", graph.tensors.size()), array);
  }
  TensorId add(Op op, std::vector<TensorId> inputs) {
    const TensorId out = tensor("t", {});
    graph.nodes.push_back({fmt::format("n{}", graph.nodes.size()), std::move(op), std::move(inputs), {out}, {}});
    infer_shapes(graph);
    return out;
  }
  // 3x3, padded, with `outputs` channels.
  TensorId conv(TensorId x, int64_t outputs, bool bias, int64_t groups = 1) {
    Conv op;
    op.pads = {1, 1, 1, 1};
    op.groups = groups;
    const TensorId w = constant({outputs, graph.tensor(x).shape[1] / groups, 3, 3});
    return add(op, bias ? std::vector<TensorId>{x, w, constant({outputs})} : std::vector<TensorId>{x, w});
  }
  TensorId batch_norm(TensorId x) {
    const Shape c{graph.tensor(x).shape[1]};
    return add(BatchNorm{}, {x, constant(c), constant(c), constant(c), constant(c, 0.5, 2)});
  }
  TensorId relu(TensorId x) { return add(Clip{{.low = 0}}, {x}); }
  void output(TensorId id) { graph.outputs.push_back(id); }

 private:
  TensorId tensor(const char* prefix, Shape shape) {
    Tensor t;
    t.name = fmt::format("{}{}", prefix, graph.tensors.size());
    t.shape = std::move(shape);
    return graph.add_tensor(std::move(t));
  }
  Random random_;
};

using Names = std::vector<std::string>;

// Applies one pass under verification and gives the operators left.
inline Names after(Graph& graph, void (*pass)(Graph&)) {
  run_passes(graph, {{"tested", pass}, {"dead_code", dead_code}}, {.disabled = {}, .verify = verify_by_reference()});
  Names names;
  for (const Node& node : graph.nodes) names.emplace_back(op_name(node.op));
  return names;
}

}  // namespace arco::testing_support
