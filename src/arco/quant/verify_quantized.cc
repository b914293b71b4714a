#include "arco/quant/verify_quantized.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"
#include "arco/graph/difference.h"
#include "arco/quant/report.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

// More would cost time without telling more.
constexpr size_t kMostSets = 4;

size_t largest_error(std::span<const float> expected, std::span<const float> actual) {
  size_t at = 0;
  const auto error = [&](size_t i) { return std::abs(static_cast<double>(expected[i]) - actual[i]); };
  for (size_t i = 1; i < expected.size(); ++i) {
    if (error(i) > error(at)) at = i;
  }
  return at;
}

}  // namespace

void verify_quantized(const Graph& float_graph, const Graph& quantized, const std::vector<std::vector<Array>>& sets,
                      double lowest_db) {
  const std::vector<std::vector<Array>> some(
      sets.begin(), sets.begin() + static_cast<std::ptrdiff_t>(std::min(kMostSets, sets.size())));
  const std::vector<TensorNoise> report = compare_quantized(float_graph, quantized, some);
  const auto low = std::find_if(report.begin(), report.end(),
                                [&](const TensorNoise& line) { return line.signal_to_noise_db < lowest_db; });
  for (const TensorId id : float_graph.outputs) {
    const std::string& name = float_graph.tensor(id).name;
    const auto output =
        std::find_if(report.begin(), report.end(), [&](const TensorNoise& line) { return line.tensor == name; });
    if (output == report.end() || !(output->signal_to_noise_db < lowest_db)) continue;
    const size_t index = static_cast<size_t>(std::find(float_graph.outputs.begin(), float_graph.outputs.end(), id) -
                                             float_graph.outputs.begin());
    const Array expected = run_reference(float_graph, some.at(0)).at(index);
    const Array actual = run_reference(quantized, some.at(0)).at(index);
    const size_t at = largest_error(expected.data<float>(), actual.data<float>());
    throw RunError(fmt::format(
        "quantisation: output '{}' keeps {:.1f} dB of signal to noise, expected at least {} dB; its largest error is "
        "at "
        "{}: {} in float, {} in int8; the first tensor so low is '{}' of node '{}' ({:.1f} dB); calibrate with typical "
        "inputs (--calibrate)",
        name, output->signal_to_noise_db, lowest_db, position_text(static_cast<int64_t>(at), expected.shape()),
        expected.data<float>()[at], actual.data<float>()[at], low->tensor, low->node, low->signal_to_noise_db));
  }
}

}  // namespace arco
