// A small network for every operator that imports, in the forms that networks use. For operators_test.cc alone.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "arco/cli/test_net.h"

namespace arco::testing_support {

const Shape kImage{1, 16, 8, 8};

struct Row {
  std::string name;
  std::function<void(Net&)> build;
  double signal_to_noise_db = 20;  // of the outputs, at least
  int64_t opset = 13;
};
inline void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

// An image behind a convolution, so that it is int8; and a convolution that reads an image.
inline std::string image(Net& n, int64_t channels = 16) {
  return n.conv(n.input(kImage), {channels, 16, 1, 1});
}
inline void consume(Net& n, const std::string& x, int64_t channels = 16) {
  n.output(n.conv(x, {8, channels, 1, 1}));
}

// A function of one image between two convolutions.
inline Row between(const std::string& op, const Attributes& attributes = {}, double signal_to_noise_db = 20,
                   int64_t opset = 13) {
  return {op, [=](Net& n) { consume(n, n.node(op, {image(n)}, attributes)); }, signal_to_noise_db, opset};
}
// The same for functions of positive numbers.
inline Row between_positive(const std::string& op, double signal_to_noise_db = 20) {
  return {op,
          [=](Net& n) {
            const auto positive = n.add(n.node("Abs", {image(n)}), n.scalar(0.5F));
            consume(n, n.node(op, {positive}));
          },
          signal_to_noise_db};
}
// A function of two images.
inline Row of_two(const std::string& op, double signal_to_noise_db = 20) {
  return {op,
          [=](Net& n) {
            const auto x = image(n);
            const auto y = n.add(n.node("Abs", {image(n)}), n.scalar(1));
            consume(n, n.node(op, {n.node("Abs", {x}), y}));
          },
          signal_to_noise_db};
}
// A comparison with something a step of int8 is far away from.
inline Row comparison(const std::string& op) {
  return {op,
          [=](Net& n) {
            const auto x = n.node("Clip", {n.node("Mul", {image(n), n.scalar(1000)}), n.scalar(-1), n.scalar(1)});
            const auto holds = n.node(op, {x, n.scalar(0.5F)});
            consume(n, n.node("Where", {holds, n.scalar(1), x}));
          },
          10};
}
// Over the plane, kept as 1 x 1.
inline Row reduction(const std::string& op, double signal_to_noise_db = 20) {
  const Ints plane{2, 3};
  return {op,
          [=](Net& n) {
            if (op == "ReduceSum") return consume(n, n.node(op, {image(n), n.integers(plane)}));
            consume(n, n.node(op, {n.node("Abs", {image(n)})}, {{"axes", plane}}));
          },
          signal_to_noise_db};
}

inline std::vector<Row> convolutions() {
  const Attributes same{{"pads", Ints{1, 1, 1, 1}}};
  const auto transposed = [](Shape weights, Attributes attributes) {
    return [=](Net& n) {
      n.output(n.node("ConvTranspose", {image(n), n.weights(weights), n.weights({8})}, attributes));
    };
  };
  return {
      {"Conv",
       [=](Net& n) {
         n.output(n.conv(image(n), {8, 16, 3, 3}, same));
       }},
      {"Conv, depthwise",
       [=](Net& n) {
         n.output(n.conv(image(n), {16, 1, 3, 3}, {same[0], {"group", 16}}));
       }},
      {"Conv, grouped",
       [=](Net& n) {
         n.output(n.conv(image(n), {32, 4, 3, 3}, {same[0], {"group", 4}}));
       }},
      {"Conv of a line",
       [=](Net& n) {
         n.output(n.conv(n.input({1, 16, 20}), {8, 16, 3}));
       }},
      {"Conv of a line, batch normalisation, another one",
       [=](Net& n) {
         const auto x = n.conv(n.input({1, 16, 20}), {8, 16, 3});
         const auto y = n.node("BatchNormalization", {x, n.ones({8}), n.ones({8}), n.ones({8}), n.ones({8})});
         n.output(n.conv(n.relu(y), {8, 8, 3}));
       }},
      {"Conv with computed weights",
       [=](Net& n) {
         n.output(n.node("Conv", {image(n), n.node("Tanh", {n.input({8, 16, 1, 1})})}));
       }},
      {"Conv of an input with computed bias",
       [=](Net& n) {
         n.output(n.node("Conv", {n.input({1, 3, 8, 8}), n.weights({8, 3, 3, 3}), n.node("Tanh", {n.input({8})})}));
       }},
      {"ConvTranspose", transposed({16, 8, 2, 2}, {{"strides", Ints{2, 2}}})},
      {"ConvTranspose, cropped",
       transposed({16, 8, 3, 3}, {{"strides", Ints{2, 2}}, same[0], {"output_padding", Ints{1, 1}}})},
      {"ConvTranspose, grouped", transposed({16, 2, 3, 3}, {{"strides", Ints{2, 2}}, {"group", 4}})},
      {"ConvTranspose, dilated", transposed({16, 8, 3, 3}, {{"dilations", Ints{2, 2}}})},
      between("MaxPool", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}),
      between("AveragePool", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}),
      between("GlobalAveragePool"),
      between("GlobalMaxPool"),
      {"BatchNormalization",
       [](Net& n) {
         const auto joined = n.node("Concat", {image(n), image(n)}, {{"axis", 1}});
         const auto variance = n.constant(float_tensor("", {32}, std::vector<float>(32, 1.5F)));
         const Shape c{32};
         consume(n, n.node("BatchNormalization", {joined, n.weights(c), n.weights(c), n.weights(c), variance}), 32);
       }},
      between("LRN", {{"size", 5}}),
  };
}

