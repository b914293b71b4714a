// A transposed convolution with stride s, one dimension: output position q - top with q = s * m + r gets
//     sum over j of x[m - j] * w[r + s * j]         for j < J = ceil(K / s)
// so each phase r is an ordinary convolution of J taps over x padded by J - 1, and the phases are laid out side by
// side:
//     x -> Conv to s*s*CO channels -> [N, CO, s, s, H', W'] -> [N, CO, H', s, W', s] -> [N, CO, H' s, W' s] -> Slice
// The convolution's channel (co * s + rh) * s + rw holds phase (rh, rw) of co, so groups of channels stay together.
// This does as many multiplications as the transposed convolution, plus those of taps beyond K. A dilated kernel is one
// of K = dilation * (k - 1) + 1 with zeros between its taps; output beyond all phases (output_padding) is reached by
// padding x with more zeros.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

struct Phases {
  std::array<int64_t, 2> stride, dilation, taps;  // taps: J
  std::array<int64_t, 2> more;                    // zeros behind x, beside the J - 1
  std::array<int64_t, 2> full;                    // H' s, W' s
};

// Nothing if the form has no such convolution.
std::optional<Phases> phases_of(const Graph& graph, const Node& node) {
  const auto* op = std::get_if<ConvTranspose>(&node.op);
  if (op == nullptr) return std::nullopt;
  const Tensor& w = graph.tensor(node.inputs[1]);
  const bool constant_bias = !passes::has_input(node, 2) || graph.tensor(node.inputs[2]).constant;
  if (!w.constant || w.type != DataType::kFloat32 || !constant_bias) return std::nullopt;
  const Shape& x = graph.tensor(node.inputs[0]).shape;
  const Shape& y = graph.tensor(node.outputs[0]).shape;
  Phases p{op->strides, op->dilations, {}, {}, {}};
  int64_t cells = 1;
  for (size_t d = 0; d < 2; ++d) {
    const int64_t kernel = (w.shape[d + 2] - 1) * p.dilation[d] + 1;
    p.taps[d] = (kernel + p.stride[d] - 1) / p.stride[d];
    const int64_t rows = x[d + 2] + p.taps[d] - 1;
    p.more[d] = std::max<int64_t>(0, (op->pads[d] + y[d + 2] + p.stride[d] - 1) / p.stride[d] - rows);
    p.full[d] = (rows + p.more[d]) * p.stride[d];
    if (op->pads[d] < 0) return std::nullopt;
    cells *= p.taps[d] * p.stride[d];
  }
  // Huge strides and dilations would make huge weights.
  constexpr int64_t kMostGrowth = 64;
  const bool is_huge = p.stride[0] * p.stride[1] > kMostGrowth || cells > kMostGrowth * w.shape[2] * w.shape[3];
  return is_huge ? std::nullopt : std::optional(p);
}

Array phase_weights(const Array& weights, int64_t groups, const Phases& p) {
  const Shape& shape = weights.shape();  // [CI, CO / groups, KH, KW]
  const int64_t group_ci = shape[0] / groups;
  const auto [sh, sw] = p.stride;
  const auto [jh, jw] = p.taps;
  Array result(DataType::kFloat32, {shape[1] * groups * sh * sw, group_ci, jh, jw});
  auto in = weights.data<float>().begin();
  auto out = result.mutable_data<float>();
  for (int64_t ci = 0; ci < shape[0]; ++ci) {
    for (int64_t i = 0; i < shape[1]; ++i) {
      const int64_t co = ci / group_ci * shape[1] + i;
      for (int64_t h = 0; h < shape[2] * p.dilation[0]; h += p.dilation[0]) {
        for (int64_t w = 0; w < shape[3] * p.dilation[1]; w += p.dilation[1]) {
          const int64_t channel = (co * sh + h % sh) * sw + w % sw;
          const int64_t row = jh - 1 - h / sh;  // taps run backwards
          const int64_t column = jw - 1 - w / sw;
          const int64_t to = ((channel * group_ci + ci % group_ci) * jh + row) * jw + column;
          out[static_cast<size_t>(to)] = *in++;
        }
      }
    }
  }
  return result;
}

