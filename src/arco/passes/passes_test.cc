#include "arco/passes/passes.h"

#include <gtest/gtest.h>
// RapidCheck needs GoogleTest first.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/random.h"
#include "arco/passes/pass_manager.h"
#include "arco/passes/test_net.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

using testing::HasSubstr;
using testing_support::after;
using testing_support::Names;
using testing_support::Net;

TEST(FoldConstants, FoldsChainsAndKeepsConstantOutputs) {
  Net net;
  const TensorId x = net.input({1, 2});
  const TensorId c = net.relu(net.add(Add{}, {net.constant({1, 2}), net.constant({2})}));
  net.output(net.add(Add{}, {x, c}));
  net.output(c);
  EXPECT_EQ(after(net.graph, fold_constants), Names{"Add"});
  EXPECT_TRUE(net.graph.tensor(net.graph.outputs[1]).constant);
}

TEST(RemoveIdentity, KeepsTheNamesOfGraphOutputs) {
  Net net;
  const TensorId x = net.input({1, 6});
  const TensorId r = net.relu(net.add(Identity{}, {x}));
  const TensorId y = net.add(Identity{}, {net.add(Flatten{}, {r})});
  net.output(net.add(Add{}, {r, y}));
  net.output(y);
  const std::string name = net.graph.tensor(y).name;
  EXPECT_EQ(after(net.graph, remove_identity), (Names{"Clip", "Add"}));
  EXPECT_EQ(net.graph.tensor(net.graph.outputs[1]).name, name);
}

TEST(RemoveIdentity, StaysBetweenGraphInputAndOutput) {
  Net net;
  const TensorId x = net.input({1, 6});
  net.output(net.add(Identity{}, {x}));
  EXPECT_EQ(after(net.graph, remove_identity), Names{"Identity"});
}

TEST(RemoveIdentity, OnlyTakesWhatChangesNothing) {
  Net net;
  const TensorId x = net.input({1, 2, 3, 3});
  TensorId t = net.add(Pool{.kind = Pool::Kind::kAverage, .clamp = {}}, {x});
  t = net.add(Transpose{{0, 1, 2, 3}}, {t});
  t = net.add(Concat{}, {t});
  t = net.add(Clip{}, {t});
  t = net.add(Reshape{{0, 2, 3, -1}}, {t});
  t = net.add(Transpose{{0, 1, 3, 2}}, {t});  // same shape, other order
  net.output(net.add(Flatten{}, {t}));
  EXPECT_EQ(after(net.graph, remove_identity), (Names{"Transpose", "Flatten"}));
}

TEST(ResolveGlobalPool, TakesThePlane) {
  Net net;
  const TensorId x = net.input({1, 2, 3, 5});
  net.output(net.add(Pool{.kind = Pool::Kind::kAverage, .global = true, .clamp = {}}, {x}));
  after(net.graph, resolve_global_pool);
  const auto& pool = std::get<Pool>(net.graph.nodes[0].op);
  EXPECT_FALSE(pool.global);
  EXPECT_EQ(pool.kernel, (std::array<int64_t, 2>{3, 5}));
}

TEST(MakeDense, TakesGemmInAllItsForms) {
  for (const bool transposed : {false, true}) {
    Net net;
    const TensorId x = net.input({2, 3});
    const TensorId b = net.constant(transposed ? Shape{4, 3} : Shape{3, 4});
    MatMul gemm{.transpose_b = transposed, .alpha = 0.5F, .beta = 2};
    net.output(net.add(gemm, {x, b, net.constant({1, 4})}));
    net.output(net.add(gemm, {x, b, net.constant({1})}));
    net.output(net.add(MatMul{.transpose_b = transposed}, {x, b}));
    net.output(net.add(MatMul{.transpose_b = transposed}, {x, b, net.input({2, 4})}));
    EXPECT_EQ(after(net.graph, make_dense), (Names{"Dense", "Dense", "Dense", "Dense"}));
    EXPECT_EQ(net.graph.nodes[3].inputs.size(), 4U);  // the addend became the residual
  }
}

TEST(MakeDense, TurnsAndStacksWhereItMust) {
  Net net;
  const TensorId b = net.constant({3, 4});
  net.output(net.add(MatMul{}, {net.input({5, 2, 3}), b}));
  net.output(net.add(MatMul{.transpose_a = true}, {net.input({3, 2}), b, net.constant({4})}));
  net.output(net.add(MatMul{.alpha = 0.5F}, {b, net.input({4, 2})}));
  net.output(net.add(MatMul{.transpose_a = true, .transpose_b = true}, {b, net.input({2, 3})}));
  EXPECT_EQ(after(net.graph, make_dense), (Names{"Reshape", "Dense", "Reshape", "Transpose", "Dense", "Transpose",
                                                 "Dense", "Transpose", "Dense", "Transpose"}));
}

