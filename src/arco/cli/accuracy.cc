#include "arco/cli/accuracy.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/cli/table.h"
#include "arco/quant/calibrate.h"

namespace arco {

using Json = nlohmann::json;

void add_accuracy_options(CLI::App& command, AccuracyOptions& options) {
  CLI::Option* inputs =
      command
          .add_option("--accuracy", options.inputs,
                      "Inputs to compare int8 with float on, given as for --calibrate: signal-to-noise of each layer, "
                      "worst first, and how often both decide the same")
          ->type_name("FOLDER|NPZ");
  command
      .add_option("--labels", options.labels,
                  "The right class of each input of --accuracy: a .npy file of integers, or text with one a line")
      ->type_name("FILE")
      ->needs(inputs);
}

AccuracyReport accuracy_of(const QuantizedModel& model, const AccuracyOptions& options) {
  ARCO_CHECK(model.float_graph.has_value(), "the float graph was not kept");
  std::vector<int64_t> labels;
  if (!options.labels.empty()) {
    labels = read_labels(options.labels);
    if (labels.empty()) fail_user("{}: holds no labels, expected the class of each input", options.labels);
  }
  const CalibrationData data = load_calibration(*model.float_graph, options.inputs);
  return measure_accuracy(*model.float_graph, model.graph, data.sets, labels);
}

namespace {

std::string share(int64_t part, int64_t whole) {
  return fmt::format("{} of {} ({:.2f} %)", grouped(static_cast<uint64_t>(part)), grouped(static_cast<uint64_t>(whole)),
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

void print_accuracy(const AccuracyReport& report, Console& console) {
  console.print("{}\n", to_text(worst_first(report.layers)));
  const Top1& top1 = report.top1;
  console.print("accuracy  {} inputs; ", grouped(static_cast<uint64_t>(report.samples)));
  if (top1.decisions == 0) {
    console.print("no output holds class scores, so there is no top-1 agreement\n\n");
    return;
  }
  console.print("int8 decides as float on {} by '{}'\n", share(top1.agreeing, top1.decisions), top1.output);
  if (top1.has_labels) {
    console.print("labels    right in float on {}, in int8 on {}\n", share(top1.float_correct, top1.decisions),
                  share(top1.int8_correct, top1.decisions));
  }
  console.print("\n");
}

Json to_json(const AccuracyReport& report) {
  Json layers = Json::array();
  for (const TensorNoise& line : worst_first(report.layers)) {
    // JSON has no infinity: null says that int8 and float are equal.
    layers.push_back(
        {{"node", line.node},
         {"operator", line.op},
         {"tensor", line.tensor},
         {"int8", line.is_int8},
         {"signal_to_noise_db", std::isinf(line.signal_to_noise_db) ? Json() : Json(line.signal_to_noise_db)},
         {"max_abs", line.max_abs},
         {"max_error", line.max_error},
         {"saturated", line.saturated}});
  }
  const Top1& top1 = report.top1;
  Json document{{"samples", report.samples}, {"layers", layers}, {"top1", nullptr}};
  if (top1.decisions > 0) {
    document["top1"] = {{"output", top1.output}, {"decisions", top1.decisions}, {"agreeing", top1.agreeing}};
    if (top1.has_labels) {
      document["top1"]["float_correct"] = top1.float_correct;
      document["top1"]["int8_correct"] = top1.int8_correct;
    }
  }
  return document;
}

}  // namespace arco
