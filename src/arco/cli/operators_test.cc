// Every operator that imports, in a small network, through the program as a user runs it: `arco inspect` says where its
// nodes run, and the table of that is compared with tests/data/operators.txt (ARCO_UPDATE_GOLDEN=1 writes it anew);
// `arco compile --verify` and `arco run --verify` must find every pass and layer equal to the reference; and the int8
// results must stay near those of `arco reference`. No network is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "arco/base/file.h"
#include "arco/cli/command_line.h"
#include "arco/cli/operator_rows.h"
#include "arco/graph/npy.h"
#include "arco/onnx/converters.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/report.h"

namespace arco {
namespace {

using Json = nlohmann::json;
using testing_support::network;
using testing_support::Row;
using testing_support::rows;

constexpr const char* kGolden = ARCO_SOURCE_DIR "/tests/data/operators.txt";
constexpr const char* kInspectGolden = ARCO_SOURCE_DIR "/tests/data/inspect.txt";

class Operators : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("arco_operators_{}", getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const Row& row) const {
    write_file(path("model.onnx"), network(row).model.bytes());
    return path("model.onnx");
  }
  // What the command prints; its errors fail the test.
  static std::string arco(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_command_line(arguments, {out, err}), 0) << err.str();
    return out.str();
  }

  std::filesystem::path folder_;
};

// "Conv: accelerator", "Softmax: host, no integer form": one line a node of the file.
std::string places(const Json& nodes) {
  std::string text;
  for (const Json& node : nodes) {
    const auto place = node["runs_on"].get<std::string>();
    const auto detail = node["detail"].get<std::string>();
    const std::string where = place == "accelerator" ? place : place == "-" ? detail : place + ", " + detail;
    text += fmt::format("  {}: {}\n", node["operator"].get<std::string>(), where);
  }
  return text;
}

TEST_F(Operators, RunWhereTheTableSays) {
  std::string table;
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const std::string shown = arco({"inspect", write(row), "--json"});
    if (HasFailure()) return;
    const Json nodes = Json::parse(shown)["nodes"];
    table += row.name + "\n" + places(nodes);
    const auto file = network(row).model.proto.graph();
    ASSERT_EQ(nodes.size(), static_cast<size_t>(file.node_size()));
    for (int i = 0; i < file.node_size(); ++i) {
      EXPECT_EQ(nodes[static_cast<size_t>(i)]["name"], file.node(i).name());
      EXPECT_EQ(nodes[static_cast<size_t>(i)]["operator"], file.node(i).op_type());
    }
  }
  if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(kGolden, table);
  EXPECT_EQ(table, read_text_file(kGolden)) << "ARCO_UPDATE_GOLDEN=1 writes " << kGolden << " anew";
}

// What `arco inspect MODEL` prints of the nodes, to the letter.
TEST_F(Operators, InspectShowsEveryNode) {
  const Row row{
      "", [](testing_support::Net& n) {
        const auto x = n.relu(n.node("BatchNormalization", {n.conv(n.input({1, 16, 8, 8}), {16, 16, 3, 3}),
                                                            n.ones({16}), n.ones({16}), n.ones({16}), n.ones({16})}));
        const auto branches = n.node("Concat", {x, n.node("Sigmoid", {x})}, {{"axis", 1}});
        const auto up =
            n.node("ConvTranspose", {branches, n.weights({32, 8, 2, 2})}, {{"strides", testing_support::Ints{2, 2}}});
        n.output(n.node("Softmax", {n.node("Flatten", {n.node("MaxPool", {n.add(up, up)},
                                                              {{"kernel_shape", testing_support::Ints{2, 2}}})})}));
      }};
  std::string shown = arco({"inspect", write(row)});
  shown = shown.substr(folder_.string().size() + 1);  // "<folder>/model.onnx: ..."
  shown = shown.substr(0, shown.find("\nhardware"));
  if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(kInspectGolden, shown);
  EXPECT_EQ(shown, read_text_file(kInspectGolden)) << "ARCO_UPDATE_GOLDEN=1 writes " << kInspectGolden << " anew";
}

// Passes that make nodes say where they come from.
TEST_F(Operators, KeepTheirOriginThroughThePasses) {
  for (const Row& row : rows()) {
    Graph graph = network(row).model.import();
    simplify(graph);
    if (take_brought_scales(graph, true) > 0) simplify(graph);
    for (const Node& node : graph.nodes) EXPECT_GE(node.origin, 0) << row.name << ": " << node.name;
  }
}

TEST_F(Operators, AreAllInTheTable) {
  std::set<std::string> used;
  for (const Row& row : rows()) {
    const testing_support::Net net = network(row);
    for (const auto& node : net.model.proto.graph().node())
      used.insert(node.domain().empty() ? node.op_type() : node.domain() + "." + node.op_type());
  }
  for (const auto& [name, converter] : converters()) EXPECT_TRUE(used.contains(name)) << name << " is in no row";
}

TEST_F(Operators, AreExactAndNearTheirFloats) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const std::string model = write(row);
    arco({"compile", model, "-o", path("model.arco"), "--verify"});
    const Graph graph = network(row).model.import();
    std::vector<std::string> run{"run", path("model.arco"), "--verify"};
    std::vector<std::string> reference{"reference", model};
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      const std::string& name = graph.tensor(graph.outputs[i]).name;
      run.insert(run.end(), {"--output", name + "=" + path(fmt::format("int8_{}.npy", i))});
      reference.insert(reference.end(), {"--output", name + "=" + path(fmt::format("float_{}.npy", i))});
    }
    arco(run);
    arco(reference);
    if (HasFailure()) return;
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      const Array expected = read_npy(path(fmt::format("float_{}.npy", i)));
      const Array actual = read_npy(path(fmt::format("int8_{}.npy", i)));
      EXPECT_GT(signal_to_noise_db(expected.data<float>(), actual.data<float>()), row.signal_to_noise_db);
    }
  }
}

}  // namespace
}  // namespace arco
