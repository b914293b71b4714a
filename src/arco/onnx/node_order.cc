// Kahn's algorithm with a queue ordered by position in the file, so that a sorted file keeps its order.
#include "arco/onnx/node_order.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "arco/onnx/model_reader.h"

namespace arco {
namespace {

// From tensor name to the index of the node that makes it.
std::unordered_map<std::string, int> find_producers(const onnx::GraphProto& graph,
                                                    const std::unordered_map<std::string, int>& defined,
                                                    ErrorList& errors) {
  std::unordered_map<std::string, int> producer;
  for (int n = 0; n < graph.node_size(); ++n) {
    for (const std::string& output : graph.node(n).output()) {
      if (output.empty()) continue;
      if (defined.contains(output)) {
        errors.add("node '{}' makes '{}', which is already a graph input or initializer", node_label(graph.node(n), n),
                   printable(output));
      } else if (!producer.emplace(output, n).second) {
        errors.add("nodes '{}' and '{}' both make '{}'", node_label(graph.node(producer[output]), producer[output]),
                   node_label(graph.node(n), n), printable(output));
      }
    }
  }
  return producer;
}

// Everything that a node could read, sorted.
std::vector<std::string> names_of(const std::unordered_map<std::string, int>& defined,
                                  const std::unordered_map<std::string, int>& producer) {
  std::vector<std::string> names;
  for (const auto* map : {&defined, &producer}) {
    for (const auto& [name, count] : *map) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Names one cycle among the nodes that could not be ordered: going from node to unfinished producer must come back.
void report_cycle(const onnx::GraphProto& graph, const std::unordered_map<std::string, int>& producer,
                  const std::vector<int>& missing, ErrorList& errors) {
  int at = 0;
  while (missing[static_cast<size_t>(at)] == 0) ++at;
  std::vector<int> path;
  std::vector<bool> seen(missing.size(), false);
  while (!seen[static_cast<size_t>(at)]) {
    seen[static_cast<size_t>(at)] = true;
    path.push_back(at);
    for (const std::string& input : graph.node(at).input()) {
      const auto found = producer.find(input);
      if (found != producer.end() && missing[static_cast<size_t>(found->second)] > 0) {
        at = found->second;
        break;
      }
    }
  }
  // The path was walked against the data's way, so the cycle reads from its end back to `at`.
  constexpr size_t kMostNames = 8;
  std::string text = fmt::format("'{}'", node_label(graph.node(at), at));
  for (size_t i = path.size(), names = 1; i-- > 0; ++names) {
    text += names > kMostNames ? " -> ..." : fmt::format(" -> '{}'", node_label(graph.node(path[i]), path[i]));
    if (path[i] == at || names > kMostNames) break;
  }
  errors.add("the nodes depend on each other in a cycle: {}", text);
}

}  // namespace

std::string node_label(const onnx::NodeProto& node, int index) {
  return node.name().empty() ? fmt::format("{}_{}", printable(node.op_type()), index) : printable(node.name());
}

std::vector<int> order_nodes(const onnx::GraphProto& graph, const std::unordered_map<std::string, int>& defined,
                             ErrorList& errors) {
  const auto producer = find_producers(graph, defined, errors);
  const std::vector<std::string> names = names_of(defined, producer);
  const auto count = static_cast<size_t>(graph.node_size());
  std::vector<int> missing(count, 0);  // inputs whose producers are not yet ordered
  std::vector<std::vector<int>> readers(count);
  for (int n = 0; n < graph.node_size(); ++n) {
    for (const std::string& input : graph.node(n).input()) {
      if (input.empty() || defined.contains(input)) continue;
      const auto found = producer.find(input);
      if (found == producer.end()) {
        errors.add("node '{}' reads '{}', which nothing in the graph defines{}", node_label(graph.node(n), n),
                   printable(input), did_you_mean(errors, input, names));
        continue;
      }
      ++missing[static_cast<size_t>(n)];
      readers[static_cast<size_t>(found->second)].push_back(n);
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t n = 0; n < count; ++n) {
    if (missing[n] == 0) ready.push(static_cast<int>(n));
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int n = ready.top();
    ready.pop();
    order.push_back(n);
    for (const int reader : readers[static_cast<size_t>(n)]) {
      if (--missing[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  if (order.size() < count) report_cycle(graph, producer, missing, errors);
  return order;
}

}  // namespace arco
