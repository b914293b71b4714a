// Weights are He-normal: variance 2 / fan_in, which keeps the mean square of activations through conv + ReLU.
// Normals are sums of four 16-bit uniforms (Irwin-Hall), all from one 64-bit draw: close enough to a normal for
// weights, and 140 million of them take well under a second.
#include "arco/onnx/model_builder.h"

#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/graph/graph.h"

namespace arco {
namespace {

// Protobuf's limit, with room for everything that is no weight.
constexpr uint64_t kMaxWeightBytes = (uint64_t{1} << 31) - (uint64_t{1} << 22);
constexpr int kIrVersion = 7;
constexpr int kOpset = 13;

void fill_normal(Random& random, float* out, size_t count, double deviation) {
  // Four uniforms on 0..65535 have the sum's mean 131070 and variance 4 * (65536^2 - 1) / 12.
  const double scale = deviation / std::sqrt((65536.0 * 65536.0 - 1) / 3);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = random.next();
    const uint64_t sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
    out[i] = static_cast<float>((static_cast<double>(sum) - 131070.0) * scale);
  }
}

void fill_uniform(Random& random, float* out, size_t count, double low, double high) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(low + (high - low) * random.uniform());
}

void set_integers(onnx::NodeProto* node, const char* name, std::initializer_list<int64_t> values) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
}

void set_integer(onnx::NodeProto* node, const char* name, int64_t value) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void set_real(onnx::NodeProto* node, const char* name, float value) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::FLOAT);
  attribute->set_f(value);
}

void set_shape(onnx::ValueInfoProto* info, const std::string& name, std::initializer_list<int64_t> dims) {
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : dims) type->mutable_shape()->add_dim()->set_dim_value(extent);
}

}  // namespace

ModelBuilder::ModelBuilder(const std::string& name, uint64_t seed, int64_t batch, int64_t image_size, int64_t channels)
    : batch_(batch), input_{"input", channels, image_size, 1.0}, random_(seed) {
  model_.set_ir_version(kIrVersion);
  model_.set_producer_name("arco");
  onnx::OperatorSetIdProto* opset = model_.add_opset_import();
  opset->set_domain("");
  opset->set_version(kOpset);
  model_.mutable_graph()->set_name(name);
  set_shape(model_.mutable_graph()->add_input(), input_.name, {batch, channels, image_size, image_size});
}

onnx::NodeProto* ModelBuilder::add_node(const char* op, const std::string& name,
                                        const std::vector<std::string>& inputs) {
  onnx::NodeProto* node = model_.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(name + ".out");
  return node;
}

std::string ModelBuilder::add_weights(const std::string& name, const std::vector<int64_t>& dims,
                                      const std::function<void(Random&, float*, size_t)>& fill) {
  const bool reasonable = is_reasonable(dims);
  const uint64_t count = reasonable ? static_cast<uint64_t>(element_count(dims)) : 0;
  bytes_ += count * sizeof(float);
  if (!reasonable || bytes_ > kMaxWeightBytes) {
    fail_user(
        "{} of {} makes the model larger than the 2 GiB an ONNX file can hold; choose a smaller image size or "
        "fewer classes",
        name, model_.graph().name());
  }
  onnx::TensorProto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : dims) tensor->add_dims(extent);
  std::string& raw = *tensor->mutable_raw_data();
  raw.resize(count * sizeof(float));
  // A stream of its own makes a tensor's values independent of the tensors before it.
  Random random = random_.fork(tensors_++);
  fill(random, reinterpret_cast<float*>(raw.data()), count);
  return name;
}

int64_t ModelBuilder::window(const std::string& name, const Activation& x, const PoolShape& shape) const {
  const int64_t size = window_output(x.size, shape.kernel, shape.stride, 1, shape.pad, shape.pad, shape.ceil_mode);
  if (size < 1) {
    fail_user("image size {} is too small for {}: the {}x{} window of {} meets a {}x{} plane; choose a larger one",
              input_.size, model_.graph().name(), shape.kernel, shape.kernel, name, x.size, x.size);
  }
  return size;
}

std::string ModelBuilder::add_he_weights(const std::string& name, const std::vector<int64_t>& dims, int64_t fan_in) {
  const double deviation = std::sqrt(2 / static_cast<double>(fan_in));
  return add_weights(name + ".weight", dims, [deviation](Random& random, float* out, size_t count) {
    fill_normal(random, out, count, deviation);
  });
}

std::string ModelBuilder::add_bias(const std::string& name, int64_t channels) {
  return add_weights(name + ".bias", {channels},
                     [](Random& random, float* out, size_t count) { fill_normal(random, out, count, 0.05); });
}

