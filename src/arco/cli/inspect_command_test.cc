// What `arco inspect MODEL.onnx` tells of the nodes of a file: all of them, as the file has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/cli/test_command.h"
#include "arco/cli/test_net.h"

namespace arco {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::float_tensor;
using testing_support::integer_tensor;
using testing_support::Ints;
using testing_support::Net;
using testing_support::TestModel;

class InspectCommand : public testing::Test {
 protected:
  InspectCommand() : file_(std::filesystem::path(testing::TempDir()) / fmt::format("arco_inspect_{}.onnx", getpid())) {}
  ~InspectCommand() override { std::filesystem::remove(file_); }

  // "name operator place: detail", one a node.
  std::vector<std::string> rows(const TestModel& model) const {
    write_file(file_, model.bytes());
    const auto result = testing_support::arco({"inspect", file_.string(), "--json"});
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<std::string> rows;
    const Json shown = Json::parse(result.out);
    for (const Json& node : shown["nodes"]) {
      rows.push_back(fmt::format("{} {} {}: {}", node["name"].get<std::string>(), node["operator"].get<std::string>(),
                                 node["runs_on"].get<std::string>(), node["detail"].get<std::string>()));
    }
    return rows;
  }

  std::filesystem::path file_;
};

// x -> Conv -> Dropout -> Reshape to [its batch, -1] -> Gemm, and a node that nobody reads.
TEST_F(InspectCommand, ShowsNodesThatBecameConstants) {
  TestModel model;
  model.input("x", {1, 16, 4, 4}).initializer(integer_tensor("zero", {0})).initializer(integer_tensor("rest", {-1}));
  model.initializer(float_tensor("w", {16, 16, 1, 1}, std::vector<float>(256, 0.1F)));
  model.initializer(float_tensor("m", {256, 10}, std::vector<float>(2560, 0.1F)));
  model.node("Conv", {"x", "w"}, {"c"}, {}, "features").node("Dropout", {"c"}, {"d"}, {}, "drop");
  model.node("Shape", {"d"}, {"s"}, {}, "size").node("Gather", {"s", "zero"}, {"b"}, {}, "batch");
  model.node("Concat", {"b", "rest"}, {"t"}, {{"axis", 0}}).node("Reshape", {"d", "t"}, {"r"}, {}, "flat");
  model.node("Relu", {"c"}, {"unread"}, {}, "spare").node("Gemm", {"r", "m"}, {"y"}, {}, "scores").output("y");
  EXPECT_THAT(rows(model), ElementsAre(HasSubstr("features Conv accelerator: conv2d"),
                                       "drop Dropout -: folded or fused away by remove_identity",
                                       "size Shape -: folded while importing: its result follows from shapes alone",
                                       "batch Gather -: folded while importing: all its inputs are constant",
                                       "Concat_4 Concat -: folded while importing: all its inputs are constant",
                                       "flat Reshape -: folded or fused away by absorb_flatten",
                                       "spare Relu -: no output of the network depends on it",
                                       HasSubstr("scores Gemm accelerator: conv2d")));
}

TEST_F(InspectCommand, TellsOfNodesOfWhichOnlyTheShapeIsNeeded) {
  TestModel model;
  model.input("x", {1, 2, 2, 2}).node("Relu", {"x"}, {"r"}).node("Shape", {"r"}, {"s"});
  model.node("ConstantOfShape", {"s"}, {"zeros"}).node("Sub", {"x", "zeros"}, {"y"}).output("y");
  EXPECT_THAT(rows(model), testing::Contains("Relu_0 Relu -: folded while importing: only its shape is needed, which "
                                             "became part of constants"));
}

// Operators that become several are one row, which tells of all.
TEST_F(InspectCommand, ShowsOneRowForANodeOfManyParts) {
  Net net;
  const auto x = net.input({1, 3, 8, 8});
  const auto up =
      net.node("ConvTranspose", {net.conv(x, {16, 3, 3, 3}), net.weights({16, 8, 2, 2})}, {{"strides", Ints{2, 2}}});
  const auto quantized = net.nodes("DynamicQuantizeLinear", {up}, 3);
  net.output(quantized[0]);
  EXPECT_THAT(rows(net.model),
              ElementsAre(testing::AllOf(HasSubstr("Conv accelerator: conv2d"),
                                         HasSubstr("; on the host: UnfoldColumns (prepares the input for the "
                                                   "accelerator)")),
                          testing::AllOf(HasSubstr("ConvTranspose accelerator: conv2d"),
                                         HasSubstr("; on the host: Reshape, Transpose (only moves values)")),
                          HasSubstr("DynamicQuantizeLinear host: ReduceMin, Min, ReduceMax, Max, Sub, Div, Cast, "
                                    "QuantizeLinear (no integer form); Round (a table")));
}

TEST_F(InspectCommand, TellsOfBroughtScales) {
  Net net;
  const auto scale = net.scalar(0.1F);
  const auto quantized = net.node("QuantizeLinear", {net.input({1, 16, 4, 4}), scale});
  net.output(net.conv(net.node("DequantizeLinear", {quantized, scale}), {8, 16, 1, 1}));
  const auto all = rows(net.model);
  EXPECT_THAT(all, ElementsAre(HasSubstr("-: its scale and zero point became those of its tensor"),
                               HasSubstr("host: it limits an input of the network before that is quantised"),
                               HasSubstr("Conv accelerator")));
}

}  // namespace
}  // namespace arco
