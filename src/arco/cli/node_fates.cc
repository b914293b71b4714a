// Nodes of the graph carry the place in the file of the node that they come from (Node::origin), through all passes and
// into the executable. A node of the file is there as long as an output depends on a graph node with its origin; the
// pass after which that ends is the one that folded or fused it away.
#include "arco/cli/node_fates.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace arco {

namespace {

bool converts_scales(const std::string& op) {
  return op == "QuantizeLinear" || op == "DequantizeLinear";
}

// What one graph node of a file's node does.
struct Part {
  std::string op;
  Place place;
};

// The parts of each node of the file, in the order of the steps.
class Parts {
 public:
  Parts(size_t count, const Executable& executable) : graph_(executable.graph), parts_(count) {
    for (const CompiledStep& step : executable.steps) {
      if (const auto* compiled = std::get_if<CompiledLayer>(&step)) {
        add_layer(compiled->layer);
      } else {
        const auto& host = std::get<HostStep>(step);
        add(host.node, {"host", host.reason});
      }
    }
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!placed_.contains(static_cast<int>(n))) {
        add(static_cast<int>(n), {"-", "moves nothing: the accelerator reads and writes its data where they lie"});
      }
    }
  }

  const std::vector<Part>& of(size_t file_node) const { return parts_[file_node]; }

 private:
  void add_layer(const AcceleratorLayer& layer) {
    // A fused addition or pooling is told by its own node, the workload by the convolution's.
    add(layer.node, {"accelerator", layer.workload.to_string()});
    if (layer.stage_node >= 0) add(layer.stage_node, {"accelerator", fmt::format("part of {}", layer.name)});
  }
  void add(int node, Place place) {
    placed_.insert(node);
    const Node& from = graph_.nodes[static_cast<size_t>(node)];
    if (from.origin < 0) return;  // conversions between float and int8
    parts_[static_cast<size_t>(from.origin)].push_back({op_name(from.op), std::move(place)});
  }

  const Graph& graph_;
  std::vector<std::vector<Part>> parts_;
  std::set<int> placed_;
};

// "Reshape, Transpose (only moves values); Round (no integer form)", or the reason alone if it is all.
std::string details(const std::vector<Part>& parts, const std::string& runs_on, bool name_parts) {
  struct Group {
    std::string detail;
    std::vector<std::string> ops;  // each once
  };
  std::vector<Group> groups;
  for (const Part& part : parts) {
    if (part.place.runs_on != runs_on) continue;
    auto group = std::ranges::find(groups, part.place.detail, &Group::detail);
    if (group == groups.end()) group = groups.insert(groups.end(), {part.place.detail, {}});
    if (std::ranges::find(group->ops, part.op) == group->ops.end()) group->ops.push_back(part.op);
  }
  std::string text;
  for (const Group& group : groups) {
    text += text.empty() ? "" : "; ";
    const bool named = name_parts || groups.size() > 1;
    text += named ? fmt::format("{} ({})", fmt::join(group.ops, ", "), group.detail) : group.detail;
  }
  return text;
}

Place place_of(const std::vector<Part>& parts) {
  const auto runs = [&](const char* where) {
    return std::ranges::any_of(parts, [&](const Part& part) { return part.place.runs_on == where; });
  };
  if (!runs("accelerator")) {
    const std::string where = runs("host") ? "host" : "-";
    return {where, details(parts, where, false)};
  }
  std::string detail;
  for (const Part& part : parts) {
    if (part.place.runs_on == "accelerator") detail += (detail.empty() ? "" : "; ") + part.place.detail;
  }
  if (runs("host")) detail += "; on the host: " + details(parts, "host", true);
  return {"accelerator", detail};
}

}  // namespace

std::vector<NodeFate> fates_of(const std::vector<ModelNode>& nodes) {
  std::vector<NodeFate> fates;
  fates.reserve(nodes.size());
  for (const ModelNode& node : nodes) fates.push_back({node.name, node.op, node.folded});
  return fates;
}

void note_pass(std::vector<NodeFate>& fates, const Graph& after, const std::string& pass) {
  const std::set<int> live = live_origins(after);
  for (size_t i = 0; i < fates.size(); ++i) {
    if (!fates[i].gone.empty() || live.contains(static_cast<int>(i))) continue;
    fates[i].gone = pass == "fold_constants" ? "folded by fold_constants: all its inputs are constant"
                                             : fmt::format("folded or fused away by {}", pass);
  }
}

void note_brought_scales(std::vector<NodeFate>& fates, const Graph& after) {
  std::set<int> computes;
  for (const Node& node : after.nodes) {
    if (!std::holds_alternative<Identity>(node.op)) computes.insert(node.origin);
  }
  const std::set<int> live = live_origins(after);
  for (size_t i = 0; i < fates.size(); ++i) {
    const auto origin = static_cast<int>(i);
    const bool stays = live.contains(origin) && computes.contains(origin);
    if (fates[i].gone.empty() && converts_scales(fates[i].op) && !stays) {
      fates[i].gone = "its scale and zero point became those of its tensor";
    }
  }
}

std::vector<Place> places_of(const std::vector<NodeFate>& fates, const Executable& executable) {
  const Parts parts(fates.size(), executable);
  std::vector<Place> places;
  for (size_t i = 0; i < fates.size(); ++i) {
    places.push_back(fates[i].gone.empty() ? place_of(parts.of(i)) : Place{"-", fates[i].gone});
  }
  return places;
}

}  // namespace arco
