// The list of passes reads as the table of contents of this room.
#include "arco/passes/pass_manager.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/passes/passes.h"

namespace arco {

const std::vector<Pass>& simplification_passes() {
  static const std::vector<Pass> passes{
      // Drop what does nothing at inference.
      {"fold_constants", fold_constants},
      {"remove_identity", remove_identity},
      {"mean_to_pool", mean_to_pool},
      {"resolve_global_pool", resolve_global_pool},
      {"fold_pad", fold_pad},
      // Matrix products become Dense layers.
      {"make_dense", make_dense},
      {"absorb_flatten", absorb_flatten},
      // Everything after a Conv or Dense goes into it, in the order of the arithmetic.
      {"fuse_bias", fuse_bias},
      {"make_depthwise", make_depthwise},
      {"fold_batch_norm", fold_batch_norm},
      {"fuse_residual", fuse_residual},
      {"fuse_clamp", fuse_clamp},
      {"merge_reshapes", merge_reshapes},
      // Into the forms that the accelerator runs.
      {"lower_conv_transpose", lower_conv_transpose},
      {"unfold_input", unfold_input},
      {"dead_code", dead_code},
  };
  return passes;
}

namespace {

void check_names(const std::vector<Pass>& passes, const std::vector<std::string>& disabled) {
  std::vector<std::string> names;
  for (const Pass& pass : passes) names.push_back(pass.name);
  ErrorList errors("disabled passes");
  for (const std::string& name : disabled) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string near = nearest_word(name, names);
    errors.add("there is no pass '{}'{}; choose from {}", name,
               near.empty() ? "" : fmt::format(", did you mean '{}'?", near), fmt::join(names, ", "));
  }
  errors.throw_if_any();
}

PassReport run_pass(Graph& graph, const Pass& pass, const PassVerifier& verify) {
  const Graph before = verify ? graph : Graph();
  const auto start = std::chrono::steady_clock::now();
  pass.run(graph);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  graph.check();
  infer_shapes(graph);
  if (verify) verify(before, graph, pass.name);
  return {pass.name, time.count(), graph.nodes.size()};
}

}  // namespace

std::vector<PassReport> run_passes(Graph& graph, const std::vector<Pass>& passes, const PassOptions& options) {
  check_names(passes, options.disabled);
  infer_shapes(graph);
  std::vector<PassReport> reports;
  for (const Pass& pass : passes) {
    if (interrupted()) throw RunError(fmt::format("interrupted before the pass {}", pass.name));
    if (std::find(options.disabled.begin(), options.disabled.end(), pass.name) != options.disabled.end()) continue;
    reports.push_back(run_pass(graph, pass, options.verify));
  }
  return reports;
}

}  // namespace arco
