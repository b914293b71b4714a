// ONNX files become Graphs: opsets 7 to 21, float32 (float16, bfloat16 and double are converted).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

constexpr int kOldestOpset = 7;
constexpr int kNewestOpset = 21;

struct ImportOptions {
  // Value of a graph input's first dimension where the file leaves it symbolic or unknown.
  int64_t batch = 1;
  // Shapes that replace those of the file, by the name of the graph input.
  std::map<std::string, Shape> input_shapes;
};

// A node of the file, as its author knows it.
struct ModelNode {
  std::string name;    // made from its place where the file gives none
  std::string op;      // ONNX operator type
  std::string folded;  // why nothing of it is left to be computed; empty: nodes of the graph have it as their `origin`
};

struct ImportedModel {
  Graph graph;
  std::vector<ModelNode> nodes;  // all of the file, in its order
};

// Reads the model at `path`; tensors with external data are read from files inside the model's folder.
// The graph is in topological order, all shapes known, operators as they stand in the file (nothing fused or folded).
// Throws one UserError that lists everything that is wrong: unreadable or truncated file, cycles, undefined or doubly
// defined names, opsets, operators, attributes and types that are not supported, shapes that do not fit.
ImportedModel import_with_nodes(const std::filesystem::path& path, const ImportOptions& options = {});
inline Graph import_onnx(const std::filesystem::path& path, const ImportOptions& options = {}) {
  return import_with_nodes(path, options).graph;
}

// The same for a model in memory. `name` stands for it in messages; external data is refused.
Graph import_onnx(std::span<const uint8_t> bytes, const std::string& name, const ImportOptions& options = {});

}  // namespace arco
