// Item j (a tile and one input channel tile) obeys, as lower/conv.cc sets its tokens:
//
//   load(j)  = max(load(j-1), GEMM that last used the copies, accumulators loaded before) + transfers(j)
//   gemm(j)  = max(compute free, load(j)) + G
//   begin    = max(compute free, store of the tile two (one) before) + accumulators + ALU
//   store    = max(store free, end of the tile's epilogue) + S
//
// All operations are max and plus: if the state after a group is at least the state before plus r in every component,
// then after n groups it is at least the state plus n * r; and a module's end grows by its own work at least. So a few
// groups (or outer iterations) are followed, the least growth of any component in the last of them is r, and the rest
// is a multiplication. When the state has settled, r is exact.
//
// Most schedules worth looking at need less: where every transfer and every store hides behind a GEMM, the compute
// module's work is all there is.
#include "arco/schedule/pipeline.h"

namespace arco {

namespace {

struct State {
  Two compute;       // compute module is free
  Two load;          // load module is free
  Two gemm[3];       // end of the last GEMMs, newest first
  Two accumulators;  // end of the last load of accumulators
  Two stored[2];     // the tile of this slot is stored
  Two store;         // store module is free
};

// Work that one step of a repetition adds to each module, whatever else happens.
struct Totals {
  Two compute, load, store;
  bool loads, accumulates;
  void add(const Totals& other, double times) {
    compute += times * other.compute;
    load += times * other.load;
    store += times * other.store;
    loads |= other.loads;
    accumulates |= other.accumulates;
  }
};

Totals totals_of(const PipelineCosts& c, const GroupCosts& g) {
  Totals totals;
  totals.compute = 2 * (c.items * c.gemm + c.begin + c.end) + g.accumulators[0] + g.accumulators[1];
  totals.load = c.items * (g.load[0] + g.load[1]);
  totals.store = 2 * c.store;
  totals.loads = g.loads[0];
  totals.accumulates = g.accumulates[0];
  return totals;
}

// Least growth of the components that a step moves.
Two growth(const State& now, const State& before, const Totals& totals) {
  Two least = min(now.compute - before.compute, now.store - before.store);
  for (int i = 0; i < 3; ++i) least = min(least, now.gemm[i] - before.gemm[i]);
  for (int i = 0; i < 2; ++i) least = min(least, now.stored[i] - before.stored[i]);
  if (totals.loads) least = min(least, now.load - before.load);
  if (totals.accumulates) least = min(least, now.accumulators - before.accumulators);
  return max(least, Two{});
}

// `steps` more steps: every component grows by `each` at least, and by the work of its module.
void grow(State& s, double steps, Two each, const Totals& totals) {
  const Two compute = steps * max(each, totals.compute);
  s.compute += compute;
  for (Two& end : s.gemm) end += compute;
  for (Two& end : s.stored) end += steps * each;
  s.store += steps * max(each, totals.store);
  if (totals.accumulates) s.accumulators += steps * each;
  if (totals.loads) s.load += steps * max(each, totals.load);
}

// Two threads.
class Pipeline {
 public:
  explicit Pipeline(const PipelineCosts& costs) : c_(costs) {
    s_.compute = s_.load = s_.store = c_.ready;
    s_.gemm[0] = s_.gemm[1] = s_.gemm[2] = s_.accumulators = s_.stored[0] = s_.stored[1] = Two{};
  }

  Two run() {
    const Totals light = totals_of(c_, c_.light);
    Totals all = totals_of(c_, c_.heavy);
    if (c_.inner > 1) all.add(light, c_.inner - 1);
    pair(c_.first);
    if (compute_hides(c_.heavy) && (c_.inner <= 1 || compute_hides(c_.light))) {
      return s_.compute + (c_.inner - 1) * light.compute + (c_.outer - 1) * all.compute + c_.store;
    }
    rest_of_outer(light);
    repeat(c_.outer - 1, c_.inner > 2 ? 0 : settling(), all, [&] { outer(c_.heavy, light); });
    return max(s_.compute, s_.store);
  }

 private:
  // True if the compute module never waits: each transfer fits beside the GEMM before the one that needs it, each store
  // beside a GEMM and a begin or end of the other thread.
  bool compute_hides(const GroupCosts& g) const {
    const Two gemm = both(c_.gemm);
    return all_less_equal(g.load[0], gemm) && all_less_equal(g.load[1], gemm) &&
           all_less_equal(c_.store, gemm + min(c_.begin, c_.end));
  }

  // Groups until the state has settled: transfers run ahead by as many as the copies allow.
  int settling() const { return c_.items <= 1 ? 2 : 1; }

  // `count` times the same: `warm` of them followed, then one that shows the growth, then the rest in one step.
  template <typename Step>
  void repeat(double count, int warm, const Totals& totals, const Step& step) {
    if (count <= 0) return;
    int done = 0;
    for (; done < warm && done < count; ++done) step();
    if (done >= count) return;
    const State before = s_;
    step();
    ++done;
    if (done < count) grow(s_, count - done, growth(s_, before, totals), totals);
  }

