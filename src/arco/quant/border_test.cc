// Borders that the host makes, against what padding means: the integer of a real 0 around the tensor.
#include "arco/quant/border.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/random.h"
#include "arco/quant/kept_scales.h"
#include "arco/quant/quantize.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::TestGraph;

constexpr std::array<int64_t, 4> kSame{1, 1, 1, 1};

// An input [1, 4, 6, 5] with a zero point, and nodes that read it.
struct Readers : TestGraph {
  explicit Readers(int32_t zero) {
    x = input("x", {1, 4, 6, 5});
    graph.tensor(x).grid = Grid{0.013, zero};
  }
  TensorId conv(const std::string& name, const Conv& op, int64_t kernel = 3) {
    const Shape shape{8, 4 / op.groups, kernel, kernel};
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float& value : values) value = static_cast<float>(0.2 * random.normal());
    return result(node(name, op, {x, constant<float>(name + ".w", shape, values)}), {0.031, 5});
  }
  TensorId average(const std::string& name, bool counts, std::array<int64_t, 4> pads = kSame) {
    Pool pool{.kind = Pool::Kind::kAverage, .kernel = {3, 3}, .pads = pads, .count_include_pad = counts, .clamp = {}};
    return result(node(name, pool, {x}), {0.009, -40});
  }
  TensorId result(TensorId id, const Grid& grid) {
    graph.tensor(id).grid = grid;
    return id;
  }
  Graph quantised(const std::vector<TensorId>& outputs) {
    finish(outputs);
    return quantize(graph, calibrate(graph, noise_calibration(graph, 5)), {.keep_brought = true});
  }

  TensorId x;
  Random random{5};
};

std::vector<std::string> borders(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<Pad>(node.op)) names.push_back(node.name);
  }
  return names;
}

const Node& node_named(const Graph& graph, const std::string& name) {
  return *std::ranges::find(graph.nodes, name, &Node::name);
}

// The graph with padding in its convolutions, as the model has it, instead of borders before them.
Graph with_padding(Graph graph) {
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<Pad>(node.op)) continue;
    nodes.push_back(node);
    for (const Node& before : graph.nodes) {
      const auto* pad = std::get_if<Pad>(&before.op);
      if (pad == nullptr || before.outputs[0] != node.inputs[0]) continue;
      std::get<Conv>(nodes.back().op).pads = {pad->pads[2], pad->pads[3], pad->pads[6], pad->pads[7]};
      nodes.back().requantize->zeros.pad = graph.tensor(before.inputs[0]).zero();
      nodes.back().inputs[0] = before.inputs[0];
    }
  }
  graph.nodes = std::move(nodes);
  return graph;
}

TEST(Border, HoldsTheZeroPoint) {
  Readers net(-17);
  const Graph graph = net.quantised({net.conv("plain", {.pads = {2, 1, 0, 3}, .clamp = {}}),
                                     net.conv("strided", {.strides = {2, 2}, .pads = kSame, .clamp = {}}),
                                     net.conv("grouped", {.pads = {1, 0, 2, 0}, .groups = 4, .clamp = {}})});
  EXPECT_THAT(borders(graph), ElementsAre("plain.border", "strided.border", "grouped.border"));
  const BroughtScales scales = compare_brought_scales(net.graph, graph);
  EXPECT_EQ(scales.activations.kept, 4U) << scales.activations.example;
  const auto inputs = noise_calibration(net.graph, 8).sets.at(0);
  const auto actual = run_reference(graph, inputs);
  const auto expected = run_reference(with_padding(graph), inputs);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(actual[i].bytes(), expected[i].bytes())) << "output " << i;
  }
}

TEST(Border, IsSharedByReadersWithTheSamePadding) {
  Readers net(42);
  const Graph graph = net.quantised({net.conv("a", {.pads = kSame, .clamp = {}}),
                                     net.conv("b", {.pads = {2, 2, 2, 2}, .clamp = {}}, 5), net.average("c", true),
                                     net.conv("d", {.clamp = {}}, 1), net.conv("e", {.pads = kSame, .clamp = {}})});
  EXPECT_THAT(borders(graph), ElementsAre("a.border", "b.border"));
  const TensorId shared = node_named(graph, "a").inputs[0];
  EXPECT_EQ(graph.tensor(shared).shape, (Shape{1, 4, 8, 7}));
  EXPECT_EQ(node_named(graph, "c").inputs[0], shared);
  EXPECT_EQ(node_named(graph, "e").inputs[0], shared);
  EXPECT_EQ(node_named(graph, "d").inputs[0], node_named(graph, "a.border").inputs[0]);
}

TEST(Border, IsNotNeededWhereTheAcceleratorPads) {
  for (const int32_t zero : {0, -128}) {
    Readers net(zero);
    const Graph graph = net.quantised({net.conv("conv", {.pads = kSame, .clamp = {}}), net.average("mean", true)});
    EXPECT_THAT(borders(graph), IsEmpty());
    EXPECT_EQ(node_named(graph, "conv").requantize->zeros.pad, zero);
    EXPECT_EQ(node_named(graph, "mean").requantize->zeros.pad, zero);
  }
}

// Where no window differs from the others: padding adds nothing to sums that are divided by what is inside.
TEST(Border, IsNotReadByAveragesOfWhatIsInside) {
  Readers net(-17);
  Pool two{.kind = Pool::Kind::kAverage, .kernel = {11, 9}, .strides = {3, 3}, .pads = {4, 3, 3, 3}, .clamp = {}};
  const TensorId y = net.result(net.node("mean", two, {net.x}), {0.009, -40});
  const Graph graph = net.quantised({y});
  EXPECT_THAT(borders(graph), IsEmpty());
  const BroughtScales scales = compare_brought_scales(net.graph, graph);
  EXPECT_EQ(scales.activations.kept, 2U) << scales.activations.example;
  EXPECT_EQ(node_named(graph, "mean").requantize->zeros.pad, 0);
}

TEST(Border, OfGigabytesIsNotMade) {
  Readers net(-17);
  const Conv huge{.strides = {1 << 20, 1 << 20}, .pads = {1 << 20, 1 << 20, 1 << 20, 1 << 20}, .clamp = {}};
  const Graph graph = net.quantised({net.conv("conv", huge, 1)});
  EXPECT_THAT(borders(graph), IsEmpty());
  EXPECT_THAT(compare_brought_scales(net.graph, graph).activations.example,
              testing::HasSubstr("'x': 0.013 around -17"));
}

}  // namespace
}  // namespace arco
