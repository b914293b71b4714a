// Whether a classifier decides the same in float and in int8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// How often the largest of the class scores is the same. Scores are the first graph output that is float32 with at
// least two dimensions and two classes, [N, classes, ...]; every position of every sample decides for itself.
struct Top1 {
  std::string output;  // its name; empty: the network has no class scores, and all numbers are 0
  int64_t decisions = 0;
  int64_t agreeing = 0;       // float and int8 choose the same class
  bool has_labels = false;    // then:
  int64_t float_correct = 0;  // float chooses the label
  int64_t int8_correct = 0;
};

// Classes from a .npy file of integers, or from a text file with one whole number a line. What is neither is a
// UserError that lists every problem.
std::vector<int64_t> read_labels(const std::filesystem::path& path);

class Top1Counter {
 public:
  // For `sets` input sets. `labels` is empty or holds the class of each decision, in order; another number of them,
  // classes that do not exist and a network without class scores are UserErrors.
  Top1Counter(const Graph& graph, int64_t sets, std::vector<int64_t> labels);

  // The outputs of both graphs on the next input set.
  void add(const std::vector<Array>& float_outputs, const std::vector<Array>& int8_outputs);
  const Top1& result() const { return result_; }

 private:
  void check_labels(const Graph& graph, int64_t sets) const;

  Top1 result_;
  std::vector<int64_t> labels_;
  size_t output_ = 0;     // index of the scores among the graph's outputs
  size_t samples_ = 0;    // of a set
  size_t classes_ = 0;    // 0: no scores
  size_t positions_ = 0;  // of a sample
  size_t next_label_ = 0;
};

}  // namespace arco
