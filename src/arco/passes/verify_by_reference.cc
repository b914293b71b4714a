// Passes change the order of float additions, so outputs are compared within a tolerance that scales with the output.
// Once an output is wrong, both graphs run again to find the first tensor that they still share and that differs: it
// lies nearest to the mistake.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/graph/difference.h"
#include "arco/graph/serialize.h"
#include "arco/passes/pass_manager.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

std::vector<Array> random_inputs(const Graph& graph, uint64_t seed) {
  std::vector<Array> inputs;
  for (const TensorId id : graph.inputs) {
    const Tensor& tensor = graph.tensor(id);
    Array array(tensor.type, tensor.shape);
    if (tensor.type == DataType::kFloat32) {
      Random random = Random(seed).fork(inputs.size());
      for (float& value : array.mutable_data<float>()) value = static_cast<float>(random.normal());
    }
    inputs.push_back(std::move(array));
  }
  return inputs;
}

bool same_kind(const Array& a, const Array& b) {
  return a.type() == b.type() && a.shape() == b.shape();
}

// "tensor 'y' at [0, 1]: ..." of the first result of `after` that `before` has under the same name with another value.
std::string first_wrong_tensor(const Graph& before, const Graph& after, uint64_t seed, double tolerance) {
  std::map<std::string, Array> known;
  run_reference(before, random_inputs(before, seed),
                [&](TensorId id, const Array& value) { known[before.tensor(id).name] = value; });
  std::string first;
  run_reference(after, random_inputs(after, seed), [&](TensorId id, const Array& value) {
    const auto found = known.find(after.tensor(id).name);
    if (!first.empty() || found == known.end() || !same_kind(found->second, value)) return;
    const auto difference = first_difference(found->second, value, tolerance);
    if (difference) first = fmt::format("tensor '{}' at {}", after.tensor(id).name, difference->to_string());
  });
  return first;
}

// Whether both compute the same by construction. Constants are the same if they share their bytes: cheap to see, and
// all that a pass leaves alone do.
bool is_unchanged(const Graph& before, const Graph& after) {
  const auto bytes_of = [](const Tensor& tensor) {
    return tensor.constant ? tensor.constant->bytes().data() : nullptr;
  };
  const auto shares = [&](const Tensor& a, const Tensor& b) { return bytes_of(a) == bytes_of(b); };
  if (!std::ranges::equal(before.tensors, after.tensors, shares)) return false;
  const auto text = [](Graph graph) {
    for (Tensor& tensor : graph.tensors) tensor.constant.reset();
    std::vector<uint8_t> no_constants;
    return serialize(graph, no_constants).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  return text(before) == text(after);
}

}  // namespace

PassVerifier verify_by_reference(uint64_t seed, double tolerance) {
  // Outputs of the last graph seen: the graph after one pass is the graph before the next.
  auto last = std::make_shared<std::vector<Array>>();
  return [=](const Graph& before, const Graph& after, const std::string& pass) {
    if (is_unchanged(before, after)) return;
    if (last->empty()) *last = run_reference(before, random_inputs(before, seed));
    auto outputs = run_reference(after, random_inputs(after, seed));
    ARCO_CHECK(outputs.size() == last->size(), "pass {} changes the number of outputs", pass);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const std::string& output = after.tensor(after.outputs[i]).name;
      const Array& expected = (*last)[i];
      if (!same_kind(expected, outputs[i])) {
        throw InternalError(fmt::format("pass {} turns output '{}' from {} {} into {} {}", pass, output,
                                        to_string(expected.type()), to_string(expected.shape()),
                                        to_string(outputs[i].type()), to_string(outputs[i].shape())));
      }
      const auto difference = first_difference(expected, outputs[i], tolerance);
      if (!difference) continue;
      throw InternalError(fmt::format("pass {} changes output '{}' at {}; the first tensor that is wrong: {}", pass,
                                      output, difference->to_string(),
                                      first_wrong_tensor(before, after, seed, tolerance)));
    }
    *last = std::move(outputs);
  };
}

}  // namespace arco