TEST(MakeDense, KeepsStepsOfRows) {
  Net net;
  const TensorId x = net.input({2, 3});
  const TensorId by_column = net.constant({3, 4});
  net.graph.tensor(by_column).int8_steps = {1, 2, 3, 4};
  net.graph.tensor(by_column).int8_axis = 1;
  const TensorId by_row = net.constant({3, 4});
  net.graph.tensor(by_row).int8_steps = {1, 2, 3};
  net.output(net.add(MatMul{.alpha = 2}, {x, by_column}));
  net.output(net.add(MatMul{}, {x, by_row}));
  after(net.graph, make_dense);
  const auto steps = [&](size_t node) { return net.graph.tensor(net.graph.nodes[node].inputs[1]).int8_steps; };
  EXPECT_EQ(steps(0), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_TRUE(steps(1).empty());
}

TEST(MakeDense, LeavesOtherProducts) {
  Net net;
  const TensorId x = net.input({2, 3});
  const TensorId b = net.constant({3, 4});
  net.output(net.add(MatMul{}, {net.input({5, 2, 3}), net.constant({5, 3, 4})}));
  net.output(net.add(MatMul{}, {x, net.input({3, 4})}));
  net.output(net.add(MatMul{}, {x, b, net.constant({2, 4})}));
  net.output(net.add(MatMul{.beta = 2}, {x, b, net.input({2, 4})}));
  net.output(net.add(MatMul{}, {b, net.input({4, 2}), net.constant({2})}));
  EXPECT_EQ(after(net.graph, make_dense), Names(5, "MatMul"));
}

TEST(AbsorbFlatten, DenseReadsRowsOfAnyShape) {
  Net net;
  const TensorId x = net.input({2, 3, 2, 2});
  TensorId t = net.add(Flatten{}, {net.add(Reshape{{2, 3, 4}}, {x})});
  net.output(net.add(Dense{}, {t, net.constant({5, 12})}));
  // This one moves values between rows and must stay.
  const TensorId mixed = net.add(Reshape{{4, 6}}, {x});
  net.output(net.add(Dense{}, {mixed, net.constant({5, 6})}));
  EXPECT_EQ(after(net.graph, absorb_flatten), (Names{"Dense", "Reshape", "Dense"}));
}

TEST(FuseBias, AddsConstantsPerChannel) {
  Net net;
  const TensorId x = net.input({1, 2, 4, 4});
  TensorId t = net.conv(x, 3, true);
  t = net.add(Add{}, {net.constant({3, 1, 1}), t});
  t = net.add(Add{}, {t, net.constant({1, 1, 1, 1})});
  net.output(t);
  net.output(net.add(Add{}, {net.conv(x, 4, false), net.constant({4})}));  // along the width: no bias
  EXPECT_EQ(after(net.graph, fuse_bias), (Names{"Conv", "Conv", "Add"}));
}

TEST(FuseBias, MatMulPlusBiasIsDense) {
  Net net;
  const TensorId x = net.input({2, 3});
  net.output(net.add(Add{}, {net.add(MatMul{}, {x, net.constant({3, 4})}), net.constant({4})}));
  make_dense(net.graph);
  EXPECT_EQ(after(net.graph, fuse_bias), Names{"Dense"});
}

TEST(FoldBatchNorm, WithAndWithoutBiasGroupsAndDense) {
  for (const bool bias : {false, true}) {
    Net net;
    const TensorId x = net.input({1, 4, 4, 4});
    net.output(net.batch_norm(net.conv(x, 6, bias, 2)));
    std::vector<TensorId> dense{x, net.constant({5, 64})};
    if (bias) dense.push_back(net.constant({5}));
    net.output(net.batch_norm(net.add(Dense{}, dense)));
    EXPECT_EQ(after(net.graph, fold_batch_norm), (Names{"Conv", "Dense"}));
  }
}

TEST(FoldBatchNorm, ThroughTheReshapeBehindAConvolutionOfALine) {
  Net net;
  const TensorId line = net.add(Reshape{{1, 6, 8}}, {net.conv(net.input({1, 4, 1, 8}), 6, true)});
  net.output(net.batch_norm(line));
  net.output(net.batch_norm(net.add(Reshape{{1, 3, 16}}, {net.conv(net.input({1, 4, 1, 8}), 6, true)})));
  EXPECT_EQ(after(net.graph, fold_batch_norm), (Names{"Conv", "Reshape", "Conv", "Reshape", "BatchNorm"}));
}

TEST(MergeReshapes, TheSecondAloneStaysOrNoneWhereTheyUndoEachOther) {
  Net net;
  const TensorId x = net.conv(net.input({1, 4, 4, 4}), 4, true);
  const TensorId flat = net.add(Flatten{}, {x});
  net.output(net.conv(net.add(Reshape{{1, 4, 4, 4}}, {flat}), 4, true));
  net.output(net.add(Reshape{{0, 2, -1}}, {flat}));
  EXPECT_EQ(after(net.graph, merge_reshapes), (Names{"Conv", "Conv", "Reshape"}));
  EXPECT_EQ(net.graph.nodes[1].inputs[0], x);
  EXPECT_EQ(net.graph.nodes[2].inputs[0], x);
}

TEST(FoldBatchNorm, NotWhenTheConvolutionIsReadElsewhereOrClamped) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId shared = net.conv(x, 4, true);
  net.output(net.add(Add{}, {net.batch_norm(shared), shared}));
  net.output(net.batch_norm(net.relu(net.conv(x, 4, true))));
  const TensorId returned = net.conv(x, 4, true);
  net.output(returned);
  net.output(net.batch_norm(returned));
  const auto names = after(net.graph, fold_batch_norm);
  EXPECT_EQ(std::count(names.begin(), names.end(), "BatchNorm"), 3);
}

