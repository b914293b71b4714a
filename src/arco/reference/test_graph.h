// Small graphs for tests: tensors, constants and nodes in one line each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/reference/interpreter.h"

namespace arco::testing_support {

// A graph under construction. Output shapes come from infer_shapes.
struct TestGraph {
  Graph graph;

  TensorId input(const std::string& name, Shape shape, DataType type = DataType::kFloat32, int exponent = 0) {
    graph.inputs.push_back(graph.add_tensor({name, type, std::move(shape), std::nullopt, exponent}));
    return graph.inputs.back();
  }
  template <typename T>
  TensorId constant(const std::string& name, Shape shape, const std::vector<T>& values) {
    return graph.add_constant(name, Array::of<T>(std::move(shape), values));
  }
  TensorId node(const std::string& name, Op op, std::vector<TensorId> inputs,
                std::optional<Requantize> requantize = std::nullopt, int exponent = 0) {
    Tensor output;
    output.name = name + ":out";
    output.exponent = exponent;
    const TensorId id = graph.add_tensor(std::move(output));
    graph.nodes.push_back({name, std::move(op), std::move(inputs), {id}, requantize});
    return id;
  }
  // Names the outputs, infers shapes and checks the graph.
  Graph& finish(std::vector<TensorId> outputs) {
    graph.outputs = std::move(outputs);
    infer_shapes(graph);
    graph.check();
    return graph;
  }
};

// Runs one operator on float inputs and returns its only output.
inline Array run_op(const Op& op, const std::vector<Array>& inputs, std::optional<Requantize> requantize = std::nullopt,
                    int input_exponent = 0, int output_exponent = 0) {
  TestGraph t;
  std::vector<TensorId> ids;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ids.push_back(t.input("in" + std::to_string(i), inputs[i].shape(), inputs[i].type(), input_exponent));
  }
  const Graph& graph = t.finish({t.node("op", op, ids, requantize, output_exponent)});
  return run_reference(graph, inputs).at(0);
}

}  // namespace arco::testing_support