std::string ModelBuilder::add_integers(const std::string& name, const std::vector<int64_t>& values) {
  onnx::TensorProto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::INT64);
  tensor->add_dims(static_cast<int64_t>(values.size()));
  for (const int64_t value : values) tensor->add_int64_data(value);
  return name;
}

Activation ModelBuilder::conv(const std::string& name, const Activation& x, const ConvShape& shape, bool bias) {
  const int64_t size = window(name, x, {shape.kernel, shape.stride, shape.pad});
  const int64_t group_channels = x.channels / shape.groups;
  std::vector<std::string> inputs{x.name};
  inputs.push_back(add_he_weights(name, {shape.outputs, group_channels, shape.kernel, shape.kernel},
                                  group_channels * shape.kernel * shape.kernel));
  if (bias) inputs.push_back(add_bias(name, shape.outputs));
  onnx::NodeProto* node = add_node("Conv", name, inputs);
  set_integers(node, "kernel_shape", {shape.kernel, shape.kernel});
  set_integers(node, "strides", {shape.stride, shape.stride});
  set_integers(node, "pads", {shape.pad, shape.pad, shape.pad, shape.pad});
  if (shape.groups != 1) set_integer(node, "group", shape.groups);
  return {node->output(0), shape.outputs, size, 2 * x.power};
}

Activation ModelBuilder::up_conv(const std::string& name, const Activation& x, int64_t outputs) {
  // Every output pixel sees one input pixel.
  const std::string weight = add_he_weights(name, {x.channels, outputs, 2, 2}, x.channels);
  onnx::NodeProto* node = add_node("ConvTranspose", name, {x.name, weight, add_bias(name, outputs)});
  set_integers(node, "kernel_shape", {2, 2});
  set_integers(node, "strides", {2, 2});
  return {node->output(0), outputs, 2 * x.size, 2 * x.power};
}

Activation ModelBuilder::batch_norm(const std::string& name, const Activation& x, double scale) {
  const auto uniform = [](double low, double high) {
    return [low, high](Random& random, float* out, size_t count) { fill_uniform(random, out, count, low, high); };
  };
  const auto normal = [](double deviation) {
    return [deviation](Random& random, float* out, size_t count) { fill_normal(random, out, count, deviation); };
  };
  const std::vector<int64_t> dims{x.channels};
  const std::vector<std::string> inputs{
      x.name, add_weights(name + ".weight", dims, uniform(0.8 * scale, 1.2 * scale)),
      add_weights(name + ".bias", dims, normal(0.1)),
      add_weights(name + ".running_mean", dims, normal(0.2 * std::sqrt(x.power))),
      add_weights(name + ".running_var", dims, uniform(0.7 * x.power, 1.4 * x.power))};
  return {add_node("BatchNormalization", name, inputs)->output(0), x.channels, x.size, scale * scale};
}

Activation ModelBuilder::relu(const std::string& name, const Activation& x) {
  return {add_node("Relu", name, {x.name})->output(0), x.channels, x.size, x.power / 2, x.is_flat};
}

Activation ModelBuilder::add(const std::string& name, const Activation& a, const Activation& b) {
  return {add_node("Add", name, {a.name, b.name})->output(0), a.channels, a.size, a.power + b.power};
}

Activation ModelBuilder::relu6(const std::string& name, const Activation& x) {
  const auto bound = [&](const char* suffix, float value) {
    return add_weights(name + suffix, {}, [value](Random&, float* out, size_t) { *out = value; });
  };
  const std::string low = bound(".min", 0);
  const std::string high = bound(".max", 6);
  return {add_node("Clip", name, {x.name, low, high})->output(0), x.channels, x.size, x.power / 2};
}

Activation ModelBuilder::tanh(const std::string& name, const Activation& x) {
  // Between the square of small values and that of +-1.
  return {add_node("Tanh", name, {x.name})->output(0), x.channels, x.size, x.power / (1 + x.power)};
}

Activation ModelBuilder::concat(const std::string& name, const std::vector<Activation>& parts) {
  std::vector<std::string> inputs;
  Activation y{"", 0, parts.at(0).size, 0};
  for (const Activation& part : parts) {
    inputs.push_back(part.name);
    y.channels += part.channels;
    y.power += part.power * static_cast<double>(part.channels);
  }
  y.power /= static_cast<double>(y.channels);
  onnx::NodeProto* node = add_node("Concat", name, inputs);
  set_integer(node, "axis", 1);
  y.name = node->output(0);
  return y;
}

