// Which element types an operator takes and gives. Most keep the type of their data; Conv and Dense of int8 give int8
// when the node requantises and the raw int32 accumulator otherwise.
#include <algorithm>
#include <initializer_list>

#include "arco/base/error.h"
#include "arco/graph/shape_rules.h"

namespace arco {
namespace {

using enum DataType;

class TypeRule {
 public:
  TypeRule(const Node& node, const Inputs& in, std::string& problem) : node_(node), in_(in), problem_(problem) {}

  DataType operator()(const Conv&) { return product(); }
  DataType operator()(const Dense&) { return product(); }
  DataType operator()(const MatMul&) { return same({kFloat32, kInt32}); }
  DataType operator()(const Add&) { return requantized({kFloat32, kInt32, kInt64}); }
  DataType operator()(const Clip&) { return requantized({kFloat32, kInt32, kInt64}); }
  DataType operator()(const Reduce&) { return same({kFloat32, kInt32, kInt64}); }
  DataType operator()(const Pool& op) {
    return op.kind == Pool::Kind::kMax ? same({kFloat32, kInt8, kUint8}) : requantized({kFloat32});
  }
  DataType operator()(const Unary& op) {
    using enum Unary::Kind;
    const bool exact = op.kind == kAbs || op.kind == kNeg || op.kind == kSign;
    return exact ? same({kFloat32, kInt32, kInt64}) : same({kFloat32});
  }
  DataType operator()(const Binary& op) {
    using enum Binary::Kind;
    if (op.kind == kEqual || op.kind == kGreater || op.kind == kLess) {
      same({kFloat32, kInt32, kInt64});
      return kBool;
    }
    return op.kind == kPRelu || op.kind == kPow ? same({kFloat32}) : same({kFloat32, kInt32, kInt64});
  }
  DataType operator()(const Where&) {
    check(0, {kBool});
    check(2, {type(1)});
    return type(1);
  }
  DataType operator()(const Cast& op) { return op.to; }
  DataType operator()(const Gather&) {
    check(1, {kInt64, kInt32});
    return type(0);
  }
  DataType operator()(const QuantizeLinear& op) {
    if (op.type != kInt8 && op.type != kUint8) problem_ = fmt::format("cannot quantise to {}", to_string(op.type));
    check(0, {kFloat32});
    check(1, {kFloat32});
    check(2, {op.type});
    return op.type;
  }
  DataType operator()(const DequantizeLinear&) {
    check(0, {kInt8, kUint8, kInt32});
    check(1, {kFloat32});
    if (in_.has(2)) check(2, {type(0)});
    return kFloat32;
  }
  DataType operator()(const Table&) { return same({kInt8}); }
  DataType operator()(const Quantize&) {
    check(0, {kFloat32});
    return kInt8;
  }
  DataType operator()(const Dequantize&) {
    check(0, {kInt8});
    return kFloat32;
  }
  // Nothing is computed, so any type will do.
  DataType operator()(const Reshape&) { return moved(); }
  DataType operator()(const Flatten&) { return moved(); }
  DataType operator()(const Concat&) { return moved(); }
  DataType operator()(const Identity&) { return moved(); }
  DataType operator()(const Transpose&) { return moved(); }
  DataType operator()(const UnfoldColumns&) { return moved(); }
  DataType operator()(const Slice&) { return moved(); }
  DataType operator()(const Pad&) { return moved(); }
  DataType operator()(const Expand&) { return moved(); }
  DataType operator()(const Resize& op) { return op.mode == Resize::Mode::kNearest ? moved() : same({kFloat32}); }
  template <typename Other>
  DataType operator()(const Other&) {
    return same({kFloat32});
  }

 private:
  DataType type(size_t i) const { return in_.tensor(i).type; }

  void check(size_t i, std::initializer_list<DataType> allowed) {
    if (!problem_.empty() || std::find(allowed.begin(), allowed.end(), type(i)) != allowed.end()) return;
    std::string names;
    for (const DataType one : allowed) names += (names.empty() ? "" : " or ") + std::string(to_string(one));
    problem_ = fmt::format("input {} ('{}') is {}, expected {}", i, in_.tensor(i).name, to_string(type(i)), names);
  }
  // All inputs are of the first one's type, which is one of `allowed`.
  DataType same(std::initializer_list<DataType> allowed) {
    check(0, allowed);
    return moved();
  }
  DataType moved() {
    for (size_t i = 1; i < in_.count(); ++i) {
      if (in_.has(i)) check(i, {type(0)});
    }
    return type(0);
  }
  // int8 needs the node's numbers.
  DataType requantized(std::initializer_list<DataType> otherwise) {
    return node_.requantize ? same({kInt8}) : same(otherwise);
  }
  // int8 operands have an int32 bias, and an int8 residual.
  DataType product() {
    check(0, {kFloat32, kInt8, kInt32});
    for (size_t i = 1; i < in_.count(); ++i) {
      if (in_.has(i)) check(i, {i == 2 && type(0) == kInt8 ? kInt32 : type(0)});
    }
    return type(0) == kInt8 && !node_.requantize ? kInt32 : type(0);
  }

  const Node& node_;
  const Inputs& in_;
  std::string& problem_;
};

}  // namespace

DataType infer_type(const Node& node, const Inputs& in, std::string& problem) {
  return std::visit(TypeRule(node, in, problem), node.op);
}

}  // namespace arco
