// Attributes are written and read by two visitors over op_fields.h, so a new operator needs no code here. Operators are
// found by name among prototypes, one for each alternative of Op and for each kind of those whose name is their kind.
#include "arco/graph/serialize.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "arco/base/error.h"
#include "arco/graph/op_fields.h"

namespace arco {

using Json = nlohmann::json;

namespace {

constexpr size_t kBlobAlignment = 64;
// Exponents beyond float32's range are damage; the limit keeps sums of them small.
constexpr int64_t kMaxExponent = 1024;

template <size_t... I>
std::vector<Op> default_ops(std::index_sequence<I...> /*alternatives*/) {
  return {Op(std::in_place_index<I>)...};
}

// Adds one operator for each kind that a default operator does not have.
template <typename Kinded>
void add_kinds(std::vector<Op>& ops) {
  const Kinded usual;
  for (size_t kind = 0; kind < names_of(usual.kind).size(); ++kind) {
    Kinded op;
    op.kind = static_cast<decltype(op.kind)>(kind);
    if (op.kind != usual.kind) ops.emplace_back(op);
  }
}

const std::vector<Op>& prototypes() {
  static const std::vector<Op> kOps = [] {
    std::vector<Op> ops = default_ops(std::make_index_sequence<std::variant_size_v<Op>>());
    add_kinds<Pool>(ops);
    add_kinds<Unary>(ops);
    add_kinds<Binary>(ops);
    add_kinds<Reduce>(ops);
    return ops;
  }();
  return kOps;
}

// ---- Writing ----

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

struct FieldWriter {
  Json& object;

  template <typename T>
  void operator()(const char* name, T& value) {
    if constexpr (std::is_same_v<T, Clamp>) {
      if (value.is_identity()) return;
      visit_fields(value, FieldWriter{object[name]});
    } else if constexpr (std::is_same_v<T, ZeroPoints>) {
      if (value != T{}) visit_fields(value, FieldWriter{object[name]});
    } else if constexpr (kIsOptional<T>) {
      if (value) visit_fields(*value, FieldWriter{object[name]});
    } else if constexpr (std::is_floating_point_v<T>) {
      object[name] = number_to_json(value);
    } else if constexpr (std::is_enum_v<T>) {
      object[name] = name_of(value);
    } else if constexpr (std::is_same_v<T, std::vector<float>>) {
      object[name] = Json::array();
      for (const float entry : value) object[name].push_back(number_to_json(entry));
    } else {
      object[name] = value;
    }
  }
};

Json write_tensor(const Tensor& tensor, std::vector<uint8_t>& blob) {
  Json json{{"name", tensor.name}, {"type", to_string(tensor.type)}, {"shape", tensor.shape}};
  if (tensor.exponent != 0) json["exponent"] = tensor.exponent;
  if (tensor.grid) json["grid"] = {{"step", tensor.grid->step}, {"zero", tensor.grid->zero}};
  if (tensor.constant) {
    blob.resize((blob.size() + kBlobAlignment - 1) / kBlobAlignment * kBlobAlignment, 0);
    json["constant"] = blob.size();
    const auto bytes = tensor.constant->bytes();
    blob.insert(blob.end(), bytes.begin(), bytes.end());
  }
  return json;
}

Json write_node(const Node& node) {
  Json json{{"name", node.name}, {"op", op_name(node.op)}, {"inputs", node.inputs}, {"outputs", node.outputs}};
  Op op = node.op;
  std::visit([&](auto& attributes) { visit_fields(attributes, FieldWriter{json}); }, op);
  if (node.requantize) {
    Requantize numbers = *node.requantize;
    visit_fields(numbers, FieldWriter{json["requantize"]});
  }
  return json;
}

// ---- Reading ----

void read_value(const JsonView& json, int64_t& value) {
  value = json.integer(INT64_MIN, INT64_MAX);
}
void read_value(const JsonView& json, int32_t& value) {
  value = static_cast<int32_t>(json.integer(INT32_MIN, INT32_MAX));
}
void read_value(const JsonView& json, float& value) {
  value = static_cast<float>(json.number());
}
void read_value(const JsonView& json, bool& value) {
  value = json.boolean();
}

template <typename Enum>
requires std::is_enum_v<Enum>
void read_value(const JsonView& json, Enum& value) {
  static const std::vector<std::string> kNames(names_of(Enum{}).begin(), names_of(Enum{}).end());
  value = static_cast<Enum>(json.one_of(kNames));
}

template <typename T, size_t kSize>
void read_value(const JsonView& json, std::array<T, kSize>& values) {
  if (json.size() != kSize) json.fail("has {} entries, expected {}", json.size(), kSize);
  for (size_t i = 0; i < kSize; ++i) read_value(json[i], values[i]);
}

template <typename T>
void read_value(const JsonView& json, std::vector<T>& values) {
  values.resize(json.size());
  for (size_t i = 0; i < values.size(); ++i) read_value(json[i], values[i]);
}

struct FieldReader {
  const JsonView& object;

