// The first convolution sees few channels, which fill a block of the accelerator badly. Two ways to give it more, both
// exact; the one with fewer blocks of channels per window is taken.
//
// Columns as channels, u[c*KW + kw, i, j] = x[c, i, j*t + kw]: a convolution of u whose kernel is one column wide; the
// weights [O, C, KH, KW] become [O, C*KW, KH, 1] by exchanging the last two axes.
//
// Space to depth, d[(c*s + a)*t + b, i, j] = x[c, i*s + a, j*t + b]: a convolution of d without strides, its kernel
// ceil(KH/s) x ceil(KW/t) with zeros behind the last row and column. It needs a buffer as large as the image, where the
// columns need KW/t times as much, but it multiplies by those zeros: best for large strides.
#include <algorithm>
#include <optional>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

// Images have 1, 3 or 4 channels; the smallest block of input channels worth building has 8.
constexpr int64_t kFewChannels = 4;
constexpr int64_t kBlock = 16;  // a typical one, to compare with

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

Array columns_as_channels(const Array& weights) {
  const Shape& s = weights.shape();
  Array result(DataType::kFloat32, {s[0], s[1] * s[3], s[2], 1});
  const auto in = weights.data<float>();
  const auto out = result.mutable_data<float>();
  size_t from = 0;
  for (int64_t oc = 0; oc < s[0] * s[1]; ++oc) {
    for (int64_t kh = 0; kh < s[2]; ++kh) {
      for (int64_t kw = 0; kw < s[3]; ++kw) out[static_cast<size_t>((oc * s[3] + kw) * s[2] + kh)] = in[from++];
    }
  }
  return result;
}

// Rows and columns of blocks in the image and in the kernel, and the zeros that the image needs below and on the right
// (negative: what the convolution does not read is cut off).
struct Blocks {
  std::array<int64_t, 2> stride, image, kernel, pad_end;
};

// Nothing if the kernel is dilated, the stride makes no blocks, or the convolution reads hardly more than padding.
std::optional<Blocks> blocks_of(const Graph& graph, const Node& node) {
  const auto& conv = std::get<Conv>(node.op);
  const Shape& x = graph.tensor(node.inputs[0]).shape;
  const Shape& y = graph.tensor(node.outputs[0]).shape;
  const Shape& w = graph.tensor(node.inputs[1]).shape;
  if (conv.dilations != std::array<int64_t, 2>{1, 1} || conv.strides == std::array<int64_t, 2>{1, 1}) return {};
  Blocks b{conv.strides, {}, {}, {}};
  for (size_t d = 0; d < 2; ++d) {
    b.kernel[d] = ceil_div(w[d + 2], b.stride[d]);
    b.image[d] = y[d + 2] - 1 + b.kernel[d];
    b.pad_end[d] = b.image[d] * b.stride[d] - x[d + 2] - conv.pads[d];
    if (-b.pad_end[d] >= x[d + 2]) return {};
  }
  return b;
}

Array blocks_as_channels(const Array& weights, const Blocks& b) {
  const Shape& s = weights.shape();
  const auto [sh, sw] = b.stride;
  Array result(DataType::kFloat32, {s[0], s[1] * sh * sw, b.kernel[0], b.kernel[1]});
  const auto in = weights.data<float>();
  const auto out = result.mutable_data<float>();
  std::fill(out.begin(), out.end(), 0.0F);
  size_t from = 0;
  for (int64_t oc = 0; oc < s[0] * s[1]; ++oc) {
    for (int64_t kh = 0; kh < s[2]; ++kh) {
      for (int64_t kw = 0; kw < s[3]; ++kw) {
        const int64_t channel = (oc * sh + kh % sh) * sw + kw % sw;
        const int64_t to = (channel * b.kernel[0] + kh / sh) * b.kernel[1] + kw / sw;
        out[static_cast<size_t>(to)] = in[from++];
      }
    }
  }
  return result;
}

bool is_input(const Graph& graph, TensorId id) {
  return std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
}

// By TensorId: graph inputs, also limited ones.
std::vector<bool> host_tensors(const Graph& graph) {
  std::vector<bool> host(graph.tensors.size(), false);
  for (const TensorId id : graph.inputs) host[static_cast<size_t>(id)] = true;
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<Clip>(node.op) && is_input(graph, node.inputs[0]))
      host[static_cast<size_t>(node.outputs[0])] = true;
  }
  return host;
}

