#include "arco/graph/serialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"

namespace arco {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// Builds graphs in a line or two: shapes of the results are inferred at the end.
struct Builder {
  Graph graph;

  TensorId input(Shape shape, DataType type = DataType::kFloat32) {
    const TensorId id = graph.add_tensor({"x" + std::to_string(graph.inputs.size()), type, std::move(shape), {}, 0});
    graph.inputs.push_back(id);
    return id;
  }
  TensorId constant(Shape shape) {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.5F + static_cast<float>(i);
    return graph.add_constant("c" + std::to_string(graph.tensors.size()), Array::of<float>(std::move(shape), values));
  }
  TensorId node(Op op, std::vector<TensorId> inputs, std::optional<Requantize> requantize = {}, int exponent = 0) {
    const std::string name = "n" + std::to_string(graph.nodes.size());
    const TensorId out = graph.add_tensor({name + ".y", DataType::kFloat32, {}, {}, exponent});
    graph.nodes.push_back({name, std::move(op), std::move(inputs), {out}, requantize});
    graph.outputs.push_back(out);
    return out;
  }
  Graph finish() {
    graph.name = "test \"net\"";
    graph.check();
    infer_shapes(graph);
    return graph;
  }
};

template <typename Kinded>
void every_kind(Builder& b, Kinded op, const std::vector<TensorId>& inputs) {
  for (size_t kind = 0; kind < names_of(op.kind).size(); ++kind) {
    op.kind = static_cast<decltype(op.kind)>(kind);
    b.node(op, inputs);
  }
}

// Those that only the host runs.
void every_host_operator(Builder& b, TensorId x) {
  b.node(ConvTranspose{{2, 1}, {1, 2}, {1, 0, -2, 3}, {1, 0}, 2, {0, 1}},
         {x, b.constant({4, 3, 3, 2}), b.constant({6})});
  every_kind(b, Unary{Unary::Kind::kElu, 0.25F, 3}, {x});
  every_kind(b, Binary{}, {x, b.constant({4, 1, 1})});
  every_kind(b, Reduce{Reduce::Kind::kMax, {1, -1}, false}, {x});
  b.node(Where{}, {b.node(Cast{DataType::kBool}, {x}), x, b.constant({4, 1, 1})});
  b.node(Slice{{1, -1}, {3, -9}, {1, 2}, {1, -2}}, {x});
  b.node(Pad{Pad::Mode::kReflect, {0, 1, 2, 3, 0, -1, 1, 2}, 4}, {x});
  b.node(Gather{-2}, {x, b.node(Cast{DataType::kInt64}, {x})});
  b.node(Expand{{1, 4, 1, 9}}, {x});
  b.node(Resize{Resize::Mode::kCubic,
                Resize::Coordinates::kAsymmetric,
                Resize::Rounding::kCeil,
                {2, 4, 18, 27},
                {1, 1, 2, 3.01F},
                -0.5F,
                true},
         {x});
  const TensorId linear = b.node(QuantizeLinear{-3, DataType::kInt8},
                                 {x, b.constant({4}), b.node(Cast{DataType::kInt8}, {b.constant({4})})});
  b.node(DequantizeLinear{2}, {linear, b.constant({9})});
  b.node(Table{}, {linear, b.node(Cast{DataType::kInt8}, {b.constant({256})})});
}

// Every operator, every attribute different from its default.
Graph every_operator() {
  Builder b;
  const TensorId x = b.input({2, 4, 9, 9});
  const Clamp clamp{-0.1F, 6};
  const TensorId conv =
      b.node(Conv{{2, 1}, {1, 2}, {1, 0, 2, 3}, 2, clamp}, {x, b.constant({4, 2, 3, 2}), b.constant({4})});
  b.node(Dense{clamp}, {x, b.constant({5, 324}), kNoTensor, b.constant({2, 5})});
  b.node(BatchNorm{0.25F}, {x, b.constant({4}), b.constant({4}), b.constant({4}), b.constant({4})});
  b.node(Add{{0, std::numeric_limits<float>::infinity()}}, {x, b.constant({4, 1, 1})});
  b.node(Clip{clamp}, {conv});
  b.node(Pool{Pool::Kind::kMax, {2, 3}, {2, 1}, {2, 1}, {1, 0, 1, 2}, true, false, false, clamp}, {x});
  b.node(Pool{Pool::Kind::kAverage, {3, 3}, {1, 2}, {1, 1}, {1, 1, 1, 1}, false, true, false, {}}, {x});
  b.node(Pool{Pool::Kind::kAverage, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, false, false, true, {}}, {x});
  b.node(Reshape{{0, -1, 3}}, {x});
  b.node(Flatten{-2}, {x});
  b.node(Lrn{3, 0.1F, 0.7F, 2}, {x});
  b.node(Softmax{1, true, true}, {x});
  b.node(Concat{-1}, {x, x});
  b.node(Identity{}, {x});
  b.node(MatMul{true, true, 0.5F, 3}, {b.constant({3, 2}), b.constant({4, 3}), b.constant({4})});
  b.node(Transpose{{3, 0, 2, 1}}, {x});
  b.node(UnfoldColumns{3, 2, 1, {1, 0}}, {x});
  every_host_operator(b, x);
  const TensorId small = b.node(Quantize{}, {x}, {}, 5);
  b.node(Dequantize{}, {small});
  b.node(Add{}, {small, small}, Requantize{3, -5, 100, 2, {1, 4}, 1, ChannelRequantize{{1, 300}, {7}, 9}}, 2);
  b.node(Pool{Pool::Kind::kAverage, {2, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}, false, false, false, {}}, {small},
         Requantize{9, 0, 127, 0, {0, 0}, 77}, -1);
  const TensorId on_grid = b.node(Quantize{}, {x});
  b.graph.tensor(on_grid).grid = Grid{0.1, -128};
  b.node(Add{}, {on_grid, small}, Requantize{.shift = 3, .add_scales = AddScales{{5, 6}, 7}, .zeros = {1, -2, -128}});
  return b.finish();
}

Graph round_trip(const Graph& graph) {
  std::vector<uint8_t> blob;
  const Json json = Json::parse(serialize(graph, blob).dump());
  return deserialize(JsonView(json, "file"), blob);
}

TEST(Serialize, GivesEveryOperatorBack) {
  const Graph graph = every_operator();
  const Graph back = round_trip(graph);
  EXPECT_EQ(to_text(back), to_text(graph));
  EXPECT_EQ(back.name, graph.name);
  ASSERT_EQ(back.tensors.size(), graph.tensors.size());
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    EXPECT_EQ(back.tensors[i].exponent, graph.tensors[i].exponent);
    EXPECT_EQ(back.tensors[i].grid, graph.tensors[i].grid);
    ASSERT_EQ(back.tensors[i].constant.has_value(), graph.tensors[i].constant.has_value());
    if (!graph.tensors[i].constant) continue;
    const auto want = graph.tensors[i].constant->bytes();
    const auto got = back.tensors[i].constant->bytes();
    EXPECT_TRUE(std::equal(want.begin(), want.end(), got.begin(), got.end())) << graph.tensors[i].name;
  }
}

