// The import in order: opset, initializers, graph inputs, order of the nodes, one converter a node, graph outputs.
// Problems are collected on the way; a tensor behind a problem is "unknown", and nodes that read it are converted as
// far as that goes without repeating the problem.
#include "arco/onnx/importer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "arco/base/error.h"
#include "arco/onnx/converters.h"
#include "arco/onnx/model_reader.h"
#include "arco/onnx/node_order.h"

namespace arco {
namespace {

bool is_default_domain(const std::string& domain) {
  return domain.empty() || domain == "ai.onnx";
}

class Importer {
 public:
  Importer(onnx::ModelProto& model, const ImportOptions& options, const std::string& name, std::filesystem::path folder)
      : model_(model),
        proto_(*model.mutable_graph()),
        options_(options),
        name_(name),
        state_(name, std::move(folder)) {}

  ImportedModel run() {
    state_.graph.name = printable(proto_.name());
    read_opset();
    read_initializers();
    read_inputs();
    note_used_names();
    nodes_.resize(static_cast<size_t>(proto_.node_size()));
    const std::vector<int> order = order_nodes(proto_, defined_, state_.errors);
    for (const int n : order) convert(n);
    if (has_unsupported_) list_supported();
    read_outputs();
    state_.errors.throw_if_any();
    state_.graph.check();
    note_unneeded_nodes();
    return {std::move(state_.graph), std::move(nodes_)};
  }

 private:
  void read_opset() {
    bool found = false;
    for (const auto& import : model_.opset_import()) {
      if (!is_default_domain(import.domain())) continue;
      found = true;
      // Versions outside of the range are clamped for the rest of the import, which ends with an error anyway.
      state_.opset = static_cast<int>(std::clamp<int64_t>(import.version(), kOldestOpset, kNewestOpset));
      if (import.version() != state_.opset) {
        state_.errors.add("opset {} is not supported, only {} to {}; export the model again with opset {}",
                          import.version(), kOldestOpset, kNewestOpset, state_.opset);
      }
    }
    if (!found) {
      state_.opset = kOldestOpset;
      state_.errors.add("the file does not say which ONNX opset it uses; export it with opset {} to {}", kOldestOpset,
                        kNewestOpset);
    }
  }

  void read_initializers() {
    for (auto& tensor : *proto_.mutable_initializer()) {
      const std::string& onnx_name = tensor.name();
      if (++defined_[onnx_name] > 1) {
        state_.errors.add("initializer '{}' is defined twice", printable(onnx_name));
        continue;
      }
      const TensorId id = state_.id_of(onnx_name);
      auto result = state_.reader.read(tensor);
      if (!result.problem.empty()) {
        state_.errors.add("initializer '{}': {}", printable(onnx_name), result.problem);
        continue;
      }
      Tensor& target = state_.graph.tensor(id);
      target.type = result.array.type();
      target.shape = result.array.shape();
      target.constant = std::move(result.array);
      state_.known[static_cast<size_t>(id)] = true;
    }
    for (const auto& sparse : proto_.sparse_initializer()) {
      ++defined_[sparse.values().name()];
      state_.errors.add("initializer '{}' is sparse, which is not supported", printable(sparse.values().name()));
    }
  }

  void read_inputs() {
    std::vector<std::string> names;
    std::unordered_set<std::string> seen;
    for (const auto& info : proto_.input()) {
      if (!seen.insert(info.name()).second) {
        state_.errors.add("graph input '{}' is listed twice", printable(info.name()));
        continue;
      }
      if (defined_.contains(info.name())) continue;  // an initializer, listed as old files do
      names.push_back(info.name());
      read_input(info);
    }
    for (const std::string& name : names) defined_[name] = 1;
    for (const auto& [name, shape] : options_.input_shapes) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      state_.errors.add("there is no graph input '{}' to give a shape to{}; the inputs are '{}'", name,
                        did_you_mean(state_.errors, name, names),
                        printable(fmt::format("{}", fmt::join(names, "', '"))));
    }
  }

  void read_input(const onnx::ValueInfoProto& info) {
    const TensorId id = state_.id_of(info.name());
    Tensor& tensor = state_.graph.tensor(id);
    state_.graph.inputs.push_back(id);
    if (!info.type().has_tensor_type()) {
      state_.errors.add("graph input '{}' is not a tensor", tensor.name);
      return;
    }
    const auto& type = info.type().tensor_type();
    const auto element = graph_type(type.elem_type());
    if (!element) {
      state_.errors.add("graph input '{}' has element type {}, which is not supported; use float32", tensor.name,
                        onnx_type_name(type.elem_type()));
      return;
    }
    tensor.type = *element;
    if (const auto given = options_.input_shapes.find(info.name()); given != options_.input_shapes.end()) {
      tensor.shape = given->second;
    } else if (!read_input_shape(type, tensor)) {
      return;
    }
    if (!is_reasonable(tensor.shape)) {
      state_.errors.add("graph input '{}' has shape {}: every dimension must be positive, with at most {} elements",
                        tensor.name, to_string(tensor.shape), kMaxElements);
      return;
    }
    state_.known[static_cast<size_t>(id)] = true;
  }