TEST(FuseResidual, TheLaterConvolutionTakesTheOther) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId a = net.conv(x, 4, true);
  const TensorId b = net.conv(x, 4, true);
  net.output(net.relu(net.add(Add{}, {b, a})));
  EXPECT_EQ(after(net.graph, fuse_residual), (Names{"Conv", "Conv", "Clip"}));
  EXPECT_EQ(net.graph.nodes[1].name, "n1");
  EXPECT_EQ(net.graph.nodes[1].inputs[3], net.graph.nodes[0].outputs[0]);
}

TEST(FuseResidual, MovesTheConvolutionBehindItsResidual) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId a = net.conv(x, 4, true);
  const TensorId r = net.relu(net.conv(x, 4, true));
  net.output(net.add(Add{}, {a, r}));
  EXPECT_EQ(after(net.graph, fuse_residual), (Names{"Conv", "Clip", "Conv"}));
}

TEST(FuseResidual, NotWhenSharedBroadcastOrTheSame) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId a = net.conv(x, 4, true);
  net.output(net.add(Add{}, {a, a}));
  net.output(net.add(Add{}, {net.conv(x, 4, true), net.input({1, 4, 1, 1})}));
  const TensorId shared = net.conv(x, 4, true);
  net.output(shared);
  net.output(net.add(Add{}, {shared, x}));
  const auto names = after(net.graph, fuse_residual);
  EXPECT_EQ(std::count(names.begin(), names.end(), "Add"), 3);
}

TEST(FuseClamp, GoesIntoEveryProducerThatHasOne) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  TensorId t = net.relu(net.conv(x, 4, true));
  t = net.relu(net.add(Pool{.kernel = {2, 2}, .clamp = {}}, {t}));
  t = net.relu(net.add(Add{}, {t, t}));
  net.output(net.relu(net.add(Dense{}, {t, net.constant({3, 36})})));
  EXPECT_EQ(after(net.graph, fuse_clamp), (Names{"Conv", "MaxPool", "Add", "Dense"}));
  for (const Node& node : net.graph.nodes) {
    Op op = node.op;
    EXPECT_EQ(std::visit(
                  [](auto& o) {
                    if constexpr (requires { o.clamp; }) return o.clamp.low;
                    return -1.0F;
                  },
                  op),
              0.0F);
  }
}

TEST(FuseClamp, TwoClampsInARowAreOne) {
  // Overlapping, nested and disjoint ranges.
  for (const Clamp second : {Clamp{-0.5F, 2}, Clamp{-0.2F, 0.2F}, Clamp{3, 4}, Clamp{-4, -3}}) {
    Net net;
    const TensorId x = net.input({64});
    net.output(net.add(Clip{second}, {net.add(Clip{{-1, 1}}, {x})}));
    EXPECT_EQ(after(net.graph, fuse_clamp), Names{"Clip"});
  }
}