TEST(Serialize, IsDeterministic) {
  std::vector<uint8_t> first;
  std::vector<uint8_t> second;
  EXPECT_EQ(serialize(every_operator(), first), serialize(every_operator(), second));
  EXPECT_EQ(first, second);
}

// The error for a file that `damage` has changed.
std::string problem_after(const std::function<void(Json&, std::vector<uint8_t>&)>& damage) {
  std::vector<uint8_t> blob;
  Json json = serialize(every_operator(), blob);
  damage(json, blob);
  try {
    deserialize(JsonView(json, "file"), blob);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Serialize, NamesWhatIsWrong) {
  const auto problem = [](const char* pointer, const Json& value) {
    return problem_after([&](Json& json, auto&) { json[Json::json_pointer(pointer)] = value; });
  };
  EXPECT_THAT(problem("/nodes/0/op", "Conf"),
              HasSubstr("file.nodes[0].op: \"Conf\" is unknown, did you mean \"Conv\""));
  EXPECT_THAT(problem("/nodes/0/strides", Json{0, 1}), HasSubstr("strides [0,1]: 0 must be from 1 to 16777216"));
  EXPECT_THAT(problem("/nodes/0/strides", Json{1}), HasSubstr("has 1 entries, expected 2"));
  EXPECT_THAT(problem("/nodes/0/groups", "two"), HasSubstr("expected a whole number"));
  EXPECT_THAT(problem("/nodes/0/inputs", Json{99999}), HasSubstr("expected a whole number from -1 to"));
  EXPECT_THAT(problem("/nodes/0/outputs", Json{-1}), HasSubstr("expected a whole number from 0 to"));
  EXPECT_THAT(problem("/nodes/0/outputs", Json{0}), HasSubstr("no valid graph"));
  EXPECT_THAT(problem("/outputs", Json{1u << 31}), HasSubstr("file.outputs[0]"));
  EXPECT_THAT(problem("/tensors/0/type", "int7"), HasSubstr("did you mean \"int8\""));
  EXPECT_THAT(problem("/tensors/0/type", "int64"), HasSubstr("expected"));
  EXPECT_THAT(problem("/tensors/0/shape", Json{2, -4, 9, 9}), HasSubstr("dimensions must be positive"));
  EXPECT_THAT(problem("/tensors/0/shape", Json{1ull << 60, 1ull << 60}), HasSubstr("dimensions must be positive"));
  EXPECT_THAT(problem("/tensors/0/shape", Json{2, 4, 9, 8}), HasSubstr("file"));
  EXPECT_THAT(problem("/tensors/0/exponent", 1 << 30), HasSubstr("exponent"));
  EXPECT_THAT(problem("/tensors/1/constant", UINT64_MAX), HasSubstr("not all within"));
  EXPECT_THAT(problem("/tensors/1/constant", -1), HasSubstr("expected a whole number"));
  EXPECT_THAT(problem("/nodes", Json{{"a", 1}}), HasSubstr("expected a list"));
  EXPECT_THAT(problem_after([](Json& json, auto&) { json.erase("tensors"); }), HasSubstr("\"tensors\" is missing"));
}

TEST(Serialize, ConstantsStayWithinTheBlob) {
  EXPECT_THAT(problem_after([](Json&, std::vector<uint8_t>& blob) { blob.pop_back(); }), HasSubstr("not all within"));
  // All tensors claim the same bytes: together they want more than there are.
  const std::string shared = problem_after([](Json& json, std::vector<uint8_t>&) {
    Json big = json["tensors"][4];
    big["constant"] = 0;
    for (int i = 0; i < 1000; ++i) json["tensors"].push_back(big);
  });
  EXPECT_THAT(shared, HasSubstr("need more than"));
}

TEST(JsonView, RefusesWhatParsersAccept) {
  EXPECT_THROW(parse_json_object("{\"a\": 1, \"a\": 2}", "f"), UserError);
  EXPECT_THROW(parse_json_object("{\"b\": [{\"a\": 1, \"a\": 2}]}", "f"), UserError);
  EXPECT_THROW(parse_json_object("[1]", "f"), UserError);
  EXPECT_THROW(parse_json_object("{\"a\":", "f"), UserError);
  EXPECT_THROW(parse_json_object("{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + "}", "f"),
               UserError);
  EXPECT_EQ(parse_json_object("{\"b\": [{\"a\": 1}, {\"a\": 2}], \"a\": {\"a\": 1}}", "f").size(), 2U);
}

}  // namespace
}  // namespace arco
