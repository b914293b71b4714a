// ONNX models for tests, one line a node.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "arco/base/error.h"
#include "arco/graph/graph.h"
#include "arco/onnx/importer.h"

namespace arco::testing_support {

struct Attribute {
  onnx::AttributeProto proto;
  Attribute(const char* name, int64_t value) {
    proto.set_name(name);
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(value);
  }
  Attribute(const char* name, int value) : Attribute(name, int64_t{value}) {}
  Attribute(const char* name, float value) {
    proto.set_name(name);
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(value);
  }
  Attribute(const char* name, const char* value) {
    proto.set_name(name);
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(value);
  }
  Attribute(const char* name, const std::vector<int64_t>& values) {
    proto.set_name(name);
    proto.set_type(onnx::AttributeProto::INTS);
    for (const int64_t v : values) proto.add_ints(v);
  }
  Attribute(const char* name, const onnx::TensorProto& tensor) {
    proto.set_name(name);
    proto.set_type(onnx::AttributeProto::TENSOR);
    *proto.mutable_t() = tensor;
  }
};

inline onnx::TensorProto float_tensor(const std::string& name, const Shape& dims, const std::vector<float>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t d : dims) tensor.add_dims(d);
  for (const float v : values) tensor.add_float_data(v);
  return tensor;
}

inline onnx::TensorProto integer_tensor(const std::string& name, const std::vector<int64_t>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  for (const int64_t v : values) tensor.add_int64_data(v);
  return tensor;
}

struct TestModel {
  onnx::ModelProto proto;

  explicit TestModel(int64_t opset = 13) {
    proto.set_ir_version(8);
    proto.add_opset_import()->set_version(opset);
    proto.mutable_graph()->set_name("net");
  }
  // A dimension of 0 stays unknown.
  TestModel& input(const std::string& name, const Shape& dims, int type = onnx::TensorProto::FLOAT) {
    auto* info = proto.mutable_graph()->add_input();
    info->set_name(name);
    auto* tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const int64_t d : dims) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (d != 0) dim->set_dim_value(d);
    }
    return *this;
  }
  TestModel& initializer(const onnx::TensorProto& tensor) {
    *proto.mutable_graph()->add_initializer() = tensor;
    return *this;
  }
  // Filled with zeros.
  TestModel& weights(const std::string& name, const Shape& dims) {
    return initializer(float_tensor(name, dims, std::vector<float>(static_cast<size_t>(element_count(dims)), 0.0F)));
  }
  // `op` may be "domain.operator".
  TestModel& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<Attribute>& attributes = {},
                  const std::string& name = "") {
    auto* node = proto.mutable_graph()->add_node();
    const size_t dot = op.rfind('.');
    if (dot != std::string::npos) node->set_domain(op.substr(0, dot));
    node->set_op_type(dot == std::string::npos ? op : op.substr(dot + 1));
    node->set_name(name);
    for (const auto& input : inputs) node->add_input(input);
    for (const auto& output : outputs) node->add_output(output);
    for (const auto& attribute : attributes) *node->add_attribute() = attribute.proto;
    return *this;
  }
  TestModel& output(const std::string& name) {
    proto.mutable_graph()->add_output()->set_name(name);
    return *this;
  }

  std::string bytes() const { return proto.SerializeAsString(); }
  Graph import(const ImportOptions& options = {}) const {
    const std::string all = bytes();
    return import_onnx({reinterpret_cast<const uint8_t*>(all.data()), all.size()}, "test.onnx", options);
  }
  // The message of the UserError that importing must give.
  std::string problem(const ImportOptions& options = {}) const {
    try {
      import(options);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }
};

}  // namespace arco::testing_support
