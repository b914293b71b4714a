// Functions of one element. Names and defaults of alpha, beta and gamma are those of the ONNX operators.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

using Kind = Unary::Kind;

struct Parameters {
  float alpha = 0;
  float beta = 0;
};

Converter unary(Kind kind) {
  return [kind](NodeContext& node) { node.emit(Unary{kind}, {node.input(0)}); };
}

Converter with_alpha(Kind kind, float usual) {
  return [=](NodeContext& node) { node.emit(Unary{kind, node.real("alpha", usual)}, {node.input(0)}); };
}

// `second` is the name of the other parameter.
Converter with_two(Kind kind, const char* second, Parameters usual) {
  return [=](NodeContext& node) {
    const Unary op{kind, node.real("alpha", usual.alpha), node.real(second, usual.beta)};
    node.emit(op, {node.input(0)});
  };
}

}  // namespace

void add_activation_converters(ConverterTable& table) {
  table["Abs"] = unary(Kind::kAbs);
  table["Ceil"] = unary(Kind::kCeil);
  table["Celu"] = with_alpha(Kind::kCelu, 1.0F);
  table["Elu"] = with_alpha(Kind::kElu, 1.0F);
  table["Erf"] = unary(Kind::kErf);
  table["Exp"] = unary(Kind::kExp);
  table["Floor"] = unary(Kind::kFloor);
  table["HardSigmoid"] = with_two(Kind::kHardSigmoid, "beta", {0.2F, 0.5F});
  table["HardSwish"] = unary(Kind::kHardSwish);
  table["LeakyRelu"] = with_alpha(Kind::kLeakyRelu, 0.01F);
  table["Log"] = unary(Kind::kLog);
  table["Mish"] = unary(Kind::kMish);
  table["Neg"] = unary(Kind::kNeg);
  table["Reciprocal"] = unary(Kind::kReciprocal);
  table["Round"] = unary(Kind::kRound);
  table["Selu"] = with_two(Kind::kSelu, "gamma", {1.67326319217681884765625F, 1.05070102214813232421875F});
  table["Sigmoid"] = unary(Kind::kSigmoid);
  table["Sign"] = unary(Kind::kSign);
  table["Softplus"] = unary(Kind::kSoftplus);
  table["Softsign"] = unary(Kind::kSoftsign);
  table["Sqrt"] = unary(Kind::kSqrt);
  table["Tanh"] = unary(Kind::kTanh);
  table["ThresholdedRelu"] = with_alpha(Kind::kThresholdedRelu, 1.0F);
}

}  // namespace arco
