#include "arco/cli/model_pipeline.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>

#include "arco/base/error.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/graph/difference.h"
#include "arco/onnx/importer.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/kept_scales.h"
#include "arco/quant/quantize.h"
#include "arco/quant/verify_quantized.h"
#include "arco/reference/memory.h"
#include "arco/schedule/legality.h"
#include "arco/search/design.h"

namespace arco {

void add_model_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--calibrate", options.calibrate,
                  "Typical inputs that decide the integer scales: a folder of .npy files or an .npz archive")
      ->type_name("FOLDER|NPZ");
  command
      .add_option("--ranges", options.ranges,
                  "How calibration takes a tensor's range: min-max; percentile[=P], the value that P % (99.99) stay "
                  "below; mse, the scale with the least squared error")
      ->type_name("METHOD")
      ->capture_default_str();
  command
      .add_option("--weight-scales", options.weight_scales,
                  "per-tensor: one power of two for the weights of a layer; per-channel: a multiplier for each output "
                  "channel, more accurate for a few cycles more, on vta++ only (default: on vta++ the scales that a "
                  "quantised model brings, else per-tensor)")
      ->type_name("SCALES")
      ->check(one_of({"per-tensor", "per-channel"}).description(""));
  add_shape_options(command, options);
  command.add_option("--seed", options.seed, "Seed of the noise used without --calibrate")
      ->check(whole_number())
      ->capture_default_str();
  command.add_option("--disable-pass", options.disabled_passes, "Leave out a graph pass (repeat for several)")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
}

void add_shape_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--batch", options.batch, "Batch size where the model leaves it open")
      ->check(positive_number())
      ->capture_default_str();
  command.add_option("--shape", options.shapes, "Shape of an input, such as image=1x3x224x224 (repeat for several)")
      ->type_name("NAME=SHAPE")
      ->expected(1)
      ->take_all();
}

namespace {

Shape parse_shape(const std::string& text, const std::string& flag) {
  Shape shape;
  const char* next = text.data();
  const char* const end = next + text.size();
  while (true) {
    int64_t extent = 0;
    const auto [stop, error] = std::from_chars(next, end, extent);
    if (error != std::errc() || extent < 1 || (stop != end && *stop != 'x')) {
      fail_user("--shape {}: expected NAME=SHAPE with a shape such as 1x3x224x224", flag);
    }
    shape.push_back(extent);
    if (stop == end) return shape;
    next = stop + 1;
  }
}

ImportOptions import_options(const ModelOptions& options) {
  ImportOptions result;
  result.batch = options.batch;
  for (const std::string& flag : options.shapes) {
    const size_t equals = flag.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      fail_user("--shape {}: expected NAME=SHAPE, for instance image=1x3x224x224", flag);
    }
    result.input_shapes[flag.substr(0, equals)] = parse_shape(flag.substr(equals + 1), flag);
  }
  return result;
}

// Runs the passes and notes in which of them each node of the file went away. Operators of quantised models go away
// after that, and the passes run again on what they leave.
void simplify_and_follow(const ModelOptions& options, bool keep_brought, QuantizedModel& model) {
  PassOptions pass_options;
  pass_options.disabled = options.disabled_passes;
  const auto run = [&] {
    const PassVerifier verifier = options.verify_passes ? verify_by_reference(options.seed) : PassVerifier();
    pass_options.verify = [&](const Graph& before, const Graph& after, const std::string& pass) {
      if (verifier) verifier(before, after, pass);
      note_pass(model.nodes, after, pass);
    };
    return naming_file(options.model, [&] { return simplify(model.graph, pass_options); });
  };
  model.passes = run();
  if (take_brought_scales(model.graph, keep_brought) == 0) return;
  note_brought_scales(model.nodes, model.graph);
  run();
}

// One line for activations or weights whose scales the model brought.
void report_scales(const KeptScales& scales, const char* what, const char* instead, Console& console) {
  if (scales.brought == 0 || scales.kept == scales.brought) return;
  console.warn("the model brings scales of {} {}; {} are kept, the others (such as {}) {}", scales.brought, what,
               scales.kept, scales.example, instead);
}

void report_brought_scales(const Graph& graph, const Graph& quantized, const QuantizeOptions& options,
                           Console& console) {
  const BroughtScales scales = compare_brought_scales(graph, quantized);
  const bool multiplies = options.keep_brought || options.weight_scales == WeightScales::kPerChannel;
  report_scales(scales.activations, "activations",
                options.keep_brought
                    ? "become the next power of two that covers the model's range: tensors that are joined share one "
                      "scale"
                    : "become the next power of two that covers the model's range; chips of variant vta++ keep scales "
                      "and zero points, unless --weight-scales per-tensor is given",
                console);
  report_scales(scales.weights, "weights",
                multiplies ? "are chosen anew: no multipliers of 15 bits are near enough to all of them"
                           : "are chosen anew as powers of two; chips of variant vta++ keep them, unless "
                             "--weight-scales per-tensor is given",
                console);
}

// Whether a scale came from calibration, and not every one with the model.
bool uses_ranges(const Graph& quantized) {
  return std::ranges::any_of(quantized.tensors, [](const Tensor& tensor) {
    return tensor.type == DataType::kInt8 && !tensor.constant && !tensor.grid;
  });
}