TEST(FuseClamp, GoesThroughWhatOnlyMovesValues) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId a = net.add(Reshape{{1, 2, 4, 8}}, {net.add(Transpose{{0, 1, 3, 2}}, {net.conv(x, 4, true)})});
  const TensorId b = net.add(Pool{.kernel = {1, 1}, .clamp = {}}, {net.add(Reshape{{1, 2, 4, 8}}, {x})});
  net.output(net.relu(net.add(Concat{1}, {a, b})));
  EXPECT_EQ(after(net.graph, fuse_clamp), (Names{"Conv", "Transpose", "Reshape", "Reshape", "MaxPool", "Concat"}));
  EXPECT_EQ(std::get<Conv>(net.graph.nodes[0].op).clamp.low, 0);
  EXPECT_EQ(std::get<Pool>(net.graph.nodes[4].op).clamp.low, 0);
}

TEST(FuseClamp, StaysBehindAJoinThatBringsValuesWithoutAClamp) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  net.output(net.relu(net.add(Concat{1}, {net.conv(x, 4, true), x})));
  EXPECT_EQ(after(net.graph, fuse_clamp), (Names{"Conv", "Concat", "Clip"}));
  EXPECT_TRUE(std::get<Conv>(net.graph.nodes[0].op).clamp.is_identity());
}

TEST(FuseClamp, NotWhenTheUnclampedValueIsRead) {
  Net net;
  const TensorId x = net.input({1, 4, 4, 4});
  const TensorId t = net.conv(x, 4, true);
  net.output(net.add(Add{}, {net.relu(t), t}));
  EXPECT_EQ(after(net.graph, fuse_clamp), (Names{"Conv", "Clip", "Add"}));
}

TEST(UnfoldInput, ColumnsOfTheKernelBecomeChannels) {
  Net net;
  net.output(net.conv(net.input({2, 3, 6, 7}), 8, true));
  EXPECT_EQ(after(net.graph, unfold_input), (Names{"UnfoldColumns", "Conv"}));
  EXPECT_EQ(net.graph.tensor(net.graph.nodes[1].inputs[1]).shape, (Shape{8, 9, 3, 1}));
  EXPECT_EQ(net.graph.tensor(net.graph.nodes[0].outputs[0]).shape[1], 9);
}

TEST(UnfoldInput, PixelsOfALargeStrideBecomeChannels) {
  for (const int64_t size : {27, 30, 32}) {
    Net net;
    Conv conv;
    conv.strides = {4, 4};
    conv.pads = {2, 2, 2, 2};
    net.output(net.add(conv, {net.input({2, 3, size, size}), net.constant({8, 3, 11, 11})}));
    EXPECT_EQ(after(net.graph, unfold_input), (Names{"Pad", "Reshape", "Transpose", "Reshape", "Conv"}));
    EXPECT_EQ(net.graph.tensor(net.graph.nodes[4].inputs[1]).shape, (Shape{8, 48, 3, 3}));
  }
}

TEST(UnfoldInput, LeavesManyChannelsAndInnerLayersAlone) {
  Net net;
  net.output(net.conv(net.conv(net.input({1, 5, 6, 6}), 3, true), 8, true));
  EXPECT_EQ(after(net.graph, unfold_input), (Names{"Conv", "Conv"}));
}

TEST(DeadCode, DropsNodesAndTensorsButNoInputs) {
  Net net;
  const TensorId x = net.input({1, 2});
  net.input({7});
  net.relu(net.relu(x));
  net.constant({5});
  net.output(net.relu(x));
  dead_code(net.graph);
  net.graph.check();
  EXPECT_EQ(net.graph.nodes.size(), 1U);
  EXPECT_EQ(net.graph.tensors.size(), 3U);
  EXPECT_EQ(net.graph.inputs.size(), 2U);
}

TEST(PassManager, AResidualBlockBecomesTwoOrThreeConvolutions) {
  Net net;
  const TensorId x = net.input({1, 4, 6, 6});
  TensorId y = net.relu(net.batch_norm(net.conv(x, 8, false)));
  y = net.batch_norm(net.conv(y, 8, false));
  y = net.relu(net.add(Add{}, {y, net.batch_norm(net.conv(x, 8, false))}));
  y = net.add(Pool{.kind = Pool::Kind::kAverage, .global = true, .clamp = {}}, {y});
  y = net.add(MatMul{.transpose_b = true}, {net.add(Flatten{}, {y}), net.constant({10, 8}), net.constant({10})});
  net.output(y);
  const auto reports = simplify(net.graph, {.disabled = {}, .verify = verify_by_reference()});
  EXPECT_EQ(reports.size(), simplification_passes().size());
  Names names;
  for (const Node& node : net.graph.nodes) names.emplace_back(op_name(node.op));
  EXPECT_EQ(names, (Names{"UnfoldColumns", "Conv", "Conv", "UnfoldColumns", "Conv", "AveragePool", "Dense"}));
}