  // The groups of one iteration of the outer loop.
  void outer(const GroupCosts& first, const Totals& light) {
    pair(first);
    rest_of_outer(light);
  }
  void rest_of_outer(const Totals& light) {
    repeat(c_.inner - 1, settling(), light, [&] { pair(c_.light); });
  }

  void begin(const GroupCosts& g, int thread) {
    Two& compute = s_.compute;
    compute = max(compute, s_.stored[thread]);
    if (g.accumulates[thread]) {
      const Two wait = max(min(s_.load - compute, c_.blocked), Two{});
      s_.accumulators = compute += wait + g.accumulators[thread];
    }
    compute += c_.begin;
  }

  void end(int thread) {
    s_.compute += c_.end;
    s_.store = max(s_.store, s_.compute) + c_.store;
    s_.stored[thread] = s_.store;
  }

  void bring(const GroupCosts& g, int thread, Two last_use) {
    if (g.loads[thread]) s_.load = max(max(s_.load, last_use), s_.accumulators) + g.load[thread];
  }

  void multiply(bool loaded) {
    if (loaded) s_.compute = max(s_.compute, s_.load);
    s_.compute += c_.gemm;
    s_.gemm[2] = s_.gemm[1];
    s_.gemm[1] = s_.gemm[0];
    s_.gemm[0] = s_.compute;
  }

  void item(const GroupCosts& g, int thread, bool first, bool last) {
    bring(g, thread, s_.gemm[g.own ? 1 : 2]);
    if (first) begin(g, thread);
    multiply(g.loads[thread]);
    if (last) end(thread);
  }

  void pair(const GroupCosts& g) {
    const bool only = c_.items <= 1;
    item(g, 0, true, only);
    item(g, 1, true, only);
    if (only) return;
    if (c_.items > 2) middle(g, c_.items - 2);
    item(g, 0, false, true);
    item(g, 1, false, true);
  }

  // n pairs of items between the first and the last: GEMMs follow each other, or transfers do, or they alternate.
  void middle(const GroupCosts& g, double n) {
    const double gemm = c_.gemm;
    const Two gemms = both(2 * gemm);
    const Two loads = g.load[0] + g.load[1];
    const Two second = g.loads[1] ? max(gemms, g.load[1] + gemm) : gemms;
    const Two first = g.own ? max(gemms, g.load[0] + gemm) : gemms;
    const Two transfers = g.loads[0] ? max(max(s_.load, s_.accumulators), s_.gemm[2]) : Two{};
    const auto second_gemm = [&](double pairs) {
      return max(max(s_.gemm[0] + pairs * second, s_.gemm[1] + pairs * first + gemm), transfers + pairs * loads + gemm);
    };
    const Two before = second_gemm(n - 1);
    const Two last = second_gemm(n);
    const Two between = max(max(before + gemm, s_.gemm[1] + n * first), transfers + n * loads - g.load[1] + gemm);
    if (g.loads[0]) s_.load = transfers + n * loads;
    if (g.loads[1]) s_.load = max(s_.load, before + g.load[1]);
    s_.gemm[2] = before;
    s_.gemm[1] = between;
    s_.gemm[0] = s_.compute = last;
  }

  const PipelineCosts& c_;
  State s_;
};

// One thread: the only copy of the operands is in use until the GEMM ends and the accumulators until they are stored,
// so a tile depends on nothing but the end of the GEMM before. From there:
//
//   |<- transfers ------------>|
//   |<- end ->|<- store ->|<- accumulators, begin ->|<- GEMM ->|<- transfers ->|<- GEMM ->| ...
//
// Cycles from the end of a tile's last GEMM to that of the next; `busy`: until the accumulators are free.
Two tile_cycles(const PipelineCosts& c, const GroupCosts& g, Two busy) {
  Two start = busy;
  if (g.accumulates[0]) start += max(min(g.load[0] - busy, c.blocked), Two{}) + g.accumulators[0];
  return max(start + c.begin, g.load[0]) + c.items * c.gemm + (c.items - 1) * g.load[0];
}

Two single_thread_cycles(const PipelineCosts& c) {
  const Two busy = c.end + c.store;
  const Two light = c.inner > 1 ? (c.inner - 1) * tile_cycles(c, c.light, busy) : Two{};
  const Two heavy = c.outer > 1 ? (c.outer - 1) * (tile_cycles(c, c.heavy, busy) + light) : Two{};
  return c.ready + tile_cycles(c, c.first, Two{}) + light + heavy + busy;
}

}  // namespace

Two pipeline_cycles(const PipelineCosts& costs) {
  return costs.threads == 1 ? single_thread_cycles(costs) : Pipeline(costs).run();
}

}  // namespace arco
