// Runs the passes in order; each gets its timer, off-switch, interrupt check and verification.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

struct Pass {
  std::string name;
  void (*run)(Graph&);
};

// From an imported float graph to the fused form that quantisation and planning take.
const std::vector<Pass>& simplification_passes();

// Compares the graph before and after a pass; throws when it does not compute the same any more.
using PassVerifier = std::function<void(const Graph& before, const Graph& after, const std::string& pass)>;

struct PassOptions {
  std::vector<std::string> disabled;  // names of passes to leave out
  PassVerifier verify;                // called after each pass that ran
};

struct PassReport {
  std::string pass;
  double seconds = 0;  // of the pass itself, without checks and verification
  size_t nodes = 0;    // in the graph afterwards
};

// Shapes are inferred and invariants checked after every pass. UserError for an unknown name in `disabled` and for
// shapes that do not fit, RunError when interrupted, InternalError when a pass broke the graph.
std::vector<PassReport> run_passes(Graph& graph, const std::vector<Pass>& passes, const PassOptions& options = {});
inline std::vector<PassReport> simplify(Graph& graph, const PassOptions& options = {}) {
  return run_passes(graph, simplification_passes(), options);
}

// A verifier that runs both graphs on the reference with inputs drawn from `seed` (standard normal). InternalError when
// an output differs (floats: by more than `tolerance` times its largest magnitude) names pass, first wrong tensor,
// place and values. What it computed is kept for the next pass: use one verifier for one run_passes.
PassVerifier verify_by_reference(uint64_t seed = 0, double tolerance = 1e-4);

}  // namespace arco