  template <typename T>
  void operator()(const char* name, T& value) {
    if constexpr (std::is_same_v<T, Clamp> || std::is_same_v<T, ZeroPoints>) {
      const auto fields = object.find(name);
      if (fields) visit_fields(value, FieldReader{*fields});
    } else if constexpr (kIsOptional<T>) {
      if (const auto fields = object.find(name)) visit_fields(value.emplace(), FieldReader{*fields});
    } else {
      read_value(object.at(name), value);
    }
  }
};

Grid read_grid(const JsonView& json) {
  const JsonView step = json.at("step");
  const Grid grid{step.number(), static_cast<int32_t>(json.at("zero").integer(INT8_MIN, INT8_MAX))};
  if (!(grid.step > 0) || !std::isfinite(grid.step)) step.fail("is {}, expected a positive number", grid.step);
  return grid;
}

// `unread` counts down, so that tensors cannot share bytes to need more memory than the blob has.
Tensor read_tensor(const JsonView& json, std::span<const uint8_t> blob, uint64_t& unread) {
  Tensor tensor;
  tensor.name = json.at("name").text();
  read_value(json.at("type"), tensor.type);
  read_value(json.at("shape"), tensor.shape);
  if (!is_reasonable(tensor.shape)) json.at("shape").fail("dimensions must be positive and not exceed 2^31 elements");
  if (const auto exponent = json.find("exponent")) {
    tensor.exponent = static_cast<int>(exponent->integer(-kMaxExponent, kMaxExponent));
  }
  if (const auto grid = json.find("grid")) tensor.grid = read_grid(*grid);
  if (const auto constant = json.find("constant")) {
    const uint64_t offset = constant->unsigned_integer();
    const uint64_t bytes = static_cast<uint64_t>(element_count(tensor.shape)) * byte_size(tensor.type);
    if (offset > blob.size() || bytes > blob.size() - offset) {
      constant->fail("{} bytes from {} on are not all within the {} bytes of constants", bytes, offset, blob.size());
    }
    if (bytes > unread) constant->fail("the constants need more than the {} bytes that there are", blob.size());
    unread -= bytes;
    tensor.constant = Array(tensor.type, tensor.shape);
    const auto source = blob.subspan(offset, bytes);
    std::copy(source.begin(), source.end(), tensor.constant->mutable_bytes().begin());
  }
  return tensor;
}

// `lowest` is kNoTensor where a tensor may be absent.
std::vector<TensorId> read_ids(const JsonView& json, size_t tensors, TensorId lowest) {
  std::vector<TensorId> ids(json.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<TensorId>(json[i].integer(lowest, static_cast<int64_t>(tensors) - 1));
  }
  return ids;
}

Node read_node(const JsonView& json, size_t tensors) {
  static const std::vector<std::string> kOpNames = [] {
    std::vector<std::string> names;
    names.reserve(prototypes().size());
    for (const Op& op : prototypes()) names.emplace_back(op_name(op));
    return names;
  }();
  Node node;
  node.name = json.at("name").text();
  node.op = prototypes()[json.at("op").one_of(kOpNames)];
  node.inputs = read_ids(json.at("inputs"), tensors, kNoTensor);
  node.outputs = read_ids(json.at("outputs"), tensors, 0);
  std::visit([&](auto& attributes) { visit_fields(attributes, FieldReader{json}); }, node.op);
  if (const auto requantize = json.find("requantize")) {
    node.requantize.emplace();
    visit_fields(*node.requantize, FieldReader{*requantize});
  }
  return node;
}

// Types and shapes as stored must be those that inference gives.
void check_inference(const Graph& graph, const JsonView& json) {
  Graph inferred = graph;
  try {
    infer_shapes(inferred);
  } catch (const UserError& error) {
    json.fail("{}", error.what());
  }
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const Tensor& stored = graph.tensors[i];
    const Tensor& expected = inferred.tensors[i];
    if (stored.type != expected.type || stored.shape != expected.shape) {
      json.fail("tensor '{}' is {} {}, but the operators give {} {}", stored.name, to_string(stored.type),
                to_string(stored.shape), to_string(expected.type), to_string(expected.shape));
    }
  }
}

}  // namespace

Json serialize(const Graph& graph, std::vector<uint8_t>& blob) {
  Json tensors = Json::array();
  for (const Tensor& tensor : graph.tensors) tensors.push_back(write_tensor(tensor, blob));
  Json nodes = Json::array();
  for (const Node& node : graph.nodes) nodes.push_back(write_node(node));
  return {{"name", graph.name},
          {"inputs", graph.inputs},
          {"outputs", graph.outputs},
          {"tensors", std::move(tensors)},
          {"nodes", std::move(nodes)}};
}

Graph deserialize(const JsonView& json, std::span<const uint8_t> blob) {
  Graph graph;
  graph.name = json.at("name").text();
  const JsonView tensors = json.at("tensors");
  uint64_t unread = blob.size();
  for (size_t i = 0; i < tensors.size(); ++i) graph.tensors.push_back(read_tensor(tensors[i], blob, unread));
  const JsonView nodes = json.at("nodes");
  for (size_t i = 0; i < nodes.size(); ++i) graph.nodes.push_back(read_node(nodes[i], graph.tensors.size()));
  graph.inputs = read_ids(json.at("inputs"), graph.tensors.size(), 0);
  graph.outputs = read_ids(json.at("outputs"), graph.tensors.size(), 0);
  try {
    graph.check();
  } catch (const InternalError& error) {
    json.fail("is no valid graph: {}", error.what());
  }
  check_inference(graph, json);
  return graph;
}

}  // namespace arco
