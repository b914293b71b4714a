// From an ONNX file to an executable: import, simplify, calibrate, quantise, compile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arco/base/error.h"
#include "arco/cli/console.h"
#include "arco/cli/node_fates.h"
#include "arco/graph/graph.h"
#include "arco/passes/pass_manager.h"
#include "arco/runtime/executable.h"

namespace CLI {
class App;
}

namespace arco {

// Flags of every command that takes a model.
struct ModelOptions {
  std::string model;
  std::string calibrate;  // folder of .npy, or .npz; empty: noise
  std::string ranges = "min-max";
  std::string weight_scales;  // per-tensor, per-channel; empty: where the model brings such scales and the chip can
  int64_t batch = 1;
  uint64_t seed = 0;
  std::vector<std::string> shapes;  // "NAME=1x3x224x224"
  std::vector<std::string> disabled_passes;
  bool verify_passes = false;  // compare the graph with the reference after each pass and after quantisation
  bool keep_float_graph = false;
};
void add_model_options(CLI::App& command, ModelOptions& options);
void add_shape_options(CLI::App& command, ModelOptions& options);  // only those that import_model() needs

// The float graph as it stands in the file.
ImportedModel import_model(const ModelOptions& options);

// Runs `work`; its complaints name the file, since what works on graphs knows no files.
template <typename Work>
auto naming_file(const std::string& file, const Work& work) {
  try {
    return work();
  } catch (const UserError& error) {
    fail_user("{}: {}", file, error.what());
  }
}

// UserError if the options ask for what these chips cannot do; to be called before any work.
void check_model_options(const ModelOptions& options, const HardwareConfig& hardware);

struct QuantizedModel {
  Graph graph;
  std::vector<NodeFate> nodes;  // of the file, in its order
  std::vector<PassReport> passes;
  bool calibrated_on_noise = false;
  std::optional<Graph> float_graph;  // simplified, before quantisation; if asked for
};

// For chips of this variant. Warns on the console when noise had to serve for calibration, and of scales that a
// quantised model brings and that cannot be kept.
QuantizedModel quantize_model(const ModelOptions& options, IsaVariant variant, Console& console);

// The accelerator and the schedules that a command compiles for.
struct Target {
  HardwareConfig hardware;
  ScheduleSource schedules;  // empty: the best estimated
  ChainRule chains = ChainRule::kWhereFaster;
};
struct TargetOptions {
  std::string hardware;  // vta_config.json
  std::string design;    // design.json of `arco tune`
  bool no_chains = false;
};
void add_target_options(CLI::App& command, TargetOptions& options);
// Warns for workloads that the design does not know. `console` must outlive the target.
Target read_target(const TargetOptions& options, Console& console);

}  // namespace arco
