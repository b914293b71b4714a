// y[o, i, j] = sum over c, kh, kw of w[o, c, kh, kw] * x[c, i*s + kh, j*t + kw]
// With u[c*KW + kw, i, j] = x[c, i, j*t + kw] this is a convolution of u whose kernel is one column wide:
// the weights' bytes stay as they are, [O, C, KH, KW] read as [O, C*KW, KH, 1] after exchanging the last two axes.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

// Images have 1, 3 or 4 channels; the smallest block of input channels worth building has 8.
constexpr int64_t kFewChannels = 4;

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

bool is_input(const Graph& graph, TensorId id) {
  return std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
}

}  // namespace

void unfold_input(Graph& graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    auto* conv = std::get_if<Conv>(&graph.nodes[n].op);
    const TensorId x = conv == nullptr ? kNoTensor : graph.nodes[n].inputs[0];
    if (conv == nullptr || conv->groups != 1 || !is_input(graph, x)) continue;
    if (!passes::has_constant_weights(graph, graph.nodes[n])) continue;
    const Array weights = *graph.tensor(graph.nodes[n].inputs[1]).constant;
    if (weights.shape()[1] > kFewChannels || weights.shape()[3] == 1) continue;

    const UnfoldColumns unfold{
        weights.shape()[3], conv->strides[1], conv->dilations[1], {conv->pads[1], conv->pads[3]}};
    conv->strides[1] = conv->dilations[1] = 1;
    conv->pads[1] = conv->pads[3] = 0;
    const std::string name = graph.nodes[n].name;
    const TensorId kernel = graph.add_constant(name + ".columns", columns_as_channels(weights));
    Tensor unfolded;
    unfolded.name = name + ".unfolded";
    const TensorId u = graph.add_tensor(unfolded);
    graph.nodes[n].inputs[0] = u;
    graph.nodes[n].inputs[1] = kernel;
    graph.nodes.insert(graph.nodes.begin() + static_cast<int64_t>(n), Node{name + ".unfold", unfold, {x}, {u}, {}});
    ++n;
  }
}

}  // namespace arco
