// ONNX models for tests as expressions, with seeded weights.
#pragma once

#include <string>
#include <vector>

#include "arco/base/random.h"
#include "arco/onnx/test_model.h"

namespace arco::testing_support {

using Attributes = std::vector<Attribute>;
using Ints = std::vector<int64_t>;

// Names results by itself, so that a network is written as one expression.
class Net {
 public:
  explicit Net(int64_t opset = 13) : model(opset) {}

  std::string input(const Shape& shape) {
    const std::string name = fresh("x");
    model.input(name, shape);
    return name;
  }
  std::string weights(const Shape& shape, double scale = 0.3) {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float& value : values) value = static_cast<float>(scale * random_.normal());
    const std::string name = fresh("w");
    model.initializer(float_tensor(name, shape, values));
    return name;
  }
  std::string ones(const Shape& shape) {
    return constant(float_tensor("", shape, std::vector<float>(static_cast<size_t>(element_count(shape)), 1.0F)));
  }
  std::string node(const std::string& op, const std::vector<std::string>& inputs, const Attributes& attributes = {}) {
    const std::string name = fresh(op);
    model.node(op, inputs, {name}, attributes, name);
    return name;
  }
  // A node of several results.
  std::vector<std::string> nodes(const std::string& op, const std::vector<std::string>& inputs, int results,
                                 const Attributes& attributes = {}) {
    std::vector<std::string> names;
    for (int i = 0; i < results; ++i) names.push_back(fresh(op));
    model.node(op, inputs, names, attributes, names[0]);
    return names;
  }
  std::string integers(const Ints& values) { return constant(integer_tensor("", values)); }
  // A value of no dimensions.
  std::string scalar(float value) { return constant(float_tensor("", {}, {value})); }
  std::string constant(onnx::TensorProto tensor) {
    const std::string name = fresh("c");
    tensor.set_name(name);
    model.initializer(tensor);
    return name;
  }
  std::string conv(const std::string& x, const Shape& shape, const Attributes& attributes = {}) {
    return node("Conv", {x, weights(shape), weights({shape[0]})}, attributes);
  }
  std::string relu(const std::string& x) { return node("Relu", {x}); }
  std::string add(const std::string& a, const std::string& b) { return node("Add", {a, b}); }
  void output(const std::string& name) { model.output(name); }

  testing_support::TestModel model;

 private:
  std::string fresh(const std::string& stem) { return stem + std::to_string(++count_); }
  Random random_{5};
  int count_ = 0;
};

}  // namespace arco::testing_support
