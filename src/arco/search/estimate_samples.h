// Random and real points of the joint space, for the tests and benchmarks of the closed forms.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arco/base/random.h"
#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

HardwareConfig random_hardware(Random& random);
// Of every kind; small enough that a simulation takes about a millisecond.
Workload random_workload(Random& random);
// Nothing if a number of attempts finds none that is legal, or only programs of very many instructions.
std::optional<Schedule> random_schedule(Random& random, const Workload& workload, const HardwareConfig& hardware);

struct NamedLayer {
  std::string name;
  Workload workload;
  int uses = 1;  // in the network
};
// Convolutions C2 to C11 of ResNet-18 v1 (vta-isa 5.9), with bias and ReLU; `uses` for ResNet-18 or ResNet-34.
std::vector<NamedLayer> resnet_convolutions(int depth);
// Layers of ResNet-18 (residual ones too), VGG-16 and AlexNet, dense and pooling layers included.
std::vector<NamedLayer> zoo_layers();

// Chips that the tests look at: the default VTA, larger cores of both variants, wide interfaces.
std::vector<HardwareConfig> sample_chips();

// How well estimates predict: mean of |estimate / cycles - 1|, mean of estimate / cycles - 1.
struct Accuracy {
  double mean_absolute_error = 0;
  double bias = 0;
  double rank_correlation = 0;  // Spearman
};
Accuracy accuracy_of(const std::vector<double>& estimates, const std::vector<double>& cycles);
double median(std::vector<double> values);

}  // namespace arco
