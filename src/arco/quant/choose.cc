// First the computing nodes by their own properties, then the followers: forwards, a follower of int8 results is int8;
// backwards, so is one whose readers are all int8.
#include "arco/quant/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <span>

#include "arco/graph/fused_clamp.h"
#include "arco/reference/pool.h"

namespace arco {
namespace {

bool is_float(const Graph& graph, TensorId id) {
  return graph.tensor(id).type == DataType::kFloat32;
}

bool is_variable(const Graph& graph, TensorId id) {
  return id != kNoTensor && !graph.tensor(id).constant && is_float(graph, id);
}

TensorId input_or_none(const Node& node, size_t index) {
  return index < node.inputs.size() ? node.inputs[index] : kNoTensor;
}

// Why an operand is no float activation, or no float constant; empty if it is one or is left out.
std::string why_no_variable(const Graph& graph, TensorId id, const char* what) {
  if (id == kNoTensor || is_variable(graph, id)) return "";
  if (is_float(graph, id)) return fmt::format("{} is constant", what);
  return fmt::format("{} holds {}, not float numbers", what, to_string(graph.tensor(id).type));
}

std::string why_no_constant(const Graph& graph, TensorId id, const char* what) {
  if (id == kNoTensor) return "";
  if (!graph.tensor(id).constant) return fmt::format("{} computed at run time, not constant", what);
  return is_float(graph, id) ? "" : fmt::format("{} {}, not float numbers", what, to_string(graph.tensor(id).type));
}

std::string first_of(std::initializer_list<std::string> reasons) {
  for (const std::string& reason : reasons) {
    if (!reason.empty()) return reason;
  }
  return "";
}

// What a node can be in int8: worth it by itself, worth it only among int8 nodes (a follower, or a function that
// becomes a table), or nothing of this.
struct Role {
  enum class Kind { kComputes, kFollows, kFunction, kFloat };
  Kind kind = Kind::kFloat;
  std::string why_float;  // of kFloat
};

Role role_unless(Role::Kind kind, const std::string& reason) {
  return reason.empty() ? Role{kind, ""} : Role{Role::Kind::kFloat, reason};
}

Role role_of_weighted(const Graph& graph, const Node& node) {
  return role_unless(Role::Kind::kComputes, first_of({why_no_variable(graph, node.inputs[0], "its input"),
                                                      why_no_constant(graph, node.inputs[1], "its weights are"),
                                                      why_no_constant(graph, input_or_none(node, 2), "its bias is"),
                                                      why_no_variable(graph, input_or_none(node, 3), "its addend")}));
}

Role role_of_add(const Graph& graph, const Node& node) {
  const Tensor& a = graph.tensor(node.inputs[0]);
  const Tensor& b = graph.tensor(node.inputs[1]);
  if (is_float(graph, node.inputs[0]) && (a.constant || b.constant)) {
    return {Role::Kind::kFloat, "an operand is constant, and no layer before it can take it as bias"};
  }
  const std::string broadcast =
      a.shape == b.shape ? ""
                         : fmt::format("operands are broadcast: {} and {}", to_string(a.shape), to_string(b.shape));
  return role_unless(Role::Kind::kComputes,
                     first_of({why_no_variable(graph, node.inputs[0], "an operand"),
                               why_no_variable(graph, node.inputs[1], "an operand"), broadcast}));
}

Role role_of_pool(const Graph& graph, const Node& node) {
  const std::string type = why_no_variable(graph, node.inputs[0], "its input");
  if (!type.empty() || !is_average(node) || average_divisor(graph, node) > 0) {
    return role_unless(Role::Kind::kComputes, type);
  }
  return {Role::Kind::kFloat, "its windows do not all average the same, or too great a number of values"};
}

// Products with a constant matrix have become Dense where that is possible.
Role role_of_product(const Graph& graph, const Node& node) {
  const Tensor& a = graph.tensor(node.inputs[0]);
  const Tensor& b = graph.tensor(node.inputs[1]);
  const std::string type = why_no_variable(graph, node.inputs[a.constant ? 1 : 0], "an operand");
  if (!type.empty()) return {Role::Kind::kFloat, type};
  if (!a.constant && !b.constant) {
    return {Role::Kind::kFloat, "both operands are computed at run time, and a layer's weights are constant"};
  }
  const Tensor& weights = a.constant ? a : b;
  if (weights.shape.size() != 2) {
    return {Role::Kind::kFloat, fmt::format("its constant operand is {}, no matrix", to_string(weights.shape))};
  }
  if (input_or_none(node, 2) != kNoTensor) {
    return {Role::Kind::kFloat, "its addend is neither one value for each column nor another layer's result"};
  }
  return {Role::Kind::kFloat,
          fmt::format("no dense layer multiplies {} by {}", to_string(a.shape), to_string(b.shape))};
}

bool is_scaling(const Op& op) {
  const auto* binary = std::get_if<Binary>(&op);
  return binary != nullptr && (binary->kind == Binary::Kind::kSub || binary->kind == Binary::Kind::kMul ||
                               binary->kind == Binary::Kind::kDiv);
}

// Arithmetic that only the layer before can do, by its weights and bias.
Role role_of_arithmetic(const Graph& graph, const Node& node) {
  const bool has_constant =
      std::ranges::any_of(node.inputs, [&](TensorId id) { return id != kNoTensor && graph.tensor(id).constant; });
  const Tensor& y = graph.tensor(node.outputs[0]);
  const bool has_channels = y.type == DataType::kFloat32 && y.shape.size() >= 2;
  if (!has_constant || !has_channels) return {Role::Kind::kFloat, "no integer form"};
  return {Role::Kind::kFloat, "no integer form, and no layer before it can take it into its weights"};
}

bool moves_or_limits(const Op& op) {
  const Pad* pad = std::get_if<Pad>(&op);
  const bool keeps_scale = pad != nullptr && (pad->mode != Pad::Mode::kConstant || pad->value == 0);
  return only_moves(op) || std::holds_alternative<Clip>(op) || keeps_scale;
}

// The inputs of a follower whose values go to its output: all but indices.
std::span<const TensorId> moved_inputs(const Node& node) {
  return std::span(node.inputs).first(std::holds_alternative<Gather>(node.op) ? 1 : node.inputs.size());
}

Role role_of_follower(const Graph& graph, const Node& node) {
  if (std::holds_alternative<Clip>(node.op) && std::ranges::find(graph.inputs, node.inputs[0]) != graph.inputs.end()) {
    return {Role::Kind::kFloat, "it limits an input of the network before that is quantised"};
  }
  const char* const what = moved_inputs(node).size() == 1 ? "its input" : "an operand";
  for (const TensorId id : moved_inputs(node)) {
    const std::string reason = id == kNoTensor ? "an operand is left out" : why_no_variable(graph, id, what);
    if (!reason.empty()) return {Role::Kind::kFloat, reason};
  }
  return {Role::Kind::kFollows, ""};
}

Role role_of(const Graph& graph, const Node& node) {
  const Op& op = node.op;
  if (has_weights(node)) return role_of_weighted(graph, node);
  if (std::holds_alternative<Add>(op)) return role_of_add(graph, node);
  if (std::holds_alternative<Pool>(op)) return role_of_pool(graph, node);
  if (std::holds_alternative<MatMul>(op)) return role_of_product(graph, node);
  if (moves_or_limits(op)) return role_of_follower(graph, node);
  if (std::holds_alternative<Unary>(op)) {
    return role_unless(Role::Kind::kFunction, why_no_variable(graph, node.inputs[0], "its input"));
  }
  if (std::holds_alternative<Pad>(op)) return {Role::Kind::kFloat, "it pads with another value than 0"};
  if (std::holds_alternative<Resize>(op)) return {Role::Kind::kFloat, "it interpolates, which has no integer form"};
  if (std::holds_alternative<BatchNorm>(op) || is_scaling(op)) return role_of_arithmetic(graph, node);
  return {Role::Kind::kFloat, "no integer form"};
}

}  // namespace

bool moves_values(const Op& op) {
  const Pool* pool = std::get_if<Pool>(&op);
  return moves_or_limits(op) || (pool != nullptr && pool->kind == Pool::Kind::kMax);
}

bool has_weights(const Node& node) {
  return std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
}

bool is_average(const Node& node) {
  const Pool* pool = std::get_if<Pool>(&node.op);
  return pool != nullptr && pool->kind == Pool::Kind::kAverage;
}

int64_t average_divisor(const Graph& graph, const Node& node) {
  const Shape& in = graph.tensor(node.inputs[0]).shape;
  const Shape& out = graph.tensor(node.outputs[0]).shape;
  if (in.size() != 4 || out.size() != 4) return 0;
  const int64_t divisor = reference::uniform_divisor(std::get<Pool>(node.op), in[2], in[3], out[2], out[3]);
  constexpr int64_t kMostCells = (int64_t{1} << 31) / 256;  // divisor * 127 leaves room for a multiplier and rounding
  return divisor <= kMostCells ? divisor : 0;
}

namespace {

class Choice {
 public:
  Choice(const Graph& graph, const std::vector<std::string>& float_nodes)
      : graph_(graph),
        producers_(graph.producers()),
        consumers_(graph.consumers()),
        int8_(graph.nodes.size(), false),
        why_(graph.nodes.size()) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      const bool is_named = std::ranges::find(float_nodes, node.name) != float_nodes.end();
      const Role role = is_named ? Role{Role::Kind::kFloat, "it was asked to stay in float"} : role_of(graph, node);
      kinds_.push_back(role.kind);
      why_[i] = role.why_float;
      int8_[i] = role.kind == Role::Kind::kComputes;
    }
  }