  bool read_input_shape(const onnx::TypeProto::Tensor& type, Tensor& tensor) {
    if (!type.has_shape()) {
      state_.errors.add("graph input '{}' has no shape; give one, as in --shape {}=1x3x224x224", tensor.name,
                        tensor.name);
      return false;
    }
    const auto& dims = type.shape().dim();
    std::string open;   // the dimensions that only the user can know
    std::string shape;  // what to write for --shape
    bool complete = true;
    for (int d = 0; d < dims.size(); ++d) {
      const bool has_value = dims[d].has_dim_value() && dims[d].dim_value() != -1;
      // Exporters write 0 or -1 for a batch size that is open, too.
      const bool is_batch = d == 0 && (!has_value || dims[d].dim_value() == 0);
      const int64_t extent = is_batch ? options_.batch : has_value ? dims[d].dim_value() : 0;
      tensor.shape.push_back(extent);
      shape += (d == 0 ? "" : "x") + (extent > 0 ? std::to_string(extent) : "?");
      if (is_batch || extent > 0) continue;
      complete = false;
      const std::string what = has_value                     ? std::to_string(extent)
                               : dims[d].dim_param().empty() ? "unnamed"
                                                             : printable(dims[d].dim_param());
      open += fmt::format("{}dimension {} ({})", open.empty() ? "" : ", ", d, what);
    }
    if (!complete) {
      state_.errors.add("graph input '{}': {} must be a positive number; give the whole shape, as in --shape {}={}",
                        tensor.name, open, tensor.name, shape);
    }
    return complete;
  }

  void note_used_names() {
    for (const auto& node : proto_.node()) state_.used.insert(node.input().begin(), node.input().end());
    for (const auto& output : proto_.output()) state_.used.insert(output.name());
  }

  void convert(int index) {
    onnx::NodeProto& node = *proto_.mutable_node(index);
    const std::string label = node_label(node, index);
    const auto& table = converters();
    const auto found =
        table.find(is_default_domain(node.domain()) ? node.op_type() : node.domain() + "." + node.op_type());
    if (found == table.end()) {
      report_unsupported(node, label);
      return;
    }
    NodeContext context(state_, node, label, index);
    found->second(context);
    context.finish();
    nodes_[static_cast<size_t>(index)] = {label, printable(node.op_type()), why_folded(context, node.op_type())};
  }

  static std::string why_folded(const NodeContext& context, const std::string& op) {
    if (context.left_nodes()) return "";
    if (op == "Constant") return "a constant";
    if (context.reads_constants_only()) return "folded while importing: all its inputs are constant";
    return "folded while importing: its result follows from shapes alone";
  }

  // Nodes that no output of the graph depends on, be it that the file's own outputs do not, or that their readers asked
  // for nothing but a shape.
  void note_unneeded_nodes() {
    std::unordered_set<std::string> needed;
    for (const auto& output : proto_.output()) needed.insert(output.name());
    const std::vector<int> order = order_nodes(proto_, defined_, state_.errors);
    std::vector<bool> is_needed(nodes_.size(), false);
    for (size_t i = order.size(); i-- > 0;) {
      const onnx::NodeProto& node = proto_.node(order[i]);
      if (std::none_of(node.output().begin(), node.output().end(), [&](const auto& o) { return needed.contains(o); })) {
        continue;
      }
      is_needed[static_cast<size_t>(order[i])] = true;
      needed.insert(node.input().begin(), node.input().end());
      needed.erase("");  // inputs that are left out
    }
    const std::set<int> live = live_origins(state_.graph);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!is_needed[i]) {
        nodes_[i].folded = "no output of the network depends on it";
      } else if (nodes_[i].folded.empty() && !live.contains(static_cast<int>(i))) {
        nodes_[i].folded = "folded while importing: only its shape is needed, which became part of constants";
      }
    }
  }

  void report_unsupported(const onnx::NodeProto& node, const std::string& label) {
    has_unsupported_ = true;
    std::string near;
    if (is_default_domain(node.domain())) {
      std::vector<std::string> names;
      for (const auto& [name, converter] : converters()) names.push_back(name);
      near = did_you_mean(state_.errors, node.op_type(), names);
    }
    const std::string domain = is_default_domain(node.domain()) ? "" : " of domain " + printable(node.domain());
    state_.errors.add("node '{}': operator '{}'{} is not supported{}", label, printable(node.op_type()), domain, near);
  }

  void list_supported() {
    std::string names;
    for (const auto& [name, converter] : converters()) names += (names.empty() ? "" : ", ") + name;
    state_.errors.add("supported operators: {}", names);
  }

  void read_outputs() {
    if (proto_.output_size() == 0) state_.errors.add("the graph has no output");
    std::set<std::string> made;
    for (const auto& [name, count] : defined_) made.insert(name);
    for (const auto& node : proto_.node()) made.insert(node.output().begin(), node.output().end());
    const std::vector<std::string> names(made.begin(), made.end());
    std::unordered_set<std::string> seen;
    for (const auto& info : proto_.output()) {
      if (!seen.insert(info.name()).second) {
        state_.errors.add("graph output '{}' is listed twice", printable(info.name()));
        continue;
      }
      if (info.name().empty() || !made.contains(info.name())) {
        state_.errors.add("graph output '{}' is made by no node{}", printable(info.name()),
                          did_you_mean(state_.errors, info.name(), names));
        continue;
      }
      state_.graph.outputs.push_back(state_.id_of(info.name()));
    }
  }

  onnx::ModelProto& model_;
  onnx::GraphProto& proto_;
  const ImportOptions& options_;
  std::string name_;
  ImportState state_;
  std::unordered_map<std::string, int> defined_;  // names given by initializers and graph inputs
  std::vector<ModelNode> nodes_;                  // of the file
  bool has_unsupported_ = false;
};

}  // namespace

ImportedModel import_with_nodes(const std::filesystem::path& path, const ImportOptions& options) {
  onnx::ModelProto model = read_model(path);
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return Importer(model, options, path.string(), folder).run();
}

Graph import_onnx(std::span<const uint8_t> bytes, const std::string& name, const ImportOptions& options) {
  onnx::ModelProto model = read_model(bytes, name);
  return Importer(model, options, name, {}).run().graph;
}

}  // namespace arco