std::pair<Activation, Activation> ModelBuilder::split(const std::string& name, const Activation& x) {
  onnx::NodeProto* node = add_node("Split", name, {x.name});
  node->add_output(name + ".out2");
  set_integer(node, "axis", 1);
  const int64_t half = x.channels / 2;
  return {{node->output(0), half, x.size, x.power}, {node->output(1), half, x.size, x.power}};
}

Activation ModelBuilder::pool(const char* op, const std::string& name, const Activation& x, const PoolShape& shape) {
  const int64_t size = window(name, x, shape);
  onnx::NodeProto* node = add_node(op, name, {x.name});
  set_integers(node, "kernel_shape", {shape.kernel, shape.kernel});
  set_integers(node, "strides", {shape.stride, shape.stride});
  set_integers(node, "pads", {shape.pad, shape.pad, shape.pad, shape.pad});
  if (shape.ceil_mode) set_integer(node, "ceil_mode", 1);
  return {node->output(0), x.channels, size, x.power};
}

Activation ModelBuilder::max_pool(const std::string& name, const Activation& x, const PoolShape& shape) {
  return pool("MaxPool", name, x, shape);
}

Activation ModelBuilder::average_pool(const std::string& name, const Activation& x, const PoolShape& shape) {
  return pool("AveragePool", name, x, shape);
}

Activation ModelBuilder::plane_mean(const std::string& name, const Activation& x) {
  onnx::NodeProto* node = add_node("ReduceMean", name, {x.name});
  set_integers(node, "axes", {2, 3});
  set_integer(node, "keepdims", 0);
  return {node->output(0), x.channels, 1, x.power, true};
}

Activation ModelBuilder::local_response_norm(const std::string& name, const Activation& x, int64_t size, float alpha,
                                             float beta) {
  onnx::NodeProto* node = add_node("LRN", name, {x.name});
  set_integer(node, "size", size);
  set_real(node, "alpha", alpha);
  set_real(node, "beta", beta);
  return {node->output(0), x.channels, x.size, x.power};
}

Activation ModelBuilder::channel_shuffle(const std::string& name, const Activation& x, int64_t groups) {
  // 0 keeps the batch, whatever it is.
  const std::string apart = add_integers(name + ".apart", {0, groups, x.channels / groups, x.size, x.size});
  const std::string together = add_integers(name + ".together", {0, x.channels, x.size, x.size});
  const std::string parts = add_node("Reshape", name + ".split", {x.name, apart})->output(0);
  onnx::NodeProto* transpose = add_node("Transpose", name + ".transpose", {parts});
  set_integers(transpose, "perm", {0, 2, 1, 3, 4});
  return {add_node("Reshape", name, {transpose->output(0), together})->output(0), x.channels, x.size, x.power};
}

Activation ModelBuilder::depth_to_space(const std::string& name, const Activation& x, int64_t block) {
  onnx::NodeProto* node = add_node("DepthToSpace", name, {x.name});
  set_integer(node, "blocksize", block);
  onnx::AttributeProto* mode = node->add_attribute();
  mode->set_name("mode");
  mode->set_type(onnx::AttributeProto::STRING);
  mode->set_s("CRD");
  return {node->output(0), x.channels / (block * block), x.size * block, x.power};
}

Activation ModelBuilder::global_average_pool(const std::string& name, const Activation& x) {
  return {add_node("GlobalAveragePool", name, {x.name})->output(0), x.channels, 1, x.power};
}

Activation ModelBuilder::flatten(const std::string& name, const Activation& x) {
  onnx::NodeProto* node = add_node("Flatten", name, {x.name});
  set_integer(node, "axis", 1);
  return {node->output(0), x.channels * x.size * x.size, 1, x.power, true};
}

Activation ModelBuilder::dropout(const std::string& name, const Activation& x) {
  return {add_node("Dropout", name, {x.name})->output(0), x.channels, x.size, x.power, x.is_flat};
}

Activation ModelBuilder::gemm(const std::string& name, const Activation& x, int64_t outputs) {
  const std::string weight = add_he_weights(name, {outputs, x.channels}, x.channels);
  onnx::NodeProto* node = add_node("Gemm", name, {x.name, weight, add_bias(name, outputs)});
  set_integer(node, "transB", 1);
  return {node->output(0), outputs, 1, 2 * x.power, true};
}

onnx::ModelProto ModelBuilder::finish(const Activation& output) {
  onnx::NodeProto* last = model_.mutable_graph()->mutable_node(model_.graph().node_size() - 1);
  last->set_output(0, "output");
  onnx::ValueInfoProto* info = model_.mutable_graph()->add_output();
  if (output.is_flat) {
    set_shape(info, "output", {batch_, output.channels});
  } else {
    set_shape(info, "output", {batch_, output.channels, output.size, output.size});
  }
  return std::move(model_);
}

}  // namespace arco
