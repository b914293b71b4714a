// Attributes are looked up by name and remembered as read, so that `finish` can name those nobody understood: an
// attribute that is silently skipped would mean wrong results.
#include "arco/onnx/node_context.h"

#include <algorithm>

#include "arco/onnx/model_reader.h"
#include "arco/reference/interpreter.h"

namespace arco {

using Attribute = onnx::AttributeProto;

TensorId ImportState::add_tensor(Tensor tensor, bool is_known) {
  known.push_back(is_known);
  return graph.add_tensor(std::move(tensor));
}

TensorId ImportState::id_of(const std::string& onnx_name) {
  const auto found = ids.find(onnx_name);
  if (found != ids.end()) return found->second;
  Tensor tensor;
  tensor.name = printable(onnx_name);
  const TensorId id = add_tensor(std::move(tensor), false);
  ids.emplace(onnx_name, id);
  return id;
}

NodeContext::NodeContext(ImportState& state, onnx::NodeProto& node, std::string label, int index)
    : state_(state), node_(node), label_(std::move(label)), index_(index) {}

bool NodeContext::reads_constants_only() const {
  for (int i = 0; i < input_count(); ++i) {
    const Tensor* tensor = known_input(i);
    if (has_input(i) && (tensor == nullptr || !tensor->constant)) return false;
  }
  return true;
}

void NodeContext::add_problem(const std::string& what) {
  failed_ = true;
  state_.errors.add("node '{}' ({}): {}", label_, printable(node_.op_type()), what);
}

TensorId NodeContext::input(int i, bool required) {
  read_inputs_.insert(i);
  if (has_input(i)) return state_.id_of(node_.input(i));
  if (required) problem("input {} is missing", i);
  return kNoTensor;
}

const Tensor* NodeContext::known_input(int i) const {
  if (!has_input(i)) return nullptr;
  return known(state_.id_of(node_.input(i)));
}

const Tensor* NodeContext::known(TensorId id) const {
  if (id == kNoTensor || !state_.known[static_cast<size_t>(id)]) return nullptr;
  return &state_.graph.tensor(id);
}

std::optional<Shape> NodeContext::shape_of(TensorId id) {
  const Tensor* tensor = known(id);
  if (tensor != nullptr) return tensor->shape;
  failed_ = true;
  return std::nullopt;
}

const Array* NodeContext::constant_input(int i, const char* what) {
  const TensorId id = input(i);
  if (id == kNoTensor) return nullptr;
  const Tensor& tensor = state_.graph.tensor(id);
  if (tensor.constant) return &*tensor.constant;
  // An unknown tensor has had its own problem already.
  if (state_.known[static_cast<size_t>(id)]) {
    problem("{} ('{}') must be a constant, but is computed at run time", what, tensor.name);
  } else {
    failed_ = true;
  }
  return nullptr;
}

std::optional<std::vector<int64_t>> NodeContext::integers_input(int i, const char* what) {
  const Array* array = constant_input(i, what);
  if (array == nullptr) return std::nullopt;
  if (array->type() == DataType::kInt64) {
    const auto values = array->data<int64_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  if (array->type() == DataType::kInt32) {
    const auto values = array->data<int32_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  problem("{} must be integers, but is {}", what, to_string(array->type()));
  return std::nullopt;
}

std::optional<float> NodeContext::scalar_input(int i, const char* what) {
  const Array* array = constant_input(i, what);
  if (array == nullptr) return std::nullopt;
  if (array->type() == DataType::kFloat32 && array->size() == 1) return array->data<float>()[0];
  problem("{} must be a single float, but is {} {}", what, to_string(array->type()), to_string(array->shape()));
  return std::nullopt;
}

bool NodeContext::has_attribute(const char* name) const {
  for (const Attribute& attribute : node_.attribute()) {
    if (attribute.name() == name) return true;
  }
  return false;
}

const Attribute* NodeContext::find(const char* name, Attribute::AttributeType type) {
  read_attributes_.insert(name);
  for (const Attribute& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.type() == type) return &attribute;
    problem("attribute '{}' has the wrong type, expected {}", name, onnx::AttributeProto_AttributeType_Name(type));
    return nullptr;
  }
  return nullptr;
}

int64_t NodeContext::integer(const char* name, int64_t otherwise) {
  const Attribute* found = find(name, Attribute::INT);
  return found != nullptr ? found->i() : otherwise;
}

float NodeContext::real(const char* name, float otherwise) {
  const Attribute* found = find(name, Attribute::FLOAT);
  return found != nullptr ? found->f() : otherwise;
}

std::string NodeContext::text(const char* name, const std::string& otherwise) {
  const Attribute* found = find(name, Attribute::STRING);
  return found != nullptr ? found->s() : otherwise;
}

std::vector<int64_t> NodeContext::integers(const char* name) {
  const Attribute* found = find(name, Attribute::INTS);
  if (found == nullptr) return {};
  return {found->ints().begin(), found->ints().end()};
}

std::vector<float> NodeContext::reals(const char* name) {
  const Attribute* found = find(name, Attribute::FLOATS);
  if (found == nullptr) return {};
  return {found->floats().begin(), found->floats().end()};
}

onnx::TensorProto* NodeContext::tensor(const char* name) {
  if (find(name, Attribute::TENSOR) == nullptr) return nullptr;
  for (Attribute& attribute : *node_.mutable_attribute()) {
    if (attribute.name() == name) return attribute.mutable_t();
  }
  return nullptr;
}

TensorId NodeContext::output(int i) {
  emitted_.insert(i);
  if (i >= node_.output_size() || node_.output(i).empty()) {
    problem("the node has no output{}", i == 0 ? "" : fmt::format(" {}", i));
    return kNoTensor;
  }
  return state_.id_of(node_.output(i));
}

bool NodeContext::fold(const Node& node) {
  // Integers are shapes, indices and the like; more of them, and floats beyond a few (scales of Resize), are data.
  constexpr int64_t kMostIntegers = 1024;
  constexpr int64_t kMostFloats = 16;
  const auto is_small = [&](TensorId id) {
    const Tensor& tensor = state_.graph.tensor(id);
    return element_count(tensor.shape) <= (tensor.type == DataType::kFloat32 ? kMostFloats : kMostIntegers);
  };
  std::vector<Array> inputs;
  for (const TensorId id : node.inputs) {
    if (id != kNoTensor && (!state_.graph.tensor(id).constant || !is_small(id))) return false;
    inputs.push_back(id == kNoTensor ? Array() : *state_.graph.tensor(id).constant);
  }
  if (!is_small(node.outputs[0])) return false;
  try {
    Tensor& result = state_.graph.tensor(node.outputs[0]);
    result.constant = run_reference_node(state_.graph, node, inputs).at(0);
  } catch (const UserError& error) {
    problem("{}", error.what());
  }
  return true;
}

void NodeContext::add_node(Op op, std::vector<TensorId> inputs, TensorId output) {
  Node node;
  node.name = label_;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.outputs = {output};
  node.origin = index_;
  const bool inputs_known = !failed_ && std::all_of(node.inputs.begin(), node.inputs.end(), [&](TensorId id) {
    return id == kNoTensor || state_.known[static_cast<size_t>(id)];
  });
  if (inputs_known) {
    const bool inferred = infer_node_shapes(state_.graph, node, state_.errors);
    state_.known[static_cast<size_t>(output)] = inferred;
    failed_ = failed_ || !inferred;
    if (inferred && fold(node)) return;
  }
  for (int i = 2; !state_.node_names.insert(node.name).second; ++i) node.name = fmt::format("{}_{}", label_, i);
  state_.graph.nodes.push_back(std::move(node));
  left_nodes_ = true;
}

void NodeContext::emit(Op op, std::vector<TensorId> inputs, int output_index) {
  const TensorId id = output(output_index);
  if (id != kNoTensor) add_node(std::move(op), std::move(inputs), id);
}

TensorId NodeContext::emit_inner(Op op, std::vector<TensorId> inputs) {
  Tensor tensor;
  tensor.name = fmt::format("{}.{}", label_, state_.graph.tensors.size());
  const TensorId id = state_.add_tensor(std::move(tensor), false);
  add_node(std::move(op), std::move(inputs), id);
  return id;
}

void NodeContext::emit_constant(Array value) {
  const TensorId id = output(0);
  if (id == kNoTensor) return;
  Tensor& tensor = state_.graph.tensor(id);
  tensor.type = value.type();
  tensor.shape = value.shape();
  tensor.constant = std::move(value);
  state_.known[static_cast<size_t>(id)] = true;
}

TensorId NodeContext::add_constant(const char* suffix, Array value) {
  state_.known.push_back(true);
  return state_.graph.add_constant(fmt::format("{}.{}", label_, suffix), std::move(value));
}

void NodeContext::finish() {
  const bool converted = !failed_;  // else outputs may be missing for a reason that has been told
  for (const Attribute& attribute : node_.attribute()) {
    if (read_attributes_.contains(attribute.name())) continue;
    std::vector<std::string> names(read_attributes_.begin(), read_attributes_.end());
    std::sort(names.begin(), names.end());
    problem("attribute '{}' is not supported{}", printable(attribute.name()),
            did_you_mean(state_.errors, attribute.name(), names));
  }
  for (int i = 0; i < node_.input_size(); ++i) {
    if (!node_.input(i).empty() && !read_inputs_.contains(i)) {
      problem("input {} ('{}') is not supported", i, printable(node_.input(i)));
    }
  }
  for (int i = 1; converted && i < node_.output_size(); ++i) {
    if (!node_.output(i).empty() && !emitted_.contains(i) && state_.used.contains(node_.output(i))) {
      problem("output {} ('{}') is used, but only the first output is supported", i, printable(node_.output(i)));
    }
  }
}

}  // namespace arco
