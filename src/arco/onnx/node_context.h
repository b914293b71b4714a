// What a converter sees of one ONNX node: its inputs as tensors of our graph, its attributes with their types checked,
// and the means to say what is wrong or to emit nodes.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "arco/base/error.h"
#include "arco/graph/graph.h"
#include "arco/onnx/tensor_reader.h"

namespace arco {

// The graph under construction, shared by all nodes of a model.
struct ImportState {
  ImportState(const std::string& subject, std::filesystem::path folder) : errors(subject), reader(std::move(folder)) {}

  Graph graph;
  ErrorList errors;
  TensorReader reader;
  int opset = 0;
  std::unordered_map<std::string, TensorId> ids;  // by ONNX name
  std::vector<bool> known;                        // by TensorId: type and shape are right
  std::unordered_set<std::string> node_names;     // given so far, to keep them distinct
  std::unordered_set<std::string> used;           // ONNX names that a node reads or the graph returns

  TensorId add_tensor(Tensor tensor, bool is_known);
  // The tensor of that ONNX name, made (unknown) if there is none yet.
  TensorId id_of(const std::string& onnx_name);
};

class NodeContext {
 public:
  // `index` is the node's place in the file.
  NodeContext(ImportState& state, onnx::NodeProto& node, std::string label, int index);

  int opset() const { return state_.opset; }

  // ---- inputs ----
  int input_count() const { return node_.input_size(); }
  bool has_input(int i) const { return i < node_.input_size() && !node_.input(i).empty(); }
  // kNoTensor if absent; that is a problem if `required`.
  TensorId input(int i, bool required = true);
  void ignore_input(int i) { read_inputs_.insert(i); }
  // The tensor behind an input if its shape is already certain, else nullptr.
  const Tensor* known_input(int i) const;
  // The same for any tensor, such as one that emit_inner made.
  const Tensor* known(TensorId id) const;
  // Its shape; without one the node has failed (for a reason that has been told).
  std::optional<Shape> shape_of(TensorId id);
  // The value of an input that must be known now (Reshape's target); adds a problem and returns nullptr if it is not.
  const Array* constant_input(int i, const char* what);
  // The same for integers of type int64 or int32 and for a single float.
  std::optional<std::vector<int64_t>> integers_input(int i, const char* what);
  std::optional<float> scalar_input(int i, const char* what);

  // ---- attributes; a wrong type is a problem and gives the default ----
  bool has_attribute(const char* name) const;
  int64_t integer(const char* name, int64_t otherwise);
  float real(const char* name, float otherwise);
  std::string text(const char* name, const std::string& otherwise);
  std::vector<int64_t> integers(const char* name);
  std::vector<float> reals(const char* name);
  onnx::TensorProto* tensor(const char* name);
  // Exactly N integers; another count is a problem.
  template <size_t N>
  std::array<int64_t, N> exactly(const char* name, std::array<int64_t, N> otherwise);
  // Marks an attribute as understood although nothing depends on it.
  void ignore(const char* name) { read_attributes_.insert(name); }

  // ---- results ----
  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    add_problem(fmt::format(format, std::forward<Args>(args)...));
  }
  // The node computes one of its outputs as `op` of `inputs`. Shapes are inferred at once where the inputs' are known.
  // A few numbers computed from constants become a constant: arithmetic on shapes leaves no nodes.
  void emit(Op op, std::vector<TensorId> inputs, int output = 0);
  // The same into a new tensor between nodes.
  TensorId emit_inner(Op op, std::vector<TensorId> inputs);
  // The node's first output is a known value.
  void emit_constant(Array value);
  TensorId add_constant(const char* suffix, Array value);
  const std::string& label() const { return label_; }
  TensorReader& reader() { return state_.reader; }

  int output_count() const { return node_.output_size(); }
  bool has_output(int i) const { return i < node_.output_size() && !node_.output(i).empty(); }

  // Problems that every operator shares: attributes and inputs nobody read, and outputs that something uses although
  // nothing was emitted for them.
  void finish();
  bool failed() const { return failed_; }
  // Whether the node left anything in the graph that is computed at run time.
  bool left_nodes() const { return left_nodes_; }
  bool reads_constants_only() const;

 private:
  void add_problem(const std::string& what);
  const onnx::AttributeProto* find(const char* name, onnx::AttributeProto::AttributeType type);
  void add_node(Op op, std::vector<TensorId> inputs, TensorId output);
  // True if the node was computed here and now, so that it need not be part of the graph.
  bool fold(const Node& node);
  TensorId output(int i);

  ImportState& state_;
  onnx::NodeProto& node_;
  std::string label_;
  int index_;
  std::unordered_set<std::string> read_attributes_;
  std::unordered_set<int> read_inputs_;
  std::unordered_set<int> emitted_;  // outputs
  bool failed_ = false;
  bool left_nodes_ = false;
};

template <size_t N>
std::array<int64_t, N> NodeContext::exactly(const char* name, std::array<int64_t, N> otherwise) {
  const onnx::AttributeProto* found = find(name, onnx::AttributeProto::INTS);
  if (found == nullptr) return otherwise;
  const auto& values = found->ints();
  if (values.size() != static_cast<int>(N)) {
    problem("attribute '{}' has {} values, expected {}: only 2-D windows are supported", name, values.size(), N);
    return otherwise;
  }
  std::copy(values.begin(), values.end(), otherwise.begin());
  return otherwise;
}

}  // namespace arco
