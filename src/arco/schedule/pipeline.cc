// Item j (a tile and one input channel tile) obeys, as lower/conv.cc sets its tokens:
//
//   load(j)  = max(load(j-1), GEMM that last used the copies, accumulators loaded before) + transfers(j)
//   gemm(j)  = max(compute free, load(j)) + G
//   begin    = max(compute free, store of the tile two (one) before) + accumulators + ALU
//   store    = max(store free, end of the tile's epilogue) + S
//
// All operations are max and plus: if the state after a group is at least the state before plus r in every component,
// then after n groups it is at least the state plus n * r. So one group (or outer iteration) is followed twice, the
// least growth of any component is r, and the rest is a multiplication. When the state has settled, r is exact.
#include "arco/schedule/pipeline.h"

#include <algorithm>
#include <limits>

namespace arco {

namespace {

struct State {
  double compute = 0;          // compute module is free
  double load = 0;             // load module is free
  double gemm[3] = {0, 0, 0};  // end of the last GEMMs, newest first
  double accumulators = 0;     // end of the last load of accumulators
  double stored[2] = {0, 0};   // the tile of this slot is stored
  double store = 0;            // store module is free
};

// Work that one step of a repetition adds to each module, whatever else happens.
struct Totals {
  double compute = 0, load = 0, store = 0, accumulators = 0;
};

Totals totals_of(const PipelineCosts& c, const GroupCosts& g) {
  const double accumulators = c.threads == 2 ? g.accumulators[0] + g.accumulators[1] : g.accumulators[0];
  const double load = c.threads == 2 ? g.load[0] + g.load[1] : g.load[0];
  return {c.threads * (c.items * c.gemm + c.begin + c.end) + accumulators, c.items * load, c.threads * c.store,
          accumulators};
}
Totals sum(const Totals& a, const Totals& b, double times) {
  return {a.compute + times * b.compute, a.load + times * b.load, a.store + times * b.store,
          a.accumulators + times * b.accumulators};
}

// Least growth of the components that a step moves.
double growth(const State& now, const State& before, const Totals& totals, int threads) {
  double least = std::min(now.compute - before.compute, now.store - before.store);
  for (int i = 0; i < 3; ++i) least = std::min(least, now.gemm[i] - before.gemm[i]);
  for (int i = 0; i < threads; ++i) least = std::min(least, now.stored[i] - before.stored[i]);
  if (totals.load > 0) least = std::min(least, now.load - before.load);
  if (totals.accumulators > 0) least = std::min(least, now.accumulators - before.accumulators);
  return std::max(0.0, least);
}

// `steps` more steps: every component grows by `each` at least, and by the work of its module.
void grow(State& s, double steps, double each, const Totals& totals) {
  const double compute = steps * std::max(each, totals.compute);
  s.compute += compute;
  for (double& end : s.gemm) end += compute;
  for (double& end : s.stored) end += steps * each;
  s.store += steps * std::max(each, totals.store);
  if (totals.accumulators > 0) s.accumulators += steps * each;
  if (totals.load > 0) s.load += steps * std::max(each, totals.load);
}

class Pipeline {
 public:
  explicit Pipeline(const PipelineCosts& costs) : c_(costs) { s_.compute = s_.load = s_.store = c_.ready; }

  double run() {
    const Totals light = totals_of(c_, c_.light);
    outer(c_.first, light);
    const Totals all = sum(totals_of(c_, c_.heavy), light, c_.inner - 1);
    repeat(c_.outer - 1, c_.inner > 2 ? 0 : settling(), all, [&] { outer(c_.heavy, light); });
    return std::max(s_.compute, s_.store);
  }

 private:
  // Groups until the state has settled: transfers run ahead by as many as the copies allow.
  int settling() const { return c_.items <= 1 ? 2 : 1; }

  // `count` times the same: `warm` of them followed, then one that shows the growth, then the rest in one step.
  template <typename Step>
  void repeat(double count, int warm, const Totals& totals, const Step& step) {
    State before = s_;
    int done = 0;
    for (; done <= warm && done < count; ++done) {
      before = s_;
      step();
    }
    if (done < count) grow(s_, count - done, growth(s_, before, totals, c_.threads), totals);
  }