inline std::vector<Row> functions() {
  std::vector<Row> rows;
  for (const char* op : {"Relu", "HardSigmoid", "HardSwish", "Sigmoid", "LeakyRelu", "Elu", "Tanh", "Abs", "Celu",
                         "Erf", "Neg", "Selu", "Softplus", "Softsign", "ThresholdedRelu", "Dropout", "Identity"}) {
    const bool jumps = std::string(op) == "ThresholdedRelu";  // int8 falls on the other side now and then
    rows.push_back(between(op, {}, jumps ? 12 : 20, std::string(op) == "HardSwish" ? 14 : 13));
  }
  rows.push_back(between("Mish", {}, 20, 18));
  rows.push_back(between("Softmax", {{"axis", 1}}));
  rows.push_back(between("LogSoftmax", {{"axis", 1}}));
  for (const char* op : {"Exp", "Ceil", "Floor", "Round", "Sign"}) rows.push_back(between(op, {}, 8));
  for (const char* op : {"Log", "Reciprocal", "Sqrt"}) rows.push_back(between_positive(op, 15));
  rows.push_back({"Clip", [](Net& n) { consume(n, n.node("Clip", {image(n), n.scalar(-0.5F), n.scalar(1.5F)})); }});
  rows.push_back({"PRelu", [](Net& n) { consume(n, n.node("PRelu", {image(n), n.weights({16, 1, 1})})); }});
  rows.push_back({"PRelu, one slope", [](Net& n) { consume(n, n.node("PRelu", {image(n), n.weights({1})})); }});
  return rows;
}

