#include "arco/plan/network_plan.h"

#include <algorithm>
#include <array>
#include <optional>

#include "arco/base/error.h"
#include "arco/plan/chains.h"
#include "arco/plan/channel_views.h"

namespace arco {

std::array<int64_t, 4> as_image(const Shape& shape) {
  ARCO_CHECK(shape.size() == 2 || shape.size() == 4, "rank {}", shape.size());
  return {shape[0], shape[1], shape.size() == 4 ? shape[2] : 1, shape.size() == 4 ? shape[3] : 1};
}

namespace {

bool is_image(const Tensor& tensor) {
  return tensor.type == DataType::kInt8 && !tensor.constant && (tensor.shape.size() == 2 || tensor.shape.size() == 4);
}

std::string why_no_image(const Tensor& tensor) {
  if (tensor.type != DataType::kInt8 || tensor.constant) return "input is not an int8 activation";
  return fmt::format("the accelerator takes 2 or 4 dimensions, not {}", to_string(tensor.shape));
}

// Rows of a window operator below the image that its last window needs; ceil mode may ask for more, floor for less than
// the pads say.
int64_t needed_pad(int64_t out, int64_t stride, int64_t kernel, int64_t dilation, int64_t in, int64_t pad_begin) {
  return std::max<int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in - pad_begin);
}

std::string reason_without_arithmetic(const Graph& graph, const Node& node) {
  const Op& op = node.op;
  const bool is_int8 = graph.tensor(node.outputs[0]).type == DataType::kInt8;
  if (std::holds_alternative<Quantize>(op) || (is_int8 && std::holds_alternative<UnfoldColumns>(op))) {
    return "prepares the input for the accelerator";
  }
  if (std::holds_alternative<Dequantize>(op)) return "converts results back to float";
  if (std::holds_alternative<Table>(op)) return "a function of one value, looked up in a table";
  if (is_int8) return "only moves values";
  return node.why_float.empty() ? "no integer form" : node.why_float;
}

std::string reason_of_border(const Tensor& tensor) {
  return fmt::format("border of zero point {}: the accelerator pads with 0 or -128 only", tensor.zero());
}

class Partition {
 public:
  explicit Partition(const Graph& graph)
      : graph_(graph), producers_(graph.producers()), consumers_(graph.consumers()), layers_(graph.nodes.size()) {}

