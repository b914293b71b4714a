// The ONNX project's own tests (Debian package libonnx-testdata): every model with its inputs and expected outputs runs
// through importer and reference interpreter. The table of results is compared with tests/data/onnx_node_tests.txt;
// ARCO_UPDATE_GOLDEN=1 writes that file anew. A test that is skipped names the reason.
//
// Values are compared as ONNX's runner does: shape and type equal, integers equal, floats within 1e-7 + 1e-3
// |expected|. The node tests feed every input at run time, also shapes and axes, which we must know when compiling:
// where the import asks for a constant, all inputs but the first (or all) become initializers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/onnx/converters.h"
#include "arco/onnx/importer.h"
#include "arco/onnx/model_reader.h"
#include "arco/onnx/tensor_reader.h"
#include "arco/reference/elementwise.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

namespace fs = std::filesystem;

constexpr const char* kData = "/usr/share/libonnx-testdata/data";
constexpr const char* kGolden = ARCO_SOURCE_DIR "/tests/data/onnx_node_tests.txt";

onnx::TensorProto read_proto(const fs::path& path) {
  onnx::TensorProto tensor;
  std::ifstream file(path, std::ios::binary);
  if (!file || !tensor.ParseFromIstream(&file)) fail_user("{} is no tensor", path.filename().string());
  return tensor;
}

Array read_array(onnx::TensorProto tensor) {
  auto result = TensorReader("").read(tensor);
  if (!result.problem.empty()) throw UserError(result.problem);
  return result.array;
}

std::vector<onnx::TensorProto> read_protos(const fs::path& folder, const std::string& kind) {
  std::vector<onnx::TensorProto> tensors;
  for (int i = 0;; ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", kind, i);
    if (!fs::exists(path)) return tensors;
    tensors.push_back(read_proto(path));
  }
}

Graph import(const onnx::ModelProto& model) {
  const std::string bytes = model.SerializeAsString();
  return import_onnx({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "model");
}

// The graph with its inputs from `first` on as initializers; `inputs` belong to the model's inputs in order.
Graph import_with_constants(onnx::ModelProto model, const std::vector<onnx::TensorProto>& inputs, int first) {
  std::vector<std::string> names;
  for (const auto& info : model.graph().input()) names.push_back(info.name());
  for (size_t i = static_cast<size_t>(first); i < std::min(names.size(), inputs.size()); ++i) {
    onnx::TensorProto* tensor = model.mutable_graph()->add_initializer();
    *tensor = inputs[i];
    tensor->set_name(names[i]);
  }
  return import(model);
}

Graph import_as_needed(const onnx::ModelProto& model, const std::vector<onnx::TensorProto>& inputs) {
  try {
    return import(model);
  } catch (const UserError& error) {
    if (std::string(error.what()).find("must be a constant") == std::string::npos) throw;
  }
  try {
    return import_with_constants(model, inputs, 1);
  } catch (const UserError& error) {
    if (std::string(error.what()).find("must be a constant") == std::string::npos) throw;
  }
  return import_with_constants(model, inputs, 0);
}

// What differs, or "".
std::string difference(const Array& actual, const Array& expected) {
  if (actual.type() != expected.type() || actual.shape() != expected.shape()) {
    return fmt::format("{} {} instead of {} {}", to_string(actual.type()), to_string(actual.shape()),
                       to_string(expected.type()), to_string(expected.shape()));
  }
  if (actual.type() != DataType::kFloat32) {
    return std::equal(actual.bytes().begin(), actual.bytes().end(), expected.bytes().begin()) ? "" : "wrong values";
  }
  const auto a = actual.data<float>();
  const auto e = expected.data<float>();
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) continue;
    const double error = std::fabs(static_cast<double>(a[i]) - static_cast<double>(e[i]));
    if (error <= 1e-7 + 1e-3 * std::fabs(static_cast<double>(e[i]))) continue;
    return fmt::format("{} instead of {} at position {}", a[i], e[i], i);
  }
  return "";
}

