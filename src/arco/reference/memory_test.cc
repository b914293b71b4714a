#include "arco/reference/memory.h"

#include <gtest/gtest.h>

namespace arco {
namespace {

TensorId add(Graph& graph, const char* name, const Shape& shape) {
  Tensor tensor;
  tensor.name = name;
  tensor.shape = shape;
  return graph.add_tensor(tensor);
}

TEST(PeakMemory, CountsWhatLivesAtATime) {
  Graph graph;
  const TensorId x = add(graph, "x", {100});
  const TensorId a = add(graph, "a", {100});
  const TensorId b = add(graph, "b", {100});
  const TensorId y = add(graph, "y", {200});
  graph.inputs = {x};
  graph.outputs = {y};
  Concat concat;
  concat.axis = 0;
  graph.nodes = {
      {"first", Identity{}, {x}, {a}, {}}, {"second", Identity{}, {a}, {b}, {}}, {"join", concat, {b, b}, {y}, {}}};
  // x and a; a and b; b and y.
  EXPECT_EQ(peak_memory(graph).bytes, 1200U);
  EXPECT_EQ(peak_memory(graph).node, 2);
  graph.nodes[2].inputs = {x, b};
  EXPECT_EQ(peak_memory(graph).bytes, 1600U);
}

}  // namespace
}  // namespace arco
