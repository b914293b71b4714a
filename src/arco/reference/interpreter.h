// The slow, obvious oracle: every operator straight from its definition, node by node. Float nodes compute in float32
// (sums in double); nodes with `requantize` compute in int8 with a wrapping int32 accumulator (graph.h, Requantize).
#pragma once

#include <functional>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Runs the whole graph on `inputs` (in the order of graph.inputs) and returns its outputs. `observe` sees every graph
// input and every node output, in order. Wrong number, type or shape of inputs: UserError. The result does not depend
// on the number of threads.
std::vector<Array> run_reference(const Graph& graph, const std::vector<Array>& inputs,
                                 const std::function<void(TensorId, const Array&)>& observe = {});

// Runs one node of `graph`. `inputs` has one entry for each of node.inputs; entries of absent and of constant inputs
// are ignored (constants come from the graph). Shapes of the graph must have been inferred.
std::vector<Array> run_reference_node(const Graph& graph, const Node& node, const std::vector<Array>& inputs);

}  // namespace arco
