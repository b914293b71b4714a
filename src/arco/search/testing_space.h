// A small accelerator-like space for the tests of tuners: seven knobs, illegal regions, an optimum known by trying all.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/measurement.h"
#include "arco/search/space.h"

namespace arco {

// A made-up layer of 56 x 56 x 64 x 64: cycles are the larger of computing and fetching (with halo and padding waste),
// plus latencies and a ripple that no feature explains.
class TestingSpace : public SearchSpace {
 public:
  explicit TestingSpace(uint64_t ripple_seed = 1) : ripple_seed_(ripple_seed) {
    knobs_ = {{"batch", Agent::kHardware, {1, 2, 4, 8}},         {"block", Agent::kHardware, {8, 16, 32, 64}},
              {"h_threads", Agent::kScheduling, {1, 2}},         {"oc_threads", Agent::kScheduling, {1, 2}},
              {"tile_h", Agent::kMapping, {1, 2, 4, 7, 14, 28}}, {"tile_w", Agent::kMapping, {1, 2, 4, 7, 14, 28}},
              {"tile_ci", Agent::kMapping, {1, 2, 4, 8}}};
    for (uint64_t index = 0; index < size(); ++index) {
      const Choice choice = decode(index);
      if (!legal(choice)) continue;
      ++legal_count_;
      if (cycles(choice) < best_cycles_) {
        best_cycles_ = cycles(choice);
        best_index_ = index;
      }
    }
  }

  std::string why_illegal(const Choice& choice) const override {
    const Values v = values(choice);
    if (v.h_threads == 2 && v.oc_threads == 2) return "both threads";
    if (v.batch * v.block > 256) return "area: needs " + std::to_string(v.batch * v.block) + ", available 256";
    if (demand(v) > 8192) return "inp: needs " + std::to_string(demand(v)) + " bytes, available 8192";
    return "";
  }
  size_t feature_count() const override { return 9; }
  void features(const Choice& choice, std::span<float> out) const override {
    for (size_t j = 0; j < 7; ++j) {
      out[j] = std::log2(static_cast<float>(knobs()[j].values[static_cast<size_t>(choice[j])]));
    }
    const Values v = values(choice);
    out[7] = static_cast<float>(demand(v)) / 8192;
    out[8] = static_cast<float>(v.batch * v.block) / 256;
  }
  std::vector<float> workload_descriptor() const override { return {0.4F, 0.4F, 0.4F, 0.4F}; }
  Resources resources(const Choice& choice) const override {
    Resources r;
    const Values v = values(choice);
    r.area = static_cast<float>(v.batch * v.block) / 256;
    r.memory = r.inp = static_cast<float>(demand(v)) / 8192;
    return r;
  }
  double bound(const Choice& choice) const override {
    const Values v = values(choice);
    return std::max(compute(v), traffic(v));
  }
  double estimate(const Choice& choice) const override { return 1.1 * bound(choice); }
  Choice default_choice() const override { return {0, 1, 0, 0, 2, 2, 0}; }

  double cycles(const Choice& choice) const {
    const Values v = values(choice);
    const double latency = 50.0 * (56.0 / static_cast<double>(v.tile_h)) * (56.0 / static_cast<double>(v.tile_w)) /
                           static_cast<double>(v.h_threads * v.oc_threads);
    const double ripple = 0.05 * static_cast<double>(mix64(encode(choice) ^ (ripple_seed_ << 40)) % 1000) / 1000;
    return (bound(choice) + latency) * (1 + ripple);
  }
  uint64_t best_index() const { return best_index_; }
  double best_cycles() const { return best_cycles_; }
  size_t legal_count() const { return legal_count_; }

 private:
  struct Values {
    int64_t batch, block, h_threads, oc_threads, tile_h, tile_w, tile_ci;
  };
  Values values(const Choice& c) const {
    const auto at = [&](size_t j) { return knobs()[j].values[static_cast<size_t>(c[j])]; };
    return {at(0), at(1), at(2), at(3), at(4), at(5), at(6)};
  }
  static int64_t demand(const Values& v) {
    return (v.tile_h + 2) * (v.tile_w + 2) * v.tile_ci * v.block * v.h_threads * v.oc_threads / 2;
  }
  static double compute(const Values& v) {
    return 56.0 * 56 * 64 * 64 * 9 / static_cast<double>(v.block * v.block) / std::sqrt(static_cast<double>(v.batch));
  }
  static double traffic(const Values& v) {
    const double halo = static_cast<double>((v.tile_h + 2) * (v.tile_w + 2)) / static_cast<double>(v.tile_h * v.tile_w);
    return 56.0 * 56 * 64 * halo / 8 * (1 + 4.0 / static_cast<double>(v.tile_ci));
  }

  uint64_t ripple_seed_;
  uint64_t best_index_ = 0;
  double best_cycles_ = std::numeric_limits<double>::infinity();
  size_t legal_count_ = 0;
};

inline Measurement measure_one(const TestingSpace& space, uint64_t index) {
  Measurement m;
  m.index = index;
  const Choice choice = space.decode(index);
  m.why = space.why_illegal(choice);
  m.status = m.why.empty() ? MeasureStatus::kOk : MeasureStatus::kIllegal;
  if (!m.why.empty()) return m;
  m.cycles = m.cost = space.cycles(choice);
  m.energy_pj = 3 * m.cycles;
  m.area_mm2 = 2.5;
  m.dram_bytes = 1000 + index;
  return m;
}

inline Measurer testing_measurer(const TestingSpace& space) {
  return [&space](const std::vector<uint64_t>& indices) {
    std::vector<Measurement> results;
    for (const uint64_t index : indices) results.push_back(measure_one(space, index));
    return results;
  };
}

}  // namespace arco
