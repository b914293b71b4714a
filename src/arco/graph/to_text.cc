// The graph as text for people: one line a node,
//   conv1: Conv(x 1x3x8x8, w 4x3x3x3) strides=2,2 clamp=0..inf -> y 1x4x4x4
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <type_traits>

#include "arco/graph/graph.h"
#include "arco/graph/op_fields.h"

namespace arco {
namespace {

std::string text_of(const Clamp& clamp) {
  return fmt::format("{}..{}", clamp.low, clamp.high);
}
std::string text_of(const std::optional<ChannelRequantize>& channels) {
  return channels ? fmt::format("{}>>{}", fmt::join(channels->multipliers, ","), channels->shift) : "";
}
std::string text_of(const std::optional<AddScales>& scales) {
  return scales ? fmt::format("{}>>{}", fmt::join(scales->multipliers, ","), scales->shift) : "";
}
std::string text_of(const ZeroPoints& zeros) {
  return fmt::format("output {} offset {} pad {}", zeros.output, zeros.offset, zeros.pad);
}
std::string text_of(bool value) {
  return value ? "true" : "false";
}
template <typename T>
std::string text_of(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return name_of(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else {
    return fmt::format("{}", fmt::join(value, ","));
  }
}

struct FieldCollector {
  std::vector<std::pair<const char*, std::string>>& fields;
  template <typename T>
  void operator()(const char* name, const T& value) {
    fields.emplace_back(name, text_of(value));
  }
};

template <typename Fields>
std::vector<std::pair<const char*, std::string>> collect(Fields op) {
  std::vector<std::pair<const char*, std::string>> fields;
  visit_fields(op, FieldCollector{fields});
  return fields;
}

// Fields that differ from their defaults, each with a leading blank; those that are simply on by name only.
template <typename Fields>
std::string fields_text(const Fields& op) {
  const auto fields = collect(op);
  const auto usual = collect(Fields{});
  std::string text;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto& [name, value] = fields[i];
    if (value == usual[i].second) continue;
    text += value == "true" ? fmt::format(" {}", name) : fmt::format(" {}={}", name, value);
  }
  return text;
}

std::string tensor_text(const Graph& graph, TensorId id) {
  if (id == kNoTensor) return "-";
  const Tensor& tensor = graph.tensor(id);
  std::string text = fmt::format("{} {}", tensor.name, to_string(tensor.shape));
  if (tensor.type != DataType::kFloat32) {
    text += fmt::format(" {}", to_string(tensor.type));
    if (tensor.grid) {
      text += fmt::format(" steps of {:.4g} from {}", tensor.grid->step, tensor.grid->zero);
    } else if (tensor.exponent != 0) {
      text += fmt::format("*2^{}", tensor.exponent);
    }
  }
  return text;
}

std::string tensors_text(const Graph& graph, const std::vector<TensorId>& ids) {
  std::string text;
  for (const TensorId id : ids) {
    if (!text.empty()) text += ", ";
    text += tensor_text(graph, id);
  }
  return text;
}

}  // namespace

std::string to_text(const Graph& graph) {
  std::string text = fmt::format("graph {}({})\n", graph.name, tensors_text(graph, graph.inputs));
  auto out = std::back_inserter(text);
  for (const Node& node : graph.nodes) {
    fmt::format_to(out, "  {}: {}({}){}{} -> {}\n", node.name, op_name(node.op), tensors_text(graph, node.inputs),
                   std::visit([](const auto& op) { return fields_text(op); }, node.op),
                   node.requantize ? " int8" + fields_text(*node.requantize) : "", tensors_text(graph, node.outputs));
  }
  fmt::format_to(out, "  return {}\n", tensors_text(graph, graph.outputs));
  return text;
}

}  // namespace arco
