// `arco compile --accuracy`: what int8 costs, on inputs of the user's.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "arco/cli/console.h"
#include "arco/cli/model_pipeline.h"
#include "arco/quant/report.h"

namespace arco {

struct AccuracyOptions {
  std::string inputs;  // folder of .npy, or .npz; empty: not asked for
  std::string labels;
};
void add_accuracy_options(CLI::App& command, AccuracyOptions& options);

// Runs float and int8 on the reference interpreter. `model` holds its float graph.
AccuracyReport accuracy_of(const QuantizedModel& model, const AccuracyOptions& options);
void print_accuracy(const AccuracyReport& report, Console& console);
nlohmann::json to_json(const AccuracyReport& report);

}  // namespace arco