  // The groups of one iteration of the outer loop.
  void outer(const GroupCosts& first, const Totals& light) {
    group(first);
    repeat(c_.inner - 1, settling(), light, [&] { group(c_.light); });
  }

  void group(const GroupCosts& g) { c_.threads == 1 ? single(g) : pair(g); }

  void begin(const GroupCosts& g, int thread) {
    double& compute = s_.compute;
    compute = std::max(compute, s_.stored[thread]);
    if (g.accumulators[thread] > 0) {
      const double wait = std::clamp(s_.load - compute, 0.0, c_.blocked);
      s_.accumulators = compute += wait + g.accumulators[thread];
    }
    compute += c_.begin;
  }

  void end(int thread) {
    s_.compute += c_.end;
    s_.store = std::max(s_.store, s_.compute) + c_.store;
    s_.stored[thread] = s_.store;
  }

  void bring(double transfers, double last_use) {
    if (transfers > 0) s_.load = std::max({s_.load, last_use, s_.accumulators}) + transfers;
  }

  void multiply(bool loaded) {
    if (loaded) s_.compute = std::max(s_.compute, s_.load);
    s_.compute += c_.gemm;
    s_.gemm[2] = s_.gemm[1];
    s_.gemm[1] = s_.gemm[0];
    s_.gemm[0] = s_.compute;
  }

  void single(const GroupCosts& g) {
    const double load = g.load[0];
    bring(load, s_.gemm[0]);
    begin(g, 0);
    multiply(load > 0);
    // The only copy is in use until the GEMM ends: transfer and GEMM alternate.
    const double rest = (c_.items - 1) * (load + c_.gemm);
    s_.compute += rest;
    s_.gemm[0] += rest;
    if (rest > 0) s_.load = s_.compute - c_.gemm;
    end(0);
  }

  void item(const GroupCosts& g, int thread, bool first, bool last) {
    const double load = g.load[thread];
    bring(load, g.own[thread] ? s_.gemm[1] : s_.gemm[2]);
    if (first) begin(g, thread);
    multiply(load > 0);
    if (last) end(thread);
  }

  void pair(const GroupCosts& g) {
    const double k = c_.items;
    item(g, 0, true, k <= 1);
    item(g, 1, true, k <= 1);
    if (k <= 1) return;
    if (k > 2) middle(g, k - 2);
    item(g, 0, false, true);
    item(g, 1, false, true);
  }

  // n pairs of items between the first and the last: GEMMs follow each other, or transfers do, or they alternate.
  void middle(const GroupCosts& g, double n) {
    const double gemm = c_.gemm;
    const double loads = g.load[0] + g.load[1];
    const double second = g.load[1] > 0 ? std::max(2 * gemm, g.load[1] + gemm) : 2 * gemm;
    const double first = g.own[0] ? std::max(2 * gemm, g.load[0] + gemm) : 2 * gemm;
    const double transfers = loads > 0 ? std::max({s_.load, s_.accumulators, s_.gemm[2]}) : 0;
    const auto second_gemm = [&](double pairs) {
      return std::max(
          {s_.gemm[0] + pairs * second, s_.gemm[1] + pairs * first + gemm, transfers + pairs * loads + gemm});
    };
    const double before = second_gemm(n - 1);
    const double last = second_gemm(n);
    const double middle = std::max({before + gemm, s_.gemm[1] + n * first, transfers + n * loads - g.load[1] + gemm});
    if (loads > 0) s_.load = std::max(transfers + n * loads, g.load[1] > 0 ? before + g.load[1] : 0);
    s_.gemm[2] = before;
    s_.gemm[1] = middle;
    s_.gemm[0] = s_.compute = last;
  }

  const PipelineCosts& c_;
  State s_;
};

}  // namespace

double pipeline_cycles(const PipelineCosts& costs) {
  return Pipeline(costs).run();
}

}  // namespace arco
