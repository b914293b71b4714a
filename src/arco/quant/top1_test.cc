#include "arco/quant/top1.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

Graph scores_of_shape(const Shape& shape) {
  TestGraph t;
  const TensorId x = t.input("x", shape);
  return t.finish({t.node("scores", Clip{}, {x})});
}

Array scores(const Shape& shape, const std::vector<float>& values) {
  return Array::of<float>(shape, values);
}

template <typename Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Top1, CountsAgreementAndLabels) {
  const Graph graph = scores_of_shape({2, 3});
  Top1Counter counter(graph, 2, {1, 0, 2, 2});
  counter.add({scores({2, 3}, {0, 5, 1, 9, 0, 0})}, {scores({2, 3}, {0, 5, 1, 0, 9, 0})});
  counter.add({scores({2, 3}, {0, 0, 1, 1, 1, 0})}, {scores({2, 3}, {0, 1, 0, NAN, 1, 0})});
  const Top1& top1 = counter.result();
  EXPECT_EQ(top1.output, "scores:out");
  EXPECT_EQ(top1.decisions, 4);
  EXPECT_EQ(top1.agreeing, 1);  // of equal scores the first counts, so float's last is class 0
  EXPECT_EQ(top1.float_correct, 3);
  EXPECT_EQ(top1.int8_correct, 1);
}

TEST(Top1, EveryPositionOfASegmentationDecides) {
  const Graph graph = scores_of_shape({1, 2, 1, 2});
  Top1Counter counter(graph, 1, {});
  counter.add({scores({1, 2, 1, 2}, {1, 0, 0, 1})}, {scores({1, 2, 1, 2}, {1, 1, 0, 0})});
  EXPECT_EQ(counter.result().decisions, 2);
  EXPECT_EQ(counter.result().agreeing, 1);
  EXPECT_FALSE(counter.result().has_labels);
}

TEST(Top1, ImagesAreNoScores) {
  Top1Counter counter(scores_of_shape({1, 1, 4, 4}), 1, {});
  counter.add({}, {});
  EXPECT_EQ(counter.result().output, "");
  EXPECT_EQ(counter.result().decisions, 0);
}

TEST(Top1, RefusesLabelsThatDoNotFit) {
  const Graph graph = scores_of_shape({1, 3});
  EXPECT_THAT(error_of([&] { Top1Counter(graph, 2, {1}); }),
              HasSubstr("1 labels, expected 2: one for each of 2 inputs"));
  EXPECT_THAT(error_of([&] {
                Top1Counter(graph, 2, {-1, 3});
              }),
              testing::AllOf(HasSubstr("label 1 is class -1, expected 0 to 2"), HasSubstr("label 2 is class 3")));
  EXPECT_THAT(error_of([&] { Top1Counter(scores_of_shape({1, 1}), 1, {0}); }), HasSubstr("has no class scores"));
}

TEST(Labels, FromTextAndArrays) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("arco_labels_{}", getpid());
  std::filesystem::create_directories(folder);
  write_file(folder / "y.txt", std::string("3\n0 \r\n12"));
  EXPECT_THAT(read_labels(folder / "y.txt"), ElementsAre(3, 0, 12));
  write_npy(folder / "y.npy", Array::of<uint8_t>({3, 1}, {3, 0, 200}));
  EXPECT_THAT(read_labels(folder / "y.npy"), ElementsAre(3, 0, 200));
  write_file(folder / "bad.txt", std::string("3\n\ncat\n1.5\n99999999999999999999\n4\n"));
  EXPECT_THAT(error_of([&] { read_labels(folder / "bad.txt"); }),
              testing::AllOf(HasSubstr("line 2: expected one class"), HasSubstr("line 3"), HasSubstr("line 4"),
                             HasSubstr("line 5")));
  write_npy(folder / "float.npy", Array::of<float>({1}, {3}));
  EXPECT_THAT(error_of([&] { read_labels(folder / "float.npy"); }), HasSubstr("holds float32, expected labels"));
  write_file(folder / "blank.txt", std::string("3\n7\n\n \r\n"));
  EXPECT_THAT(read_labels(folder / "blank.txt"), ElementsAre(3, 7));
  write_file(folder / "y.npz", std::string("PK\x03\x04\0\0", 6));
  EXPECT_THAT(error_of([&] { read_labels(folder / "y.npz"); }),
              HasSubstr("is neither text nor a .npy file; expected labels as a .npy file of integers"));
  EXPECT_THAT(error_of([&] { read_labels(folder / "absent.txt"); }), HasSubstr("absent.txt"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace arco
