// Counts as the interpreter works: a result lives from its node to its last reader, graph outputs to the end.
#include "arco/reference/memory.h"

#include <algorithm>

namespace arco {

PeakMemory peak_memory(const Graph& graph) {
  std::vector<int> readers(graph.tensors.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const TensorId id : node.inputs) {
      if (id != kNoTensor) ++readers[static_cast<size_t>(id)];
    }
  }
  for (const TensorId id : graph.outputs) ++readers[static_cast<size_t>(id)];
  const auto bytes_of = [&](TensorId id) -> uint64_t {
    const Tensor& tensor = graph.tensor(id);
    return tensor.constant ? 0 : static_cast<uint64_t>(element_count(tensor.shape)) * byte_size(tensor.type);
  };
  PeakMemory peak;
  uint64_t live = 0;
  for (const TensorId id : graph.inputs) live += bytes_of(id);
  peak.bytes = live;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const TensorId id : graph.nodes[n].outputs) live += bytes_of(id);
    if (live > peak.bytes) peak = {live, static_cast<int>(n)};
    for (const TensorId id : graph.nodes[n].inputs) {
      if (id != kNoTensor && --readers[static_cast<size_t>(id)] == 0) live -= bytes_of(id);
    }
  }
  return peak;
}

}  // namespace arco