inline std::vector<Row> arithmetic() {
  std::vector<Row> rows;
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean"}) rows.push_back(of_two(op));
  rows.push_back(of_two("Pow", 8));
  for (const char* op : {"Equal", "Greater", "Less"}) rows.push_back(comparison(op));
  for (const char* op :
       {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"})
    rows.push_back(reduction(op));
  rows.push_back(reduction("ReduceLogSum"));
  rows.push_back({"ReduceProd",
                  [](Net& n) {
                    n.output(n.node("ReduceProd", {n.node("Tanh", {image(n)})}, {{"axes", Ints{3}}}));
                  },
                  5});
  for (const char* op : {"Mul", "Sub", "Div", "Add"}) {
    rows.push_back({std::string(op) + " by constants", [=](Net& n) {
                      const auto c = n.node("Abs", {n.weights({1, 16, 1, 1})});
                      consume(n, n.node(op, {image(n), n.add(c, n.scalar(0.5F))}));
                    }});
  }
  rows.push_back({"Mul by constants behind a concatenation", [](Net& n) {
                    const auto joined = n.node("Concat", {image(n), image(n)}, {{"axis", 1}});
                    consume(n, n.node("Mul", {joined, n.weights({32, 1, 1})}), 32);
                  }});
  rows.push_back({"Mul by a gate", [](Net& n) {
                    const auto x = image(n);
                    const auto gate = n.node("Sigmoid", {n.conv(n.node("GlobalAveragePool", {x}), {16, 16, 1, 1})});
                    consume(n, n.node("Mul", {x, gate}));
                  }});
  return rows;
}

inline std::vector<Row> layouts() {
  const Ints plane{1, 1, 2, 2};
  const auto scales = [](Net& n) { return n.constant(float_tensor("", {4}, {1, 1, 2, 2})); };
  return {
      {"Concat",
       [](Net& n) {
         consume(n, n.node("Concat", {image(n), image(n)}, {{"axis", 1}}), 32);
       }},
      {"Concat, one part from the host",
       [](Net& n) {
         consume(n, n.node("Concat", {image(n), n.node("Softmax", {image(n)}, {{"axis", 1}})}, {{"axis", 1}}), 32);
       }},
      {"Concat of parts that fill no blocks",
       [](Net& n) {
         consume(n, n.node("Concat", {image(n, 5), image(n, 7)}, {{"axis", 1}}), 12);
       }},
      {"Concat of rows",
       [](Net& n) {
         consume(n, n.node("Concat", {image(n), image(n)}, {{"axis", 2}}));
       }},
      {"Split",
       [](Net& n) {
         for (const auto& part : n.nodes("Split", {image(n, 32)}, 2, {{"axis", 1}})) consume(n, part);
       }},
      {"Slice",
       [](Net& n) {
         consume(n, n.node("Slice", {image(n, 40), n.integers({16}), n.integers({32}), n.integers({1})}));
       }},
      {"Slice of rows",
       [](Net& n) {
         consume(n, n.node("Slice", {image(n), n.integers({1}), n.integers({7}), n.integers({2})}));
       }},
      {"Pad",
       [](Net& n) {
         n.output(n.conv(n.node("Pad", {image(n), n.integers({0, 0, 1, 1, 0, 0, 1, 1})}), {8, 16, 3, 3}));
       }},
      {"Pad by reflection",
       [](Net& n) {
         const auto pads = n.integers({0, 0, 1, 1, 0, 0, 1, 1});
         n.output(n.conv(n.node("Pad", {image(n), pads}, {{"mode", "reflect"}}), {8, 16, 3, 3}));
       }},
      {"Resize, nearest",
       [=](Net& n) {
         consume(n, n.node("Resize", {image(n), "", scales(n)}));
       }},
      {"Resize, bilinear",
       [=](Net& n) {
         consume(n, n.node("Resize", {image(n), "", scales(n)}, {{"mode", "linear"}}));
       }},
      {"Upsample",
       [=](Net& n) {
         consume(n, n.node("Upsample", {image(n), scales(n)}));
       },
       20, 9},
      {"DepthToSpace",
       [](Net& n) {
         consume(n, n.node("DepthToSpace", {image(n)}, {{"blocksize", 2}}), 4);
       }},
      {"DepthToSpace, columns first",
       [](Net& n) {
         consume(n, n.node("DepthToSpace", {image(n)}, {{"blocksize", 2}, {"mode", "CRD"}}), 4);
       }},
      {"SpaceToDepth",
       [](Net& n) {
         consume(n, n.node("SpaceToDepth", {image(n)}, {{"blocksize", 2}}), 64);
       }},
      {"Transpose",
       [](Net& n) {
         consume(n, n.node("Transpose", {image(n)}, {{"perm", Ints{0, 1, 3, 2}}}));
       }},
      {"Flatten",
       [](Net& n) {
         n.output(n.node("MatMul", {n.node("Flatten", {image(n)}), n.weights({1024, 5})}));
       }},
      {"Squeeze and Unsqueeze",
       [](Net& n) {
         const auto flat = n.node("Squeeze", {n.node("GlobalMaxPool", {image(n)}), n.integers({2, 3})});
         consume(n, n.node("Unsqueeze", {n.node("Sigmoid", {flat}), n.integers({2, 3})}));
       }},
      {"Shape, Gather, Size, Reshape",
       [](Net& n) {
         const auto x = image(n);
         const auto batch = n.node("Unsqueeze", {n.node("Gather", {n.node("Shape", {x}), n.constant([] {
                                                                     auto zero = integer_tensor("", {0});
                                                                     zero.clear_dims();
                                                                     return zero;
                                                                   }())}),
                                                 n.integers({0})});
         const auto rest = n.node("Div", {n.node("Unsqueeze", {n.node("Size", {x}), n.integers({0})}), batch});
         const auto flat = n.node("Reshape", {x, n.node("Concat", {batch, rest}, {{"axis", 0}})});
         n.output(n.node("MatMul", {flat, n.weights({1024, 5})}));
       }},
      {"Expand",
       [](Net& n) {
         consume(n, n.node("Expand", {n.node("GlobalMaxPool", {image(n)}), n.integers({1, 16, 8, 8})}));
       }},
      {"Tile",
       [=](Net& n) {
         consume(n, n.node("Tile", {image(n), n.integers(plane)}));
       }},
      {"Gather",
       [](Net& n) {
         consume(n, n.node("Gather", {image(n), n.integers({3, 1, 2})}, {{"axis", 1}}), 3);
       }},
      {"Where",
       [](Net& n) {
         onnx::TensorProto mask;
         mask.set_data_type(onnx::TensorProto::BOOL);
         mask.add_dims(8);
         for (int i = 0; i < 8; ++i) mask.add_int32_data(i % 2);
         consume(n, n.node("Where", {n.constant(mask), image(n), n.scalar(0.25F)}));
       }},
      {"Constant, ConstantOfShape, Range, Cast",
       [](Net& n) {
         const auto value = float_tensor("", {1}, {0.5F});
         const auto half = n.node("ConstantOfShape", {n.integers({16, 1, 1})}, {{"value", value}});
         const auto line = n.node(
             "Range", {n.scalar(0), n.scalar(8), n.node("Constant", {}, {{"value", float_tensor("", {}, {1})}})});
         const auto x = n.node("Mul", {n.node("Cast", {image(n)}, {{"to", int64_t{onnx::TensorProto::FLOAT}}}), half});
         consume(n, n.add(x, line));
       }},
  };
}

// uint8 [shape] with these values.
inline onnx::TensorProto bytes(const Shape& shape, int type, const std::function<int(int64_t)>& value) {
  onnx::TensorProto tensor;
  tensor.set_data_type(type);
  for (const int64_t d : shape) tensor.add_dims(d);
  for (int64_t i = 0; i < element_count(shape); ++i) tensor.add_int32_data(value(i));
  return tensor;
}

inline std::string int8_weights(Net& n, const Shape& shape) {
  return n.constant(
      bytes(shape, onnx::TensorProto::INT8, [](int64_t i) { return static_cast<int>(i * 37 % 200) - 100; }));
}
inline std::string zero(Net& n, int value) {
  return n.constant(bytes({}, onnx::TensorProto::UINT8, [=](int64_t) { return value; }));
}
inline std::string zero_int8(Net& n) {
  return n.constant(bytes({}, onnx::TensorProto::INT8, [](int64_t) { return 0; }));
}
inline std::string quantized(Net& n, const std::string& x, float scale) {
  return n.node("QuantizeLinear", {x, n.scalar(scale), zero(n, 128)});
}
inline std::string dequantized(Net& n, const std::string& x, float scale) {
  return n.node("DequantizeLinear", {x, n.scalar(scale), zero(n, 128)});
}

inline std::vector<Row> products() {
  return {
      {"MatMul",
       [](Net& n) {
         n.output(n.node("MatMul", {n.input({3, 20}), n.weights({20, 7})}));
       }},
      {"MatMul of a stack",
       [](Net& n) {
         n.output(n.node("MatMul", {n.input({2, 3, 20}), n.weights({20, 7})}));
       }},
      {"MatMul, constant first",
       [](Net& n) {
         n.output(n.node("MatMul", {n.weights({7, 20}), n.input({20, 3})}));
       }},
      {"MatMul of two inputs",
       [](Net& n) {
         n.output(n.node("MatMul", {n.input({3, 20}), n.input({20, 7})}));
       }},
      {"Gemm",
       [](Net& n) {
         n.output(n.node("Gemm", {n.input({3, 20}), n.weights({20, 7}), n.weights({7})}));
       }},
      {"Gemm, b transposed",
       [](Net& n) {
         n.output(n.node("Gemm", {n.input({3, 20}), n.weights({7, 20}), n.weights({7})}, {{"transB", 1}}));
       }},
      {"Gemm, a transposed",
       [](Net& n) {
         n.output(n.node("Gemm", {n.input({20, 3}), n.weights({20, 7}), n.weights({7})}, {{"transA", 1}}));
       }},
      {"QuantizeLinear, DequantizeLinear",
       [](Net& n) {
         const auto x = dequantized(n, quantized(n, n.input(kImage), 0.03F), 0.03F);
         const auto w = n.node("DequantizeLinear", {int8_weights(n, {8, 16, 1, 1}), n.scalar(0.004F), zero_int8(n)});
         n.output(dequantized(n, quantized(n, n.node("Conv", {x, w}), 0.05F), 0.05F));
       }},
      {"QLinearConv",
       [=](Net& n) {
         const auto y = n.node("QLinearConv", {quantized(n, n.input(kImage), 0.03F), n.scalar(0.03F), zero(n, 128),
                                               int8_weights(n, {8, 16, 3, 3}), n.scalar(0.004F), zero_int8(n),
                                               n.scalar(0.1F), zero(n, 128)});
         n.output(dequantized(n, y, 0.1F));
       }},
      {"QLinearMatMul",
       [=](Net& n) {
         const auto y = n.node("QLinearMatMul", {quantized(n, n.input({3, 20}), 0.03F), n.scalar(0.03F), zero(n, 128),
                                                 int8_weights(n, {20, 7}), n.scalar(0.004F), zero_int8(n),
                                                 n.scalar(0.06F), zero(n, 128)});
         n.output(dequantized(n, y, 0.06F));
       }},
      {"DynamicQuantizeLinear, MatMulInteger",
       [=](Net& n) {
         const auto q = n.nodes("DynamicQuantizeLinear", {n.input({3, 20})}, 3);
         const auto y = n.node("MatMulInteger", {q[0], int8_weights(n, {20, 7}), q[2]});
         const auto real = n.node("Cast", {y}, {{"to", int64_t{onnx::TensorProto::FLOAT}}});
         n.output(n.node("Mul", {real, n.node("Mul", {q[1], n.scalar(0.004F)})}));
       }},
      {"ConvInteger",
       [=](Net& n) {
         const auto q = n.nodes("DynamicQuantizeLinear", {n.input(kImage)}, 3);
         const auto y = n.node("ConvInteger", {q[0], int8_weights(n, {8, 16, 3, 3}), q[2]});
         const auto real = n.node("Cast", {y}, {{"to", int64_t{onnx::TensorProto::FLOAT}}});
         n.output(n.node("Mul", {real, n.node("Mul", {q[1], n.scalar(0.004F)})}));
       }},
  };
}

// The operators of the domain com.microsoft, between QuantizeLinear and DequantizeLinear.
inline std::vector<Row> onnx_runtime() {
  const std::string domain = "com.microsoft.";
  constexpr float kStep = 0.03F;
  // A tensor with its scale and zero point.
  using Names = std::vector<std::string>;
  const auto operand = [=](Net& n, const Shape& shape) {
    return Names{quantized(n, n.input(shape), kStep), n.scalar(kStep), zero(n, 128)};
  };
  const auto result = [](Net& n, float step, int at = 128) { return Names{n.scalar(step), zero(n, at)}; };
  const auto join = [](std::initializer_list<Names> parts) {
    Names all;
    for (const Names& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const auto function = [=](const std::string& op, float step, int at, const Attributes& attributes = {}) {
    return Row{op, [=](Net& n) {
                 const auto y = n.node(domain + op, join({operand(n, kImage), result(n, step, at)}), attributes);
                 n.output(n.node("DequantizeLinear", {y, n.scalar(step), zero(n, at)}));
               }};
  };
  const auto sum_of_two = [=](const std::string& op) {
    return Row{op, [=](Net& n) {
                 const auto inputs = join({operand(n, kImage), operand(n, kImage), result(n, 0.05F)});
                 n.output(dequantized(n, n.node(domain + op, inputs), 0.05F));
               }};
  };
  return {
      sum_of_two("QLinearAdd"),
      sum_of_two("QLinearMul"),
      function("QLinearSigmoid", 1.0F / 256, 0),
      function("QLinearLeakyRelu", 0.03F, 20, {{"alpha", 0.2F}}),
      function("QLinearSoftmax", 1.0F / 256, 0, {{"axis", 1}, {"opset", 13}}),
      function("QLinearAveragePool", 0.02F, 128, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}),
      function("QLinearGlobalAveragePool", 0.01F, 128),
      {"QLinearConcat",
       [=](Net& n) {
         const auto inputs = join({result(n, kStep), operand(n, kImage), operand(n, kImage)});
         n.output(dequantized(n, n.node(domain + "QLinearConcat", inputs, {{"axis", 1}}), kStep));
       }},
      {"QGemm",
       [=](Net& n) {
         const Names b{int8_weights(n, {7, 20}), n.scalar(0.004F), zero_int8(n)};
         const auto bias =
             n.constant(bytes({7}, onnx::TensorProto::INT32, [](int64_t i) { return int(i * 900 - 2000); }));
         const auto inputs = join({operand(n, {3, 20}), b, {bias}, result(n, 0.06F)});
         n.output(dequantized(n, n.node(domain + "QGemm", inputs, {{"transB", 1}, {"alpha", 0.5F}}), 0.06F));
       }},
      {"QGemm without a scale of the output",
       [=](Net& n) {
         const Names b{int8_weights(n, {20, 7}), n.scalar(0.004F), zero_int8(n)};
         n.output(n.node(domain + "QGemm", join({operand(n, {3, 20}), b})));
       }},
      {"QuantizeLinear, DequantizeLinear of ONNX Runtime",
       [=](Net& n) {
         const auto q = n.node(domain + "QuantizeLinear", {n.input(kImage), n.scalar(kStep), zero(n, 128)});
         const auto x = n.node(domain + "DequantizeLinear", {q, n.scalar(kStep), zero(n, 128)});
         n.output(n.conv(x, {8, 16, 1, 1}));
       }},
  };
}

inline std::vector<Row> rows() {
  std::vector<Row> all;
  for (const auto& family : {convolutions(), functions(), arithmetic(), layouts(), products(), onnx_runtime()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

inline Net network(const Row& row) {
  Net net(row.opset);
  row.build(net);
  return net;
}

}  // namespace arco::testing_support
