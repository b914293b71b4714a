#include "arco/quant/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/graph/npy.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::TestGraph;

namespace fs = std::filesystem;

class Calibration : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              ("calibration_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string error_of(const Graph& graph, const fs::path& source) {
    try {
      load_calibration(graph, source);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
};

Graph one_input() {
  TestGraph t;
  const TensorId x = t.input("x", {1, 2});
  const TensorId c = t.constant<float>("c", {1, 2}, {1, 2});
  return t.finish({t.node("relu", Clip{{0, 100}}, {t.node("sum", Add{}, {x, c})})});
}

Graph two_inputs() {
  TestGraph t;
  const TensorId a = t.input("a", {2});
  const TensorId b = t.input("b", {2});
  return t.finish({t.node("sum", Add{}, {a, b})});
}

TEST_F(Calibration, FolderOfSamplesInOrderOfNames) {
  write_npy(folder_ / "2.npy", Array::of<float>({1, 2}, {3, 4}));
  write_npy(folder_ / "1.npy", Array::of<float>({2}, {1, 200}));          // no batch dimension
  write_npy(folder_ / "3.npy", Array::of<float>({2, 2}, {5, 6, -7, 8}));  // two samples
  write_file(folder_ / "readme.txt", std::string("ignored"));
  const auto data = load_calibration(one_input(), folder_);
  EXPECT_FALSE(data.is_noise);
  ASSERT_EQ(data.sets.size(), 4U);
  EXPECT_THAT(data.sets[0].at(0).data<float>(), ElementsAre(1, 200));
  EXPECT_EQ(data.sets[0].at(0).shape(), Shape({1, 2}));
  EXPECT_THAT(data.sets[1].at(0).data<float>(), ElementsAre(3, 4));
  EXPECT_THAT(data.sets[3].at(0).data<float>(), ElementsAre(-7, 8));
}

TEST_F(Calibration, SeveralInputsAreMatchedByName) {
  write_npy(folder_ / "b.npy", Array::of<float>({4}, {1, 2, 3, 4}));
  write_npy(folder_ / "a.npy", Array::of<float>({4}, {5, 6, 7, 8}));
  const auto data = load_calibration(two_inputs(), folder_);
  ASSERT_EQ(data.sets.size(), 2U);
  EXPECT_THAT(data.sets[1].at(0).data<float>(), ElementsAre(7, 8));
  EXPECT_THAT(data.sets[1].at(1).data<float>(), ElementsAre(3, 4));
}

TEST_F(Calibration, ErrorsListEveryProblem) {
  EXPECT_THAT(error_of(one_input(), folder_ / "nowhere"), HasSubstr("nowhere: no such file or folder"));
  EXPECT_THAT(error_of(one_input(), folder_), HasSubstr("no arrays found"));
  write_npy(folder_ / "bad.npy", Array::of<float>({3}, {1, 2, 3}));
  write_npy(folder_ / "nan.npy", Array::of<float>({1, 2}, {1, NAN}));
  EXPECT_THAT(error_of(one_input(), folder_), testing::AllOf(HasSubstr("'bad' has shape 3, expected 1x2 for input 'x'"),
                                                             HasSubstr("'nan' holds values")));
  fs::remove(folder_ / "nan.npy");
  EXPECT_THAT(error_of(two_inputs(), folder_), HasSubstr("'bad' is not an input of the network, expected one of a, b"));
  fs::remove(folder_ / "bad.npy");
  write_npy(folder_ / "a.npy", Array::of<float>({2}, {1, 2}));
  EXPECT_THAT(error_of(two_inputs(), folder_), HasSubstr("0 samples of input 'b', expected 1 as of the first input"));
}

// An image of 0..255 is not what a network takes that was trained on floats.
TEST_F(Calibration, RefusesArraysOfAnotherType) {
  write_npy(folder_ / "image.npy", Array::of<uint8_t>({1, 2}, {1, 200}));
  EXPECT_THAT(error_of(one_input(), folder_),
              HasSubstr("'image' is uint8 1x2, expected float32 1x2 for input 'x'; convert with "
                        "array.astype('float32')"));
}

TEST_F(Calibration, SeesWhenThereIsNothingButConstants) {
  CalibrationData data;
  data.sets = {{Array::of<float>({1, 2}, {0, 0})}, {Array::of<float>({1, 2}, {0, 0})}};
  EXPECT_TRUE(holds_only_constants(data));
  data.sets[1] = {Array::of<float>({1, 2}, {1, 1})};
  EXPECT_FALSE(holds_only_constants(data));
}

TEST_F(Calibration, NoiseIsSeededAndSaysSo) {
  const Graph graph = two_inputs();
  const auto data = noise_calibration(graph, 7, 3);
  EXPECT_TRUE(data.is_noise);
  ASSERT_EQ(data.sets.size(), 3U);
  const auto again = noise_calibration(graph, 7, 3);
  const auto other = noise_calibration(graph, 8, 3);
  EXPECT_EQ(data.sets[2][1].data<float>()[0], again.sets[2][1].data<float>()[0]);
  EXPECT_NE(data.sets[2][1].data<float>()[0], other.sets[2][1].data<float>()[0]);
  EXPECT_NE(data.sets[2][1].data<float>()[0], data.sets[2][0].data<float>()[0]);
}

TEST_F(Calibration, RangesAreMaximaOverAllSets) {
  const Graph graph = one_input();
  CalibrationData data;
  data.sets = {{Array::of<float>({1, 2}, {-5, 1})}, {Array::of<float>({1, 2}, {2, 3})}};
  const Ranges ranges = calibrate(graph, data);
  EXPECT_THAT(ranges.max_abs, ElementsAre(5, 0, 5, 5));  // x, constant, x + c, relu
  data.sets[0][0] = Array::of<float>({1, 2}, {3e38F, 3e38F});
  EXPECT_NO_THROW(calibrate(graph, data));
  data.sets[0][0] = Array::of<float>({1, 2}, {INFINITY, 0});
  EXPECT_THROW(calibrate(graph, data), UserError);
}

TEST_F(Calibration, MethodsCutOutliersOff) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1000});
  const Graph& graph = t.finish({t.node("relu", Clip{{0, 1000}}, {x})});
  Array values(DataType::kFloat32, {1, 1000});
  for (size_t i = 0; i < 1000; ++i) values.mutable_data<float>()[i] = static_cast<float>(i % 100) / 100 - 0.5F;
  values.mutable_data<float>()[3] = 7;
  CalibrationData data;
  data.sets = {{values}};
  EXPECT_THAT(calibrate(graph, data).max_abs, ElementsAre(7, 7));
  const Ranges percentile = calibrate(graph, data, parse_range_method("percentile=99"));
  EXPECT_NEAR(percentile.max_abs[0], 0.49, 0.02);
  EXPECT_NEAR(percentile.max_abs[1], 0.48, 0.02);
  // One value of a thousand is worth its error at 0.5 as long as the others lose less by coarser steps.
  const Ranges mse = calibrate(graph, data, parse_range_method("mse"));
  EXPECT_EQ(mse.max_abs[0], std::ldexp(127.0F, -4));
  EXPECT_EQ(calibrate(graph, data, parse_range_method("percentile=100")).max_abs[0], 7);
}

TEST(RangeMethods, AreParsed) {
  EXPECT_EQ(parse_range_method("min-max").kind, RangeMethod::Kind::kMinMax);
  EXPECT_EQ(parse_range_method("mse").kind, RangeMethod::Kind::kMse);
  EXPECT_EQ(parse_range_method("percentile").percentile, 99.99);
  EXPECT_EQ(parse_range_method("percentile=99.5").percentile, 99.5);
  const auto error = [](const std::string& text) {
    try {
      parse_range_method(text);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error("mes"), HasSubstr("did you mean mse?"));
  EXPECT_THAT(error(""), HasSubstr("expected min-max, percentile, percentile=P or mse"));
  for (const char* text : {"percentile=", "percentile=0", "percentile=101", "percentile=-1", "percentile=nan",
                           "percentile=9x", "percentile=1e999"}) {
    EXPECT_THAT(error(text), HasSubstr("such as percentile=99.9")) << text;
  }
}

}  // namespace
}  // namespace arco