// "" if all outputs are right.
std::string run_data_set(const onnx::ModelProto& model, const fs::path& folder) {
  const auto inputs = read_protos(folder, "input");
  const Graph graph = import_as_needed(model, inputs);
  std::map<std::string, Array> by_name;
  for (int i = 0; i < model.graph().input_size() && i < static_cast<int>(inputs.size()); ++i) {
    by_name[model.graph().input(i).name()] = read_array(inputs[static_cast<size_t>(i)]);
  }
  std::vector<Array> arguments;
  for (const TensorId id : graph.inputs) arguments.push_back(by_name[graph.tensor(id).name]);
  const std::vector<Array> outputs = run_reference(graph, arguments);
  const auto expected = read_protos(folder, "output");
  if (outputs.size() != expected.size())
    return fmt::format("{} outputs instead of {}", outputs.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string wrong = difference(outputs[i], read_array(expected[i]));
    if (!wrong.empty()) return fmt::format("output {}: {}", i, wrong);
  }
  return "";
}

// One line and a short one: the first problem of an error, without the names that precede it.
std::string reason_of(const std::string& message) {
  std::string line = message;
  if (const size_t list = line.find("\n  - "); list != std::string::npos) line = line.substr(list + 5);
  line = line.substr(0, line.find('\n'));
  if (line.starts_with("model: ")) line = line.substr(7);
  if (line.starts_with("node '")) {
    const size_t end = line.find("'): ") != std::string::npos ? line.find("'): ") + 4 : line.find("': ") + 3;
    const size_t operator_end = line.find("): ");
    line = operator_end != std::string::npos ? line.substr(operator_end + 3) : line.substr(end);
  }
  return line.substr(0, line.find("; did you mean"));
}

// Adds the operators of a test that passes to `proven`.
std::string run_test(const fs::path& folder, std::set<std::string>& proven) {
  try {
    onnx::ModelProto model = read_model(folder / "model.onnx");
    for (auto& opset : *model.mutable_opset_import()) {
      if (opset.domain().empty()) opset.set_version(std::max<int64_t>(opset.version(), kOldestOpset));
    }
    for (int set = 0;; ++set) {
      const fs::path data = folder / fmt::format("test_data_set_{}", set);
      if (!fs::exists(data)) return set == 0 ? "skip no data" : "pass";
      const std::string wrong = run_data_set(model, data);
      if (!wrong.empty()) return "FAIL " + wrong;
      for (const auto& node : model.graph().node()) proven.insert(node.op_type());
    }
  } catch (const UserError& error) {
    return "skip " + reason_of(error.what());
  }
}

std::string table_of_results() {
  std::string table;
  int passed = 0;
  int total = 0;
  std::set<std::string> proven;
  for (const char* group : {"node", "simple", "pytorch-operator", "pytorch-converted"}) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(fs::path(kData) / group)) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
      const std::string result = run_test(folder, proven);
      passed += result == "pass" ? 1 : 0;
      ++total;
      table += fmt::format("{}/{}: {}\n", group, folder.filename().string().substr(5), result);
    }
  }
  table += fmt::format("{} of {} passed\n", passed, total);
  for (const auto& [name, converter] : converters()) {
    const bool is_of_onnx = name.find('.') == std::string::npos;
    if (is_of_onnx && !proven.contains(name)) table += fmt::format("no test of {} passes\n", name);
  }
  return table;
}

TEST(Conformance, EveryOperatorIsDocumented) {
  std::ifstream file(std::string(ARCO_SOURCE_DIR) + "/docs/operators.md");
  std::stringstream document;
  document << file.rdbuf();
  for (const auto& [name, converter] : converters()) {
    const std::string operator_name = name.substr(name.rfind('.') + 1);
    EXPECT_NE(document.str().find("`" + operator_name + "`"), std::string::npos) << operator_name;
  }
}

TEST(Conformance, OnnxProjectsOwnTestsGiveTheKnownResults) {
  ASSERT_TRUE(fs::exists(kData)) << "install the package libonnx-testdata (./dev setup does)";
  const std::string table = table_of_results();
  EXPECT_EQ(table.find("FAIL"), std::string::npos);
  if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(kGolden, table);
  std::ifstream file(kGolden);
  std::stringstream golden;
  golden << file.rdbuf();
  // Line by line, so that the difference can be read.
  std::istringstream actual_lines(table);
  std::istringstream golden_lines(golden.str());
  for (std::string actual, expected; std::getline(actual_lines, actual);) {
    ASSERT_TRUE(std::getline(golden_lines, expected)) << "not in " << kGolden << ": " << actual;
    EXPECT_EQ(actual, expected);
  }
  EXPECT_EQ(table, golden.str()) << "ARCO_UPDATE_GOLDEN=1 writes " << kGolden << " anew";
}

}  // namespace
}  // namespace arco
