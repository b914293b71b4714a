// One dispatch from the operator's attribute struct to its kernel; the graph is walked in its topological order and a
// tensor is dropped after its last reader.
#include "arco/reference/interpreter.h"

#include <algorithm>
#include <cstdint>

#include "arco/base/error.h"
#include "arco/reference/conv.h"
#include "arco/reference/dense.h"
#include "arco/reference/elementwise.h"
#include "arco/reference/indexing.h"
#include "arco/reference/linear_quantization.h"
#include "arco/reference/movement.h"
#include "arco/reference/normalize.h"
#include "arco/reference/pool.h"
#include "arco/reference/reduce.h"
#include "arco/reference/resize.h"

namespace arco {

namespace reference {

namespace {

void check_channels(const ChannelRequantize& channels, int shift, size_t count) {
  const auto fits = [](int32_t m) { return m >= 1 && m <= INT16_MAX; };
  ARCO_CHECK(channels.multipliers.size() == count, "{} multipliers for {} channels", channels.multipliers.size(),
             count);
  ARCO_CHECK(channels.residual_multipliers.empty() || channels.residual_multipliers.size() == count,
             "{} residual multipliers for {} channels", channels.residual_multipliers.size(), count);
  ARCO_CHECK(
      std::ranges::all_of(channels.multipliers, fits) && std::ranges::all_of(channels.residual_multipliers, fits),
      "a multiplier of a channel is out of range");
  ARCO_CHECK(channels.shift >= 1 && channels.shift <= 31 && shift >= 0, "shifts {} and {} of channels", shift,
             channels.shift);
}

}  // namespace

void check_requantize(const Requantize& r, const Shape& output_shape) {
  const auto is_left_shift = [](int shift) { return shift >= 0 && shift <= 31; };
  ARCO_CHECK(r.shift >= -31 && r.shift <= 31, "requantisation shift {}", r.shift);
  ARCO_CHECK(is_left_shift(r.residual_shift) && is_left_shift(r.add_shifts[0]) && is_left_shift(r.add_shifts[1]),
             "operand shifts {}, {}, {}", r.residual_shift, r.add_shifts[0], r.add_shifts[1]);
  ARCO_CHECK(r.low >= -128 && r.low <= r.high && r.high <= 127, "requantisation to [{}, {}]", r.low, r.high);
  const auto is_int8 = [](int32_t zero) { return zero >= -128 && zero <= 127; };
  ARCO_CHECK(is_int8(r.zeros.output) && is_int8(r.zeros.pad), "zero points {}, {}", r.zeros.output, r.zeros.pad);
  if (r.add_scales) {
    const auto fits = [](int32_t m) { return m >= 0 && m <= INT16_MAX; };
    ARCO_CHECK(std::ranges::all_of(r.add_scales->multipliers, fits) && is_left_shift(r.add_scales->shift),
               "operands multiplied by {}, {} and shifted by {}", r.add_scales->multipliers[0],
               r.add_scales->multipliers[1], r.add_scales->shift);
  }
  if (!r.channels) return;
  ARCO_CHECK(output_shape.size() >= 2, "channels of a result of shape {}", to_string(output_shape));
  check_channels(*r.channels, r.shift, static_cast<size_t>(output_shape[1]));
}

namespace {

struct Dispatch {
  const Call& call;

  Array operator()(const Conv& op) const { return conv(op, call); }
  Array operator()(const Dense& op) const { return dense(op, call); }
  Array operator()(const BatchNorm& op) const { return batch_norm(op, call); }
  Array operator()(const Add& op) const { return add(op, call); }
  Array operator()(const Clip& op) const { return clip(op, call); }
  Array operator()(const Pool& op) const { return pool(op, call); }
  Array operator()(const Lrn& op) const { return lrn(op, call); }
  Array operator()(const Softmax& op) const { return softmax(op, call); }
  Array operator()(const Concat& op) const { return concat(op, call); }
  Array operator()(const MatMul& op) const { return matmul(op, call); }
  Array operator()(const Transpose& op) const { return transpose(op, call); }
  Array operator()(const UnfoldColumns& op) const { return unfold_columns(op, call); }
  Array operator()(const ConvTranspose& op) const { return conv_transpose(op, call); }
  Array operator()(const Unary& op) const { return unary(op, call); }
  Array operator()(const Binary& op) const { return binary(op, call); }
  Array operator()(const Where&) const { return where(call); }
  Array operator()(const Reduce& op) const { return reduce(op, call); }
  Array operator()(const Cast& op) const { return convert(call.input(0), op.to); }
  Array operator()(const Slice& op) const { return slice(op, call); }
  Array operator()(const Pad& op) const { return pad(op, call); }
  Array operator()(const Gather& op) const { return gather(op, call); }
  Array operator()(const Expand&) const { return expand(call); }
  Array operator()(const Resize& op) const { return resize(op, call); }
  Array operator()(const QuantizeLinear& op) const { return quantize_linear(op, call); }
  Array operator()(const DequantizeLinear& op) const { return dequantize_linear(op, call); }
  Array operator()(const Table&) const { return table(call); }
  Array operator()(const Quantize&) const { return quantize(call); }
  Array operator()(const Dequantize&) const { return dequantize(call); }
  Array operator()(const Reshape&) const { return same_bytes(); }
  Array operator()(const Flatten&) const { return same_bytes(); }
  Array operator()(const Identity&) const { return same_bytes(); }

