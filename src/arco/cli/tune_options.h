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
  std::string objective = "latency";
  double area_mm2 = 0;       // 0: the default VTA's
  int64_t buffer_bytes = 0;  // this and those below: 0 is unlimited
  int64_t dsp = 0, bram36 = 0, lut = 0;
  double energy_uj = 0;
  int bus_bits = 64;
  std::string tuner = "arco";
  std::vector<std::string> options;    // "NAME=VALUE"
  std::vector<std::string> ablations;  // parts of ARCO to leave out
  std::string agents;                  // file of agents to start with; empty: those that ARCO ships
};

void add_space_options(CLI::App& command, TuneOptions& options);
void add_tuner_options(CLI::App& command, TuneOptions& options);

// The tuner with its options, ablations applied. UserError with every unknown name.
TunerChoice tuner_choice(const TuneOptions& options);
// UserError for an unknown objective or a hardware file that is none.
SpaceOptions space_options(const TuneOptions& options);
// Whether the chip is given, and whether there is a budget for it beside the default one.
bool gives_hardware(const TuneOptions& options);
bool limits_hardware(const TuneOptions& options);

struct NetworkTasks {
  std::vector<WeightedTask> tasks;
  std::vector<ChainTask> chains;  // pairs of the tasks that may run as one layer
  double samples = 1;             // of one run: the first dimension of the network's input
};
// The accelerator tasks of a model file on chips of the variant.
NetworkTasks tasks_of_model(const std::string& path, const ModelOptions& options, IsaVariant variant, Console& console);
// Of all models with their weights, samples too; equal workloads become one task.
NetworkTasks gather_tasks(const TuneOptions& options, IsaVariant variant, Console& console);

}  // namespace arco
