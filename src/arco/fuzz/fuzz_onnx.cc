#include <algorithm>

#include "arco/fuzz/fuzz_targets.h"
#include "arco/graph/graph.h"
#include "arco/onnx/importer.h"
#include "arco/passes/pass_manager.h"

namespace arco {

namespace {

// The passes compute with constants and unroll small operators; on large tensors they would only take long.
constexpr int64_t kMostElements = 1 << 12;

bool is_small(const Graph& graph) {
  return std::all_of(graph.tensors.begin(), graph.tensors.end(),
                     [](const Tensor& tensor) { return element_count(tensor.shape) <= kMostElements; });
}

}  // namespace

void fuzz_onnx(std::span<const uint8_t> bytes) {
  Graph graph = import_onnx(bytes, "fuzz.onnx");
  to_text(graph);
  if (is_small(graph)) simplify(graph);
}

}  // namespace arco
