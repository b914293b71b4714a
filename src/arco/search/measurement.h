// What measuring one configuration brings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace arco {

enum class MeasureStatus : uint8_t { kOk = 0, kIllegal = 1, kWrongAnswer = 5, kFailed = 4 };

struct Measurement {
  uint64_t index = 0;  // in the space
  MeasureStatus status = MeasureStatus::kOk;
  std::string why;    // the violated rule, when not ok
  double cycles = 0;  // ok only
  double cost = 0;    // what the search minimises (SearchSpace::cost), ok only; not part of a record
  double energy_pj = 0;
  double area_mm2 = 0;
  uint64_t dram_bytes = 0;
  double wall_seconds = 0;  // of measuring; never part of a decision
};

// Measures a batch; results in the order of the indices.
using Measurer = std::function<std::vector<Measurement>(const std::vector<uint64_t>& indices)>;

}  // namespace arco
