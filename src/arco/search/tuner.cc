// The loop of every search:
//
//     tell(known) --> ask --> measure --> tell --+
//                      ^                         |   until trials are used up, nothing is left to ask,
//                      +-------------------------+   the optimum is proven, or Ctrl-C
#include "arco/search/tuner.h"

#include <algorithm>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/stopwatch.h"

namespace arco {
namespace {

// Adds the time that `work` takes to `seconds`.
template <typename Work>
auto timed(double& seconds, const Work& work) {
  const Stopwatch stopwatch(seconds);
  return work();
}

// `seconds`: what measuring them took, shared among them as the time of each by itself.
void append(TuneResult& result, const std::vector<Measurement>& measured, double seconds = 0) {
  double all = 0, until = 0;
  for (const Measurement& m : measured) all += m.wall_seconds;
  for (const Measurement& m : measured) {
    until += all > 0 ? m.wall_seconds / all : 1.0 / static_cast<double>(measured.size());
    result.history.push_back(m);
    result.elapsed.push_back({result.measure_seconds + until * seconds, result.search_seconds});
    if (m.status != MeasureStatus::kOk) continue;
    if (result.best.status != MeasureStatus::kOk || m.cost < result.best.cost) result.best = m;
  }
}

}  // namespace

TuneResult run_tuner(Tuner& tuner, const Measurer& measure, size_t trials, size_t batch,
                     const std::vector<Measurement>& known) {
  ARCO_CHECK(batch >= 1, "a batch needs at least one configuration");
  TuneResult result;
  result.best.status = MeasureStatus::kIllegal;
  result.best.why = "no legal configuration was measured";
  append(result, known);
  if (!known.empty()) timed(result.search_seconds, [&] { tuner.tell(known); });

  while (result.history.size() < trials && !interrupted()) {
    const size_t count = std::min(batch, trials - result.history.size());
    const auto asked = timed(result.search_seconds, [&] { return tuner.ask(count); });
    ARCO_CHECK(asked.size() <= count, "a tuner asked for {} configurations instead of {}", asked.size(), count);
    if (asked.empty()) break;
    double seconds = 0;
    const auto measured = timed(seconds, [&] { return measure(asked); });
    // An interrupted measurer may return early with the first of them.
    ARCO_CHECK(measured.size() == asked.size() || (interrupted() && measured.size() < asked.size()),
               "{} measurements of {} configurations", measured.size(), asked.size());
    append(result, measured, seconds);
    result.measure_seconds += seconds;
    timed(result.search_seconds, [&] { tuner.tell(measured); });
    if (tuner.proved_optimal()) break;
  }
  result.fit_seconds = tuner.fit_seconds();
  result.proved_optimal = tuner.proved_optimal();
  result.proven_bound = tuner.proven_bound();
  return result;
}

}  // namespace arco
