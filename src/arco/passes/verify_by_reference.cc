// Passes change the order of float additions, so outputs are compared within a tolerance that scales with the output.
#include <cmath>
#include <memory>

#include "arco/base/error.h"
#include "arco/base/random.h"
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

void compare(const Array& before, const Array& after, double tolerance, const std::string& output,
             const std::string& pass) {
  ARCO_CHECK(before.type() == after.type() && before.shape() == after.shape(),
             "pass {} turns output '{}' from {} {} into {} {}", pass, output, to_string(before.type()),
             to_string(before.shape()), to_string(after.type()), to_string(after.shape()));
  if (before.type() != DataType::kFloat32) return;
  const auto a = before.data<float>();
  const auto b = after.data<float>();
  double largest = 0;
  for (const float value : a) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  for (size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = std::isnan(a[i]) && std::isnan(b[i]);
    const bool close = a[i] == b[i] || std::abs(static_cast<double>(a[i]) - b[i]) <= tolerance * largest;
    ARCO_CHECK(both_nan || close, "pass {} changes output '{}' at position {} from {} to {}", pass, output, i, a[i],
               b[i]);
  }
}

}  // namespace

PassVerifier verify_by_reference(uint64_t seed, double tolerance) {
  // Outputs of the last graph seen: the graph after one pass is the graph before the next.
  auto last = std::make_shared<std::vector<Array>>();
  return [=](const Graph& before, const Graph& after, const std::string& pass) {
    if (last->empty()) *last = run_reference(before, random_inputs(before, seed));
    auto outputs = run_reference(after, random_inputs(after, seed));
    ARCO_CHECK(outputs.size() == last->size(), "pass {} changes the number of outputs", pass);
    for (size_t i = 0; i < outputs.size(); ++i) {
      compare((*last)[i], outputs[i], tolerance, after.tensor(after.outputs[i]).name, pass);
    }
    *last = std::move(outputs);
  };
}

}  // namespace arco