// Weights of layers that are not finite, before passes change them: as the file names and counts them.
void check_weights(const Graph& graph, const std::string& model) {
  ErrorList errors(model);
  for (const Node& node : graph.nodes) {
    const bool has_weights = std::holds_alternative<Conv>(node.op) || std::holds_alternative<ConvTranspose>(node.op) ||
                             std::holds_alternative<MatMul>(node.op) || std::holds_alternative<BatchNorm>(node.op);
    for (const TensorId id : node.inputs) {
      if (!has_weights || id == kNoTensor) continue;
      const Tensor& tensor = graph.tensor(id);
      if (!tensor.constant || tensor.type != DataType::kFloat32) continue;
      const auto values = tensor.constant->data<float>();
      const auto bad = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
      if (bad == values.end()) continue;
      errors.add("'{}' of node '{}' holds {} at {}; export a model whose training did not diverge", tensor.name,
                 node.name, *bad, position_text(bad - values.begin(), tensor.shape));
    }
  }
  errors.throw_if_any();
}

// A few bytes of file can describe tensors beyond any memory.
void check_memory(const Graph& graph, const std::string& model) {
  constexpr uint64_t kMostBytes = uint64_t{4} << 30;
  const PeakMemory peak = peak_memory(graph);
  if (peak.bytes <= kMostBytes) return;
  fail_user("{}: running the network takes {} of memory{}, expected at most {}; give smaller inputs (--batch, --shape)",
            model, human_bytes(peak.bytes),
            peak.node < 0 ? "" : fmt::format(" at node '{}'", graph.nodes[static_cast<size_t>(peak.node)].name),
            human_bytes(kMostBytes));
}

}  // namespace

ImportedModel import_model(const ModelOptions& options) {
  ImportedModel model = import_with_nodes(options.model, import_options(options));
  check_memory(model.graph, options.model);
  return model;
}

QuantizedModel quantize_model(const ModelOptions& options, IsaVariant variant, Console& console) {
  const RangeMethod ranges = parse_range_method(options.ranges);
  QuantizedModel model;
  QuantizeOptions scales;
  scales.keep_brought = variant == IsaVariant::kVtaPlus && options.weight_scales != "per-tensor";
  if (options.weight_scales == "per-channel") scales.weight_scales = WeightScales::kPerChannel;
  ImportedModel imported = import_model(options);
  model.graph = std::move(imported.graph);
  model.nodes = fates_of(imported.nodes);
  check_weights(model.graph, options.model);
  simplify_and_follow(options, scales.keep_brought, model);
  CalibrationData data = options.calibrate.empty() ? noise_calibration(model.graph, options.seed)
                                                   : load_calibration(model.graph, options.calibrate);
  Graph quantized =
      naming_file(options.model, [&] { return quantize(model.graph, calibrate(model.graph, data, ranges), scales); });
  if (!data.is_noise && holds_only_constants(data) && uses_ranges(quantized)) {
    console.warn(
        "{}: every input is constant throughout, so the integer scales are guessed from constant inputs; give "
        "typical inputs",
        options.calibrate);
  }
  model.calibrated_on_noise = data.is_noise && uses_ranges(quantized);
  if (model.calibrated_on_noise) {
    console.warn(
        "no --calibrate given: the integer scales are guessed from random noise, so accuracy on real inputs may "
        "suffer. Give typical inputs with --calibrate FOLDER or --calibrate FILE.npz.");
  }
  report_brought_scales(model.graph, quantized, scales, console);
  if (options.verify_passes) verify_quantized(model.graph, quantized, data.sets);
  if (options.keep_float_graph) model.float_graph = std::move(model.graph);
  model.graph = std::move(quantized);
  return model;
}

void check_model_options(const ModelOptions& options, const HardwareConfig& hardware) {
  if (options.weight_scales != "per-channel" || hardware.variant == IsaVariant::kVtaPlus) return;
  fail_user(
      "--weight-scales per-channel needs a chip of variant vta++: {} cannot multiply accumulators by a number for each "
      "channel. Give hardware with \"ISA_VARIANT\": \"vta++\" (--hardware, or --design of `arco tune`), or take "
      "--weight-scales per-tensor",
      hardware.to_string());
}

void add_target_options(CLI::App& command, TargetOptions& options) {
  CLI::Option* hardware =
      command.add_option("--hardware", options.hardware, "Accelerator as vta_config.json (default: the default VTA)")
          ->type_name("FILE");
  command.add_option("--design", options.design, "Accelerator and schedules that `arco tune` found (design.json)")
      ->type_name("FILE")
      ->excludes(hardware);
  command.add_flag("--no-chains", options.no_chains,
                   "Keep poolings and additions layers of their own, also where they are faster together with the "
                   "convolution before");
}

Target read_target(const TargetOptions& options, Console& console) {
  Target target;
  if (options.no_chains) target.chains = ChainRule::kNever;
  if (!options.hardware.empty()) target.hardware = read_hardware(options.hardware);
  if (!options.design.empty()) {
    const Design design = read_design(options.design);
    target.hardware = design.hardware;
    const auto told = std::make_shared<std::set<std::string>>();  // workloads, each once
    target.schedules = [design, told, file = options.design, &console](const Workload& workload) {
      const std::optional<Schedule> schedule = design.schedule_for(workload);
      const std::string why = schedule ? why_illegal(workload, *schedule, design.hardware) : "";
      if (!why.empty()) {
        fail_user("{}: the schedule {} of {} is illegal: {}; tune again", file, schedule->to_string(),
                  workload.to_string(), why);
      }
      if (!schedule && !workload.pool && !workload.add && told->insert(workload.to_string()).second) {
        console.warn("the design has no schedule for {}; taking the best estimated one (`arco tune` finds a better)",
                     workload.to_string());
      }
      return schedule;
    };
  }
  return target;
}

}  // namespace arco