  NetworkPlan run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) convert(static_cast<int>(i));
    const std::vector<bool> on_device = tensors_on_device();
    NetworkPlan plan;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (layers_[i].layer) {
        AcceleratorLayer& layer = *layers_[i].layer;
        layer.workload.host_input =
            layer.workload.kind == WorkloadKind::kConv2d && !on_device[static_cast<size_t>(layer.input)];
        plan.steps.emplace_back(layer);
      } else if (!only_renames(static_cast<int>(i))) {
        plan.steps.emplace_back(HostStep{static_cast<int>(i), layers_[i].reason});
      }
    }
    plan.chains = find_chains(graph_, plan.steps);
    return plan;
  }

 private:
  struct Decision {
    std::optional<AcceleratorLayer> layer;
    std::string reason;
  };

  // A Pad of the quantised graph that stands for the padding of the operators that read it.
  bool makes_border(const Node& node) const {
    const auto* pad = std::get_if<Pad>(&node.op);
    const Tensor& output = graph_.tensor(node.outputs[0]);
    if (pad == nullptr || pad->mode != Pad::Mode::kConstant || output.type != DataType::kInt8) return false;
    if (output.zero() == 0 || output.zero() == -128) return false;
    return std::ranges::all_of(consumers_[static_cast<size_t>(node.outputs[0])], [&](int reader) {
      const Op& op = graph_.nodes[static_cast<size_t>(reader)].op;
      const auto* pool = std::get_if<Pool>(&op);
      return std::holds_alternative<Conv>(op) || (pool != nullptr && pool->kind == Pool::Kind::kAverage);
    });
  }

  void convert(int index) {
    const Node& node = graph_.nodes[static_cast<size_t>(index)];
    Decision& decision = layers_[static_cast<size_t>(index)];
    AcceleratorLayer layer;
    layer.name = node.name;
    layer.node = index;
    layer.input = node.inputs.empty() ? kNoTensor : node.inputs[0];
    layer.output = node.outputs[0];
    if (!node.requantize) {
      decision.reason =
          makes_border(node) ? reason_of_border(graph_.tensor(layer.output)) : reason_without_arithmetic(graph_, node);
      return;
    }
    layer.numbers = *node.requantize;
    decision.reason = std::visit([&](const auto& op) { return fill(op, node, layer); }, node.op);
    if (decision.reason.empty()) decision.layer = layer;
  }

  // Each fills the layer, or returns why the host must run the node.
  template <typename Other>
  std::string fill(const Other& /*op*/, const Node& node, AcceleratorLayer& /*layer*/) {
    return fmt::format("{} has no accelerator form", op_name(node.op));
  }

  std::string fill(const Conv& conv, const Node& node, AcceleratorLayer& layer) {
    layer.weight = node.inputs[1];
    layer.bias = node.inputs.size() > 2 ? node.inputs[2] : kNoTensor;
    layer.residual = node.inputs.size() > 3 ? node.inputs[3] : kNoTensor;
    if (!is_image(graph_.tensor(layer.input))) return why_no_image(graph_.tensor(layer.input));
    if (!graph_.tensor(layer.weight).constant) return "weights are not constant";
    Workload& w = layer.workload;
    set_images(layer);
    const Shape& kernel = graph_.tensor(layer.weight).shape;
    set_window(w, {kernel[2], kernel[3]}, conv.strides, conv.dilations, conv.pads);
    // Groups that do not fill blocks become a dense convolution with zeros.
    constexpr int64_t kMostWeights = int64_t{1} << 28;
    if (conv.groups != 1 && w.co * w.ci > kMostWeights / (w.kh * w.kw)) return "too many channels for its groups";
    w.groups = conv.groups;
    return finish_gemm(layer);
  }

  std::string fill(const Dense& /*op*/, const Node& node, AcceleratorLayer& layer) {
    layer.weight = node.inputs[1];
    layer.bias = node.inputs.size() > 2 ? node.inputs[2] : kNoTensor;
    layer.residual = node.inputs.size() > 3 ? node.inputs[3] : kNoTensor;
    if (!graph_.tensor(layer.weight).constant) return "weights are not constant";
    layer.input = flattened_image(layer.input);
    if (!is_image(graph_.tensor(layer.input))) return why_no_image(graph_.tensor(layer.input));
    const Tensor& input = graph_.tensor(layer.input);
    if (graph_.tensor(layer.output).shape.size() != 2) return "output is not a matrix";
    set_images(layer);
    layer.workload.plane = element_count(input.shape) / (input.shape[0] * input.shape[1]);
    layer.workload.h = layer.workload.w = 1;
    return finish_gemm(layer);
  }

  std::string fill(const Pool& pool, const Node& /*node*/, AcceleratorLayer& layer) {
    if (!is_image(graph_.tensor(layer.input))) return why_no_image(graph_.tensor(layer.input));
    layer.workload.kind = pool.kind == Pool::Kind::kMax ? WorkloadKind::kMaxPool : WorkloadKind::kAveragePool;
    set_images(layer);
    set_window(layer.workload, pool.kernel, pool.strides, pool.dilations, pool.pads);
    describe(layer);
    return "";
  }

  // A clamp alone is a maximum over windows of one pixel.
  std::string fill(const Clip& /*op*/, const Node& node, AcceleratorLayer& layer) {
    Pool window;
    return fill(window, node, layer);
  }

  std::string fill(const Add& /*op*/, const Node& node, AcceleratorLayer& layer) {
    layer.workload.kind = WorkloadKind::kAdd;
    layer.residual = node.inputs[1];
    const Tensor& a = graph_.tensor(layer.input);
    const Tensor& b = graph_.tensor(layer.residual);
    if (a.constant || b.constant) return "an operand is constant";
    if (!is_image(a) || !is_image(b)) return why_no_image(a);
    if (a.shape != b.shape) return "operands are broadcast";
    set_images(layer);
    if (layer.numbers.shift > 15) return "rounding constant exceeds the 16-bit immediate";
    describe(layer);
    return "";
  }

  void set_images(AcceleratorLayer& layer) {
    const auto in = as_image(graph_.tensor(layer.input).shape);
    const auto out = as_image(graph_.tensor(layer.output).shape);
    Workload& w = layer.workload;
    w.n = in[0];
    w.ci = in[1];
    w.h = in[2];
    w.w = in[3];
    w.co = out[1];
    w.oh = out[2];
    w.ow = out[3];
  }

  static void set_window(Workload& w, const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& strides,
                         const std::array<int64_t, 2>& dilations, const std::array<int64_t, 4>& pads) {
    w.kh = kernel[0];
    w.kw = kernel[1];
    w.stride_h = strides[0];
    w.stride_w = strides[1];
    w.dilation_h = dilations[0];
    w.dilation_w = dilations[1];
    w.pads = {pads[0], pads[1], needed_pad(w.oh, w.stride_h, w.kh, w.dilation_h, w.h, pads[0]),
              needed_pad(w.ow, w.stride_w, w.kw, w.dilation_w, w.w, pads[1])};
  }

  std::string finish_gemm(AcceleratorLayer& layer) {
    layer.workload.has_residual = layer.residual != kNoTensor;
    // A rounding constant beyond the 16-bit immediate needs the bias's way in.
    layer.workload.has_bias = layer.bias != kNoTensor || layer.numbers.shift > 15 || layer.numbers.channels;
    describe(layer);
    return "";
  }

  static void describe(AcceleratorLayer& layer);

  // The image behind flattening nodes, when its rows are the rows of the matrix; else the tensor itself.
  TensorId flattened_image(TensorId matrix) const {
    TensorId image = matrix;
    while (producers_[static_cast<size_t>(image)] >= 0) {
      const Node& node = graph_.nodes[static_cast<size_t>(producers_[static_cast<size_t>(image)])];
      if (!std::holds_alternative<Flatten>(node.op) && !std::holds_alternative<Reshape>(node.op)) break;
      image = node.inputs[0];
    }
    const Shape& shape = graph_.tensor(image).shape;
    const bool rows_kept = shape.size() == 4 && shape[0] == graph_.tensor(matrix).shape[0];
    return rows_kept ? image : matrix;
  }

  // By TensorId: a layer writes the tensor, or parts of it, or it may be a part of such a tensor (channel_views.h).
  std::vector<bool> tensors_on_device() const {
    std::vector<bool> on_device(graph_.tensors.size(), false);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](TensorId id) { return id != kNoTensor && on_device[static_cast<size_t>(id)]; });
      on_device[static_cast<size_t>(node.outputs[0])] = layers_[i].layer || (any && may_be_in_place(graph_, node));
    }
    return on_device;
  }

  // A flattening node all of whose readers are layers that read the image itself (or such nodes again).
  bool only_renames(int index) const {
    const Node& node = graph_.nodes[static_cast<size_t>(index)];
    if (!std::holds_alternative<Flatten>(node.op) && !std::holds_alternative<Reshape>(node.op)) return false;
    const TensorId output = node.outputs[0];
    if (std::find(graph_.outputs.begin(), graph_.outputs.end(), output) != graph_.outputs.end()) return false;
    const auto& readers = consumers_[static_cast<size_t>(output)];
    return std::all_of(readers.begin(), readers.end(), [&](int reader) {
      const auto& layer = layers_[static_cast<size_t>(reader)].layer;
      if (!layer) return only_renames(reader);
      return layer->input != output && layer->residual != output;
    });
  }

  const Graph& graph_;
  const std::vector<int> producers_;
  const std::vector<std::vector<int>> consumers_;
  std::vector<Decision> layers_;
};