class Lowering {
 public:
  Lowering(Graph& graph, const Node& node, const Phases& p) : graph_(graph), node_(node), p_(p) {}

  std::vector<Node> run() {
    const auto op = std::get<ConvTranspose>(node_.op);
    const Shape x = graph_.tensor(node_.inputs[0]).shape;
    const Shape y = graph_.tensor(node_.outputs[0]).shape;
    const int64_t n = x[0];
    const int64_t co = y[1];
    const int64_t h = p_.full[0] / p_.stride[0];
    const int64_t w = p_.full[1] / p_.stride[1];
    Conv conv;
    conv.groups = op.groups;
    conv.pads = {p_.taps[0] - 1, p_.taps[1] - 1, p_.taps[0] - 1 + p_.more[0], p_.taps[1] - 1 + p_.more[1]};
    conv.clamp = op.clamp;
    const Array weights = phase_weights(*graph_.tensor(node_.inputs[1]).constant, op.groups, p_);
    const TensorId phases = graph_.add_constant(node_.name + ".phases", weights);
    keep_steps(graph_.tensor(node_.inputs[1]), co, graph_.tensor(phases));
    add("", conv, {node_.inputs[0], phases});
    if (passes::has_input(node_, 2)) set_phase_bias(co);
    add(".split", Reshape{{n, co, p_.stride[0], p_.stride[1], h, w}}, nodes_.back().outputs);
    add(".interleave", Transpose{{0, 1, 4, 2, 5, 3}}, nodes_.back().outputs);
    add(".merge", Reshape{{n, co, p_.full[0], p_.full[1]}}, nodes_.back().outputs);
    if (p_.full != std::array<int64_t, 2>{y[2], y[3]}) {
      add(".crop", Slice{{op.pads[0], op.pads[1]}, {op.pads[0] + y[2], op.pads[1] + y[3]}, {2, 3}, {1, 1}},
          nodes_.back().outputs);
    }
    nodes_.back().outputs = node_.outputs;
    return std::move(nodes_);
  }

 private:
  void add(const std::string& suffix, Op op, std::vector<TensorId> inputs) {
    Node node;
    node.name = node_.name + suffix;
    node.op = std::move(op);
    node.inputs = std::move(inputs);
    node.origin = node_.origin;
    Tensor output;
    output.name = node.name + ".out";
    node.outputs = {graph_.add_tensor(std::move(output))};
    nodes_.push_back(std::move(node));
  }
  // Every phase of a channel has its steps. Those of axis 1, the output channels of a group, are the same in all
  // groups.
  void keep_steps(const Tensor& before, int64_t channels, Tensor& after) const {
    const std::vector<float>& steps = before.int8_steps;
    if (steps.empty() || (steps.size() > 1 && before.int8_axis != 1)) return;
    const auto phases = static_cast<size_t>(p_.stride[0] * p_.stride[1]);
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
      after.int8_steps.insert(after.int8_steps.end(), phases, steps[c % steps.size()]);
    }
  }
  // Every phase of a channel has its bias.
  void set_phase_bias(int64_t channels) {
    const auto values = passes::bias_values(graph_, node_, channels);
    const auto phases = static_cast<size_t>(p_.stride[0] * p_.stride[1]);
    std::vector<double> repeated;
    for (const double value : values) repeated.insert(repeated.end(), phases, value);
    passes::set_bias(graph_, nodes_.back(), repeated);
  }

  Graph& graph_;
  const Node& node_;
  const Phases& p_;
  std::vector<Node> nodes_;
};

}  // namespace

void lower_conv_transpose(Graph& graph) {
  std::vector<Node> nodes;
  for (const Node& node : graph.nodes) {
    if (const auto phases = phases_of(graph, node)) {
      for (Node& part : Lowering(graph, node, *phases).run()) nodes.push_back(std::move(part));
    } else {
      nodes.push_back(node);
    }
  }
  graph.nodes = std::move(nodes);
}

}  // namespace arco
