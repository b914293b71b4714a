// What the commands that search have in common: models and weights, space and budget, tuner and its options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "arco/cli/console.h"
#include "arco/cli/model_pipeline.h"
#include "arco/search/co_optimiser.h"

namespace arco {

struct TuneOptions {
  std::vector<std::string> models;
  std::vector<double> weights;
  ModelOptions model;
  std::string hardware;  // file; empty: the chip is searched
  std::string space = "full";
  double area_mm2 = 0;       // 0: the default VTA's
  int64_t buffer_bytes = 0;  // 0: unlimited
  int bus_bits = 64;
  std::string tuner = "arco";
  std::vector<std::string> options;    // "NAME=VALUE"
  std::vector<std::string> ablations;  // parts of ARCO to leave out
};

void add_space_options(CLI::App& command, TuneOptions& options);
void add_tuner_options(CLI::App& command, TuneOptions& options);

// The tuner with its options, ablations applied. UserError with every unknown name.
TunerChoice tuner_choice(const TuneOptions& options);
SpaceOptions space_options(const TuneOptions& options);

// The accelerator tasks of a model file.
std::vector<WeightedTask> tasks_of_model(const std::string& path, const ModelOptions& options, Console& console);
// Of all models with their weights; equal workloads become one task.
std::vector<WeightedTask> gather_tasks(const TuneOptions& options, Console& console);

}  // namespace arco