  std::vector<std::string> run() {
    follow_producers();
    follow_readers();
    choose_tables();
    return std::move(why_);
  }

 private:
  bool is_int8(int node) const { return node >= 0 && int8_[static_cast<size_t>(node)]; }
  int producer(TensorId id) const { return producers_[static_cast<size_t>(id)]; }
  const std::vector<int>& readers(const Node& node) const { return consumers_[static_cast<size_t>(node.outputs[0])]; }

  void follow_producers() {
    for (size_t i = 0; i < kinds_.size(); ++i) {
      if (kinds_[i] != Role::Kind::kFollows) continue;
      int8_[i] = std::ranges::all_of(moved_inputs(graph_.nodes[i]), [&](TensorId id) { return is_int8(producer(id)); });
    }
  }

  void follow_readers() {
    for (size_t i = kinds_.size(); i-- > 0;) {
      if (kinds_[i] != Role::Kind::kFollows || int8_[i]) continue;
      const Node& node = graph_.nodes[i];
      const bool is_output = std::ranges::find(graph_.outputs, node.outputs[0]) != graph_.outputs.end();
      int8_[i] = !is_output && !readers(node).empty() &&
                 std::ranges::all_of(readers(node), [&](int reader) { return is_int8(reader); });
      if (int8_[i]) continue;
      why_[i] =
          fmt::format("only {} values and stands between no int8 layers: converting would cost more than it saves",
                      std::holds_alternative<Clip>(node.op) ? "limits" : "moves");
    }
  }

