// A network that was trained (docs/trained-network.md): its int8 program reads handwritten digits as well as its
// floats do, calibrated on other images than those it is tried on.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "arco/graph/npy.h"
#include "arco/onnx/importer.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/quantize.h"
#include "arco/reference/interpreter.h"
#include "arco/runtime/run.h"

namespace arco {
namespace {

constexpr int64_t kBatch = 8;
constexpr size_t kClasses = 10;
const std::filesystem::path kData = ARCO_SOURCE_DIR "/tests/data/digits";

Graph digits() {
  ImportOptions options;
  options.batch = kBatch;
  return import_onnx(kData / "digits.onnx", options);
}

// How many rows of the logits have their largest value at the label.
int count_right(const Array& logits, std::span<const int64_t> labels) {
  const auto values = logits.data<float>();
  int right = 0;
  for (size_t row = 0; row < labels.size(); ++row) {
    const auto scores = values.subspan(row * kClasses, kClasses);
    right += std::max_element(scores.begin(), scores.end()) - scores.begin() == labels[row] ? 1 : 0;
  }
  return right;
}

class TrainedNetwork : public testing::Test {
 protected:
  // Of all images, with `infer` from one batch to its logits.
  template <typename Infer>
  int count_all_right(const Infer& infer) const {
    int right = 0;
    for (size_t set = 0; set < images_.sets.size(); ++set) {
      right += count_right(infer(images_.sets[set], set), labels_.data<int64_t>().subspan(set * kBatch, kBatch));
    }
    return right;
  }

  const Graph graph_ = digits();
  const CalibrationData images_ = load_calibration(graph_, kData / "test_images.npz");
  const Array labels_ = read_npy(kData / "test_labels.npy");
};

TEST_F(TrainedNetwork, HasAThousandImagesOfEveryDigit) {
  ASSERT_EQ(labels_.shape(), Shape{1000});
  ASSERT_EQ(images_.sets.size() * kBatch, 1000U);
  std::array<int, kClasses> counts{};
  for (const int64_t label : labels_.data<int64_t>()) ++counts.at(static_cast<size_t>(label));
  for (const int count : counts) EXPECT_GT(count, 60);
}

TEST_F(TrainedNetwork, Int8IsWithinHalfAPointOfFloat) {
  Graph graph = graph_;
  simplify(graph);
  const CalibrationData calibration = load_calibration(graph, kData / "calibration_images.npz");
  const Executable executable = compile(quantize(graph, calibrate(graph, calibration)), HardwareConfig{});
  const int right_in_float =
      count_all_right([&](const std::vector<Array>& inputs, size_t) { return run_reference(graph_, inputs)[0]; });
  const int right_in_int8 = count_all_right([&](const std::vector<Array>& inputs, size_t set) {
    RunOptions options;
    options.verify = set == 0;
    options.cycles = false;
    const RunResult result = run(executable, inputs, options);
    EXPECT_TRUE(result.mismatches.empty()) << result.mismatches[0].to_string();
    return result.outputs.at(0);
  });
  RecordProperty("right_in_float", right_in_float);
  RecordProperty("right_in_int8", right_in_int8);
  EXPECT_GE(right_in_float, 970);
  EXPECT_GE(right_in_int8, right_in_float - 5);
}

}  // namespace
}  // namespace arco