// Replaces one convolution by the nodes that rearrange its input and the convolution of the result.
class Unfolding {
 public:
  Unfolding(Graph& graph, const Node& conv) : graph_(graph), conv_(conv) {}

  std::vector<Node> run() {
    const Array weights = *graph_.tensor(conv_.inputs[1]).constant;
    const Shape& w = weights.shape();
    const auto blocks = blocks_of(graph_, conv_);
    const int64_t column_blocks = ceil_div(w[1] * w[3], kBlock) * w[2];
    const bool by_blocks = blocks && ceil_div(w[1] * blocks->stride[0] * blocks->stride[1], kBlock) *
                                             blocks->kernel[0] * blocks->kernel[1] <
                                         column_blocks;
    if (!by_blocks && w[3] == 1) return {conv_};
    if (by_blocks) {
      space_to_depth(*blocks, w[1]);
      set_kernel(blocks_as_channels(weights, *blocks));
    } else {
      columns(w[3]);
      set_kernel(columns_as_channels(weights));
    }
    return std::move(nodes_);
  }

 private:
  void columns(int64_t kernel) {
    auto& conv = std::get<Conv>(conv_.op);
    add(".unfold", UnfoldColumns{kernel, conv.strides[1], conv.dilations[1], {conv.pads[1], conv.pads[3]}});
    conv.strides[1] = conv.dilations[1] = 1;
    conv.pads[1] = conv.pads[3] = 0;
  }

  void space_to_depth(const Blocks& b, int64_t channels) {
    auto& conv = std::get<Conv>(conv_.op);
    const int64_t n = graph_.tensor(conv_.inputs[0]).shape[0];
    const auto [sh, sw] = b.stride;
    Pad pad;
    pad.pads = {0, 0, conv.pads[0], conv.pads[1], 0, 0, b.pad_end[0], b.pad_end[1]};
    add(".pad", pad);
    add(".split", Reshape{{n, channels, b.image[0], sh, b.image[1], sw}});
    add(".gather", Transpose{{0, 1, 3, 5, 2, 4}});
    add(".merge", Reshape{{n, channels * sh * sw, b.image[0], b.image[1]}});
    conv.strides = {1, 1};
    conv.pads = {0, 0, 0, 0};
  }

  // A node that reads what the convolution reads now, and that the convolution reads from now on.
  void add(const char* suffix, Op op) {
    Node node;
    node.name = conv_.name + suffix;
    node.op = std::move(op);
    node.inputs = {conv_.inputs[0]};
    node.origin = conv_.origin;
    Tensor output;
    output.name = node.name + ".out";
    node.outputs = {graph_.add_tensor(std::move(output))};
    conv_.inputs[0] = node.outputs[0];
    nodes_.push_back(std::move(node));
  }

  void set_kernel(const Array& kernel) {
    const Tensor before = graph_.tensor(conv_.inputs[1]);
    conv_.inputs[1] = graph_.add_constant(conv_.name + ".unfolded_kernel", kernel);
    Tensor& after = graph_.tensor(conv_.inputs[1]);
    after.int8_steps = before.int8_steps;  // of output channels, which stay where they are
    after.int8_axis = before.int8_axis;
    nodes_.push_back(conv_);
  }

  Graph& graph_;
  Node conv_;
  std::vector<Node> nodes_;
};

bool unfolds(const Graph& graph, const Node& node, const std::vector<bool>& on_host) {
  const auto* conv = std::get_if<Conv>(&node.op);
  if (conv == nullptr || conv->groups != 1 || !on_host[static_cast<size_t>(node.inputs[0])]) return false;
  const bool has_constant_bias = !passes::has_input(node, 2) || graph.tensor(node.inputs[2]).constant;
  return passes::has_constant_weights(graph, node) && has_constant_bias &&  // else the host runs it as it is
         graph.tensor(node.inputs[1]).shape[1] <= kFewChannels;
}

}  // namespace

void unfold_input(Graph& graph) {
  const std::vector<bool> on_host = host_tensors(graph);
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    if (!unfolds(graph, node, on_host)) {
      nodes.push_back(node);
      continue;
    }
    for (Node& part : Unfolding(graph, node).run()) nodes.push_back(std::move(part));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace arco