  // A function of one value becomes a table where int8 comes in and a reader wants int8; that reader may be another
  // function, so chains are seen from their end first, and then again from their beginning.
  void choose_tables() {
    std::vector<bool> wanted(kinds_.size(), false);
    for (size_t i = kinds_.size(); i-- > 0;) {
      if (kinds_[i] != Role::Kind::kFunction) continue;
      wanted[i] = std::ranges::any_of(
          readers(graph_.nodes[i]), [&](int reader) { return is_int8(reader) || wanted[static_cast<size_t>(reader)]; });
    }
    for (size_t i = 0; i < kinds_.size(); ++i) {
      if (kinds_[i] != Role::Kind::kFunction) continue;
      int8_[i] = wanted[i] && is_int8(producer(graph_.nodes[i].inputs[0]));
      if (int8_[i]) continue;
      why_[i] = wanted[i] ? "a table needs int8 values, and its input is float"
                          : "a table saves nothing: no int8 layer reads its results";
    }
  }

  const Graph& graph_;
  const std::vector<int> producers_;
  const std::vector<std::vector<int>> consumers_;
  std::vector<Role::Kind> kinds_;  // by node, as the following
  std::vector<bool> int8_;
  std::vector<std::string> why_;
};

}  // namespace

std::vector<std::string> reasons_for_float(const Graph& graph, const std::vector<std::string>& float_nodes) {
  return Choice(graph, float_nodes).run();
}

}  // namespace arco
