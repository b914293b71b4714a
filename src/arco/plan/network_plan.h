// Splits a quantised graph into layers for the accelerator and steps for the host. Independent of the hardware.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/schedule/workload.h"

namespace arco {

// One node of the graph as an accelerator operation; a convolution maybe with the pooling or addition behind it.
struct AcceleratorLayer {
  std::string name;     // of the node
  int node = 0;         // index in Graph::nodes
  int stage_node = -1;  // the pooling or addition that is part of the layer, if the workload has such a stage
  Workload workload;
  Requantize numbers;
  Requantize stage_numbers;  // of averages in a pool stage; of an addition stage, the layer's results first
  // Graph tensors. Input and output are read as [n, c, h, w]; a dense layer may read the image that was flattened for
  // it.
  TensorId input = kNoTensor;
  TensorId residual = kNoTensor;  // conv: residual; addition (stage): the other operand
  TensorId weight = kNoTensor;
  TensorId bias = kNoTensor;
  TensorId output = kNoTensor;
};

// A node that the host runs, and why.
struct HostStep {
  int node = 0;
  std::string reason;
};

using Step = std::variant<AcceleratorLayer, HostStep>;

// Two steps that can run as one layer, at the place of the second.
struct Chain {
  int convolution = 0;  // indices in NetworkPlan::steps
  int follower = 0;     // a pooling or addition
  AcceleratorLayer layer;
};

// Steps in execution order, each layer by itself; whether chains are faster depends on the hardware. Nodes that only
// rename bytes for the accelerator (a flatten before a dense layer) have none.
struct NetworkPlan {
  std::vector<Step> steps;
  std::vector<Chain> chains;
};

NetworkPlan plan_network(const Graph& quantized);

// The distinct workloads of a plan in order of first use, and how often each occurs.
struct Task {
  Workload workload;
  Requantize numbers;  // of its first layer
  int count = 0;
  std::vector<std::string> layers;  // their names
};
std::vector<Task> tasks_of(const NetworkPlan& plan);

// The output range is [-high, high].
bool is_symmetric(const Requantize& numbers);

// A tensor as [n, c, h, w]: missing trailing dimensions are 1. Ranks 2 and 4 only.
std::array<int64_t, 4> as_image(const Shape& shape);

}  // namespace arco
