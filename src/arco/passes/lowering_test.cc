// The passes that bring operators into forms the accelerator has. `after` proves that the result stays the same.
#include <gtest/gtest.h>
// RapidCheck needs GoogleTest first.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "arco/passes/test_net.h"

namespace arco {
namespace {

using testing_support::after;
using testing_support::Names;
using testing_support::Net;
using Kind = Binary::Kind;

TEST(FoldBatchNorm, TakesArithmeticWithConstants) {
  Net net;
  TensorId t = net.conv(net.input({1, 3, 5, 5}), 4, true);
  t = net.add(Binary{Kind::kMul}, {net.constant({4, 1, 1}), t});
  t = net.add(Binary{Kind::kSub}, {t, net.constant({1, 4, 1, 1})});
  t = net.add(Binary{Kind::kDiv}, {t, net.constant({}, 0.5, 2)});
  t = net.add(Binary{Kind::kSub}, {net.constant({1}), t});
  net.output(net.batch_norm(net.add(Add{}, {t, net.constant({4, 1, 1})})));
  EXPECT_EQ(after(net.graph, fold_batch_norm), Names{"Conv"});
}

TEST(FoldBatchNorm, LeavesWhatIsNoAffineFunctionOfAChannel) {
  Net net;
  TensorId t = net.conv(net.input({1, 3, 5, 5}), 4, true);
  t = net.add(Binary{Kind::kMul}, {t, net.constant({5})});  // per column
  t = net.add(Binary{Kind::kDiv}, {net.constant({}), t});
  net.output(net.add(Binary{Kind::kDiv}, {t, net.constant({}, 0, 0)}));
  EXPECT_EQ(after(net.graph, fold_batch_norm), (Names{"Conv", "Mul", "Div", "Div"}));
}

TEST(FoldBatchNorm, ScalesTransposedConvolutionsByTheirGroups) {
  Net net;
  ConvTranspose op;
  op.groups = 2;
  op.strides = {2, 2};
  const TensorId t = net.add(op, {net.input({2, 4, 3, 3}), net.constant({4, 3, 2, 2})});
  net.output(net.relu(net.batch_norm(t)));
  EXPECT_EQ(after(net.graph, fold_batch_norm), (Names{"ConvTranspose", "Clip"}));
  EXPECT_EQ(after(net.graph, fuse_clamp), Names{"ConvTranspose"});
}

TEST(MakeDepthwise, TakesBatchNormsBehindLayersOnly) {
  Net net;
  const TensorId x = net.batch_norm(net.input({1, 3, 5, 5}));
  const TensorId joined = net.add(Concat{}, {net.conv(x, 4, false), net.conv(x, 5, false)});
  net.output(net.relu(net.batch_norm(joined)));
  EXPECT_EQ(after(net.graph, make_depthwise), (Names{"BatchNorm", "Conv", "Conv", "Concat", "Conv", "Clip"}));
  const auto& conv = std::get<Conv>(net.graph.nodes[4].op);
  EXPECT_EQ(conv.groups, 9);
}

TEST(MakeDepthwise, LeavesToOthersWhatFoldsIntoALayer) {
  Net net;
  net.output(net.batch_norm(net.conv(net.input({1, 3, 5, 5}), 4, false)));
  EXPECT_EQ(after(net.graph, make_depthwise), (Names{"Conv", "BatchNorm"}));
}

TEST(FoldPad, ZerosAroundThePlane) {
  Net net;
  const TensorId x = net.input({1, 2, 5, 5});
  const TensorId padded = net.add(Pad{Pad::Mode::kConstant, {0, 0, 1, 0, 0, 0, 2, 3}, 0}, {x});
  const TensorId edges = net.add(Pad{Pad::Mode::kEdge, {0, 0, 1, 1, 0, 0, 1, 1}, 0}, {x});
  net.output(net.conv(padded, 2, true));
  net.output(net.conv(edges, 2, true));
  EXPECT_EQ(after(net.graph, fold_pad), (Names{"Pad", "Conv", "Conv"}));
  EXPECT_EQ(std::get<Conv>(net.graph.nodes[1].op).pads, (std::array<int64_t, 4>{2, 1, 3, 4}));
}

TEST(MeanToPool, OverThePlaneOnly) {
  Net net;
  const TensorId x = net.input({2, 3, 5, 4});
  using Mean = Reduce::Kind;
  net.output(net.add(Reduce{Mean::kMean, {-1, 2}, true}, {x}));
  net.output(net.add(Reduce{Mean::kMean, {2, 3}, false}, {x}));
  net.output(net.add(Reduce{Mean::kMean, {1, 2}, true}, {x}));
  net.output(net.add(Reduce{Mean::kSum, {2, 3}, true}, {x}));
  EXPECT_EQ(after(net.graph, mean_to_pool),
            (Names{"AveragePool", "AveragePool", "Reshape", "ReduceMean", "ReduceSum"}));
}

RC_GTEST_PROP(LowerConvTranspose, GivesTheSameForEveryStrideKernelAndPad, ()) {
  Net net(*rc::gen::arbitrary<uint64_t>());
  ConvTranspose op;
  const auto pick = [](int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); };
  op.strides = {pick(1, 3), pick(1, 3)};
  op.dilations = {pick(1, 2), pick(1, 2)};
  op.groups = pick(1, 2);
  const int64_t kh = pick(1, 5);
  const int64_t kw = pick(1, 5);
  op.pads = {pick(0, kh - 1), pick(0, kw - 1), pick(0, kh - 1), pick(0, kw - 1)};
  op.output_padding = {pick(0, op.strides[0] - 1), pick(0, op.strides[1] - 1)};
  op.clamp = {-0.5F, 0.75F};
  // At least 5: smaller outputs may be nothing but pads.
  const TensorId x = net.input({pick(1, 2), 2 * op.groups, pick(5, 7), pick(5, 7)});
  const TensorId w = net.constant({2 * op.groups, 3, kh, kw});
  net.output(net.add(op, {x, w, net.constant({3 * op.groups})}));
  const Names names = after(net.graph, lower_conv_transpose);
  RC_ASSERT(std::find(names.begin(), names.end(), "ConvTranspose") == names.end());
}

TEST(LowerConvTranspose, NeedsNoCropWhereThePhasesFit) {
  Net net;
  ConvTranspose op;
  op.strides = {2, 2};
  net.output(net.add(op, {net.input({1, 3, 4, 4}), net.constant({3, 5, 2, 2}), net.constant({5})}));
  EXPECT_EQ(after(net.graph, lower_conv_transpose), (Names{"Conv", "Reshape", "Transpose", "Reshape"}));
}

TEST(LowerConvTranspose, KeepsStepsOfOutputChannels) {
  Net net;
  ConvTranspose op;
  op.strides = {1, 2};
  op.groups = 2;
  const TensorId w = net.constant({4, 3, 2, 2});
  net.graph.tensor(w).int8_steps = {1, 2, 3};
  net.graph.tensor(w).int8_axis = 1;
  net.output(net.add(op, {net.input({1, 4, 4, 4}), w}));
  after(net.graph, lower_conv_transpose);
  const Tensor& phases = net.graph.tensor(net.graph.nodes[0].inputs[1]);
  EXPECT_EQ(phases.int8_steps, (std::vector<float>{1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(phases.int8_axis, 0);
}

TEST(RemoveIdentity, KnowsTheOperatorsThatMoveNothing) {
  Net net;
  TensorId t = net.input({2, 3});
  t = net.add(Slice{{0}, {9}, {1}, {1}}, {t});
  t = net.add(Pad{Pad::Mode::kEdge, {0, 0, 0, 0}, 0}, {t});
  t = net.add(Expand{{3}}, {t});
  t = net.add(Cast{}, {t});
  t = net.add(Slice{{-1}, {-9}, {1}, {-1}}, {t});  // same shape, other order
  net.output(net.relu(t));
  EXPECT_EQ(after(net.graph, remove_identity), (Names{"Slice", "Clip"}));
}

}  // namespace
}  // namespace arco
