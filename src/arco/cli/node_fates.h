// What becomes of each node of a model's file on its way to the chip: folded, fused away, or run somewhere.
#pragma once

#include <string>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/onnx/importer.h"
#include "arco/runtime/executable.h"

namespace arco {

struct NodeFate {
  std::string name;
  std::string op;    // ONNX operator type
  std::string gone;  // how it went away before anything ran; empty: nodes of the graph come from it
};

// One for each node of the file, in its order, as the importer left them.
std::vector<NodeFate> fates_of(const std::vector<ModelNode>& nodes);

// Notes for nodes that no output of `after` depends on any more that they went away in the pass.
void note_pass(std::vector<NodeFate>& fates, const Graph& after, const std::string& pass);

// The same for what take_brought_scales() takes away: pairs of QuantizeLinear and DequantizeLinear.
void note_brought_scales(std::vector<NodeFate>& fates, const Graph& after);

// Where a node of the file runs: on the accelerator if any part of it does.
struct Place {
  std::string runs_on;  // "accelerator", "host" or "-"
  std::string detail;   // the workload, or why not; of several parts, which runs where
};

// One for each of `fates`.
std::vector<Place> places_of(const std::vector<NodeFate>& fates, const Executable& executable);

}  // namespace arco