TEST(PassManager, SwitchesPassesOffByName) {
  Net net;
  net.output(net.relu(net.conv(net.input({1, 4, 6, 6}), 8, false)));
  Graph copy = net.graph;
  simplify(copy, {.disabled = {"fuse_clamp"}, .verify = {}});
  EXPECT_EQ(copy.nodes.size(), 3U);
  try {
    simplify(net.graph, {.disabled = {"fuse_clmp"}, .verify = {}});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'fuse_clamp'"));
  }
}

TEST(PassManager, StopsWhenInterrupted) {
  Net net;
  net.output(net.relu(net.input({1, 4})));
  set_interrupted(true);
  EXPECT_THROW(simplify(net.graph), RunError);
  set_interrupted(false);
}

TEST(PassManager, VerificationNamesAPassThatIsWrong) {
  Net net;
  net.output(net.relu(net.input({1, 40})));
  const Pass wrong{"break_relu", [](Graph& graph) { std::get<Clip>(graph.nodes[0].op).clamp.low = -0.1F; }};
  try {
    run_passes(net.graph, {wrong}, {.disabled = {}, .verify = verify_by_reference()});
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("break_relu"));
  }
}

TEST(PassManager, VerificationSeesAPassThatChangesWeightsOnly) {
  Net net;
  net.output(net.conv(net.input({1, 4, 6, 6}), 8, false));
  const Pass nothing{"do_nothing", [](Graph&) {}};
  const Pass wrong{"break_weights", [](Graph& graph) {
                     Tensor& weights = graph.tensor(graph.nodes[0].inputs[1]);
                     weights.constant = Array(DataType::kFloat32, weights.shape);
                   }};
  try {
    run_passes(net.graph, {nothing, wrong}, {.disabled = {}, .verify = verify_by_reference()});
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("break_weights"));
  }
}

// A random graph of everything the passes rewrite; values may be read any number of times.
Graph random_graph(uint64_t seed, int nodes) {
  Random random(seed);
  Net net(seed);
  std::vector<TensorId> values{net.input({2, 4, 5, 5})};
  const auto pick = [&] { return values[values.size() - 1 - random.below(std::min<size_t>(values.size(), 3))]; };
  for (int i = 0; i < nodes; ++i) {
    switch (random.below(10)) {
      case 0:
      case 1:
        values.push_back(net.conv(pick(), 4, random.below(2) == 0));
        break;
      case 2:
        values.push_back(net.conv(pick(), 4, true, 2));
        break;
      case 3:
        values.push_back(net.batch_norm(pick()));
        break;
      case 4:
        values.push_back(net.relu(pick()));
        break;
      case 5:
        values.push_back(net.add(Clip{{-1, 1}}, {pick()}));
        break;
      case 6:
        values.push_back(net.add(Add{}, {pick(), pick()}));
        break;
      case 7:
        values.push_back(net.add(Add{}, {net.constant({4, 1, 1}), pick()}));
        break;
      case 8:
        values.push_back(net.add(Identity{}, {pick()}));
        break;
      case 9:
        values.push_back(net.add(Add{}, {net.relu(net.constant({1, 4, 1, 1})), pick()}));
        break;
    }
  }
  TensorId last = net.add(Flatten{}, {net.add(Pool{.global = true, .clamp = {}}, {values.back()})});
  net.output(net.add(Add{}, {net.add(MatMul{}, {last, net.constant({4, 3})}), net.constant({3})}));
  if (random.below(2) == 0 && pick() != values[0]) net.output(values[1 + random.below(values.size() - 1)]);
  return net.graph;
}

RC_GTEST_PROP(PassManager, KeepsWhatRandomGraphsCompute, ()) {
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const auto nodes = *rc::gen::inRange(1, 14);
  Graph graph = random_graph(seed, nodes);
  const size_t before = graph.nodes.size();
  simplify(graph, {.disabled = {}, .verify = verify_by_reference(seed)});
  RC_ASSERT(graph.nodes.size() <= before);
}

}  // namespace
}  // namespace arco