  Array same_bytes() const { return call.input(0).reshaped(call.output_shape); }
};

}  // namespace
}  // namespace reference

std::vector<Array> run_reference_node(const Graph& graph, const Node& node, const std::vector<Array>& inputs) {
  ARCO_CHECK(inputs.size() == node.inputs.size(), "node '{}' has {} inputs, given {}", node.name, node.inputs.size(),
             inputs.size());
  ARCO_CHECK(node.outputs.size() == 1 && !node.inputs.empty(), "node '{}' has {} outputs", node.name,
             node.outputs.size());
  reference::Call call;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorId id = node.inputs[i];
    if (id == kNoTensor) {
      call.inputs.push_back(nullptr);
    } else {
      const auto& constant = graph.tensor(id).constant;
      call.inputs.push_back(constant ? &*constant : &inputs[i]);
    }
  }
  const Tensor& output = graph.tensor(node.outputs[0]);
  call.output_shape = output.shape;
  call.output_exponent = output.exponent;
  call.output_grid = output.grid;
  if (node.inputs[0] != kNoTensor) {
    const Tensor& input = graph.tensor(node.inputs[0]);
    call.input_exponent = input.exponent;
    if (input.type == DataType::kInt8) call.input_grid = input.grid;
  }
  if (node.requantize) {
    reference::check_requantize(*node.requantize, output.shape);
    call.requantize = &*node.requantize;
  }
  Array result = std::visit(reference::Dispatch{call}, node.op);
  ARCO_CHECK(result.shape() == output.shape, "node '{}' made {}, inferred {}", node.name, to_string(result.shape()),
             to_string(output.shape));
  return {std::move(result)};
}

namespace {

void check_inputs(const Graph& graph, const std::vector<Array>& inputs) {
  if (inputs.size() != graph.inputs.size()) {
    fail_user("network '{}' has {} inputs, given {} arrays", graph.name, graph.inputs.size(), inputs.size());
  }
  ErrorList errors("inputs of network '" + graph.name + "'");
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& expected = graph.tensor(graph.inputs[i]);
    if (inputs[i].type() == expected.type && inputs[i].shape() == expected.shape) continue;
    errors.add("'{}': given {} {}, expected {} {}", expected.name, to_string(inputs[i].type()),
               to_string(inputs[i].shape()), to_string(expected.type), to_string(expected.shape));
  }
  errors.throw_if_any();
}

}  // namespace

std::vector<Array> run_reference(const Graph& graph, const std::vector<Array>& inputs,
                                 const std::function<void(TensorId, const Array&)>& observe) {
  check_inputs(graph, inputs);
  std::vector<Array> values(graph.tensors.size());
  std::vector<int> readers(graph.tensors.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const TensorId id : node.inputs) {
      if (id != kNoTensor) ++readers[static_cast<size_t>(id)];
    }
  }
  for (const TensorId id : graph.outputs) ++readers[static_cast<size_t>(id)];
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].constant) values[i] = *graph.tensors[i].constant;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
    if (observe) observe(graph.inputs[i], inputs[i]);
  }

  for (const Node& node : graph.nodes) {
    std::vector<Array> arguments;
    for (const TensorId id : node.inputs)
      arguments.push_back(id == kNoTensor ? Array() : values[static_cast<size_t>(id)]);
    std::vector<Array> results;
    try {
      results = run_reference_node(graph, node, arguments);
    } catch (const UserError& error) {
      fail_user("node '{}' ({}): {}", node.name, op_name(node.op), error.what());
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if (observe) observe(node.outputs[i], results[i]);
      values[static_cast<size_t>(node.outputs[i])] = std::move(results[i]);
    }
    for (const TensorId id : node.inputs) {
      if (id != kNoTensor && --readers[static_cast<size_t>(id)] == 0) values[static_cast<size_t>(id)] = Array();
    }
  }

  std::vector<Array> outputs;
  for (const TensorId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
  return outputs;
}

}  // namespace arco