// The epilogue's shape, which decides its instructions.
void Partition::describe(AcceleratorLayer& layer) {
  const Requantize& numbers = layer.numbers;
  Workload& w = layer.workload;
  w.shift_out = numbers.shift != 0;
  w.channel_scales = numbers.channels || numbers.add_scales;
  w.symmetric_clamp = is_symmetric(numbers);
  w.shift_residual = w.kind == WorkloadKind::kAdd ? numbers.add_shifts[0] + numbers.add_shifts[1] > 0
                                                  : w.has_residual && numbers.residual_shift > 0;
}

}  // namespace

bool is_symmetric(const Requantize& numbers) {
  return numbers.high >= 0 && numbers.low == -numbers.high;
}

NetworkPlan plan_network(const Graph& quantized) {
  return Partition(quantized).run();
}

std::vector<Task> tasks_of(const NetworkPlan& plan) {
  std::vector<Task> tasks;
  for (const Step& step : plan.steps) {
    const auto* layer = std::get_if<AcceleratorLayer>(&step);
    if (layer == nullptr) continue;
    auto found = std::find_if(tasks.begin(), tasks.end(), [&](const Task& t) { return t.workload == layer->workload; });
    if (found == tasks.end()) found = tasks.insert(tasks.end(), Task{layer->workload, layer->numbers, 0, {}});
    ++found->count;
    found->layers.push_back(layer->name);
  }
  return tasks;
}

}  // namespace arco
