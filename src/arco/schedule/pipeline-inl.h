// How long the load, compute and store modules take together for a walk over tiles. Item j (a tile and one input
// channel tile) obeys, as lower/conv.cc sets its tokens:
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
#if defined(ARCO_SCHEDULE_PIPELINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ARCO_SCHEDULE_PIPELINE_INL_H_
#undef ARCO_SCHEDULE_PIPELINE_INL_H_
#else
#define ARCO_SCHEDULE_PIPELINE_INL_H_
#endif

#include "arco/schedule/lanes-inl.h"
#include "arco/schedule/schedule_model.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {

// One group of tiles: one tile per virtual thread. Cycles.
struct GroupCosts {
  // Per thread: transfers before each GEMM of the tile, 0 without any.
  Pair load[2];
  Mask loads;  // there are any
  Mask own;    // both threads load an operand that only they use
  // Per thread: loads of accumulators (bias, residual) before the first GEMM, and whether there are any.
  Pair accumulators[2];
  Mask accumulates[2];
};

struct PipelineCosts {
  Lanes items;       // GEMMs a tile (input channel tiles)
  Lanes gemm;        // one GEMM
  Pair begin;        // ALU work before a tile's first GEMM
  Pair end;          // and after its last
  Pair store;        // of a tile
  Pair blocked;      // what a load of accumulators waits for a transfer in progress
  Pair ready;        // when the first instructions of load and compute may start
  Lanes outer;       // iterations of the outer loop over groups
  Lanes inner;       // groups in each
  GroupCosts first;  // the very first group
  GroupCosts heavy;  // the first group of an outer iteration
  GroupCosts light;  // the others
};

// Two threads; kSide: which of the two numbers of each cost counts.
//
// An item without transfers goes through the same operations as one with: waiting for the copies costs nothing then,
// because whoever needs them later waits for as much, and the end of the last transfer lies before the GEMM that needed
// it.
template <Lanes Pair::*kSide, bool kOneItem>
class Pipeline {
 public:
  explicit Pipeline(const PipelineCosts& costs)
      : items_(costs.items),
        gemm_(costs.gemm),
        begin_(costs.begin.*kSide),
        end_(costs.end.*kSide),
        store_(costs.store.*kSide),
        c_(costs) {
    s_.compute = s_.load = s_.store = c_.ready.*kSide;
    s_.gemm[0] = s_.gemm[1] = s_.gemm[2] = s_.accumulators = s_.stored[0] = s_.stored[1] = Lanes{};
  }

  // Cycle in which compute and store have finished.
  Lanes run() {
    const Group light = group(c_.light), heavy = group(c_.heavy);
    Totals all = heavy.totals;
    all.add(light.totals, c_.inner - 1);
    pair(group(c_.first));
    const Mask hides = compute_hides(heavy) & ((c_.inner <= 1) | compute_hides(light));
    const Lanes computing = s_.compute + (c_.inner - 1) * light.totals.compute + (c_.outer - 1) * all.compute + store_;
    if (!any(~hides)) return computing;
    rest_of_outer(light);
    repeat(c_.outer - 1, select(c_.inner > 2, Lanes{}, same(kSettling)), all, [&] {
      pair(heavy);
      rest_of_outer(light);
    });
    return select(hides, computing, max(s_.compute, s_.store));
  }

 private:
  struct State {
    Lanes compute;       // compute module is free
    Lanes load;          // load module is free
    Lanes gemm[3];       // end of the last GEMMs, newest first
    Lanes accumulators;  // end of the last load of accumulators
    Lanes stored[2];     // the tile of this slot is stored
    Lanes store;         // store module is free
  };

  // Work that one step of a repetition adds to each module, whatever else happens.
  struct Totals {
    Lanes compute, load, store;
    Mask loads, accumulates;
    void add(const Totals& other, Lanes times) {
      compute += times * other.compute;
      load += times * other.load;
      store += times * other.store;
      loads |= (times > 0) & other.loads;
      accumulates |= (times > 0) & other.accumulates;
    }
  };

  // GroupCosts, and what follows from them whatever the state.
  struct Group {
    Lanes load[2], accumulators[2], blocked[2];
    Mask own;
    Mask accumulates[2];
    Lanes first, second, loads;  // of a pair of items in the middle of a tile
    Totals totals;
  };

  // Groups until the state has settled: transfers run ahead by as many as the copies allow.
  static constexpr double kSettling = kOneItem ? 2 : 1;

  HWY_INLINE Group group(const GroupCosts& c) const {
    Group g;
    for (int i = 0; i < 2; ++i) {
      g.load[i] = c.load[i].*kSide;
      g.accumulators[i] = c.accumulators[i].*kSide;
      g.blocked[i] = only_if(c.accumulates[i], c_.blocked.*kSide);
      g.accumulates[i] = c.accumulates[i];
    }
    g.own = c.own;
    g.loads = g.load[0] + g.load[1];
    if (!kOneItem) {
      const Lanes gemms = 2 * gemm_;
      g.second = max(gemms, g.load[1] + gemm_);
      g.first = select(g.own, max(gemms, g.load[0] + gemm_), gemms);
    }
    g.totals.compute = 2 * (items_ * gemm_ + begin_ + end_) + g.accumulators[0] + g.accumulators[1];
    g.totals.load = items_ * g.loads;
    g.totals.store = 2 * store_;
    g.totals.loads = c.loads;
    g.totals.accumulates = g.accumulates[0];
    return g;
  }

  // True if the compute module never waits: each transfer fits beside the GEMM before the one that needs it, each store
  // beside a GEMM and a begin or end of the other thread.
  Mask compute_hides(const Group& g) const {
    return (g.load[0] <= gemm_) & (g.load[1] <= gemm_) & (store_ <= gemm_ + min(begin_, end_));
  }

  static HWY_INLINE State select_state(Mask mask, const State& a, const State& b) {
    if (!any(~mask)) return a;
    State s;
    s.compute = select(mask, a.compute, b.compute);
    s.load = select(mask, a.load, b.load);
    for (int i = 0; i < 3; ++i) s.gemm[i] = select(mask, a.gemm[i], b.gemm[i]);
    s.accumulators = select(mask, a.accumulators, b.accumulators);
    for (int i = 0; i < 2; ++i) s.stored[i] = select(mask, a.stored[i], b.stored[i]);
    s.store = select(mask, a.store, b.store);
    return s;
  }

  // Least growth of the components that a step moves.
  static HWY_INLINE Lanes growth(const State& now, const State& before, const Totals& totals) {
    Lanes least = min(now.compute - before.compute, now.store - before.store);
    for (int i = 0; i < 3; ++i) least = min(least, now.gemm[i] - before.gemm[i]);
    for (int i = 0; i < 2; ++i) least = min(least, now.stored[i] - before.stored[i]);
    least = select(totals.loads, min(least, now.load - before.load), least);
    least = select(totals.accumulates, min(least, now.accumulators - before.accumulators), least);
    return max(least, Lanes{});
  }

  // `steps` more steps: every component grows by `each` at least, and by the work of its module.
  static HWY_INLINE State grown(State s, Lanes steps, Lanes each, const Totals& totals) {
    const Lanes compute = steps * max(each, totals.compute);
    s.compute += compute;
    for (Lanes& end : s.gemm) end += compute;
    for (Lanes& end : s.stored) end += steps * each;
    s.store += steps * max(each, totals.store);
    s.accumulators += only_if(totals.accumulates, steps * each);
    s.load += only_if(totals.loads, steps * max(each, totals.load));
    return s;
  }

  // `count` times the same: `warm` of them followed, then one that shows the growth, then the rest in one step.
  template <typename Step>
  HWY_INLINE void repeat(Lanes count, Lanes warm, const Totals& totals, const Step& step) {
    Mask open = count > 0;
    for (double done = 0; any(open); ++done) {
      const State before = s_;
      step();
      s_ = select_state(open, s_, before);
      const Mask shown = open & (warm <= done);
      if (any(shown)) {
        const Lanes rest = max(count - (done + 1), Lanes{});
        s_ = select_state(shown, grown(s_, rest, growth(s_, before, totals), totals), s_);
      }
      open &= ~shown & (count > done + 1);
    }
  }

  HWY_INLINE void rest_of_outer(const Group& light) {
    repeat(c_.inner - 1, same(kSettling), light.totals, [&] { pair(light); });
  }

  HWY_INLINE void begin(const Group& g, int thread) {
    s_.compute = max(s_.compute, s_.stored[thread]);
    const Lanes wait = max(min(s_.load - s_.compute, g.blocked[thread]), Lanes{});
    s_.compute += wait + g.accumulators[thread];
    s_.accumulators = select(g.accumulates[thread], s_.compute, s_.accumulators);
    s_.compute += begin_;
  }

  HWY_INLINE void end(int thread) {
    s_.compute += end_;
    s_.store = max(s_.store, s_.compute) + store_;
    s_.stored[thread] = s_.store;
  }

  HWY_INLINE void item(const Group& g, int thread, bool first, bool last) {
    const Lanes last_use = select(g.own, s_.gemm[1], s_.gemm[2]);
    s_.load = max(max(s_.load, last_use), s_.accumulators) + g.load[thread];
    if (first) begin(g, thread);
    s_.compute = max(s_.compute, s_.load) + gemm_;
    s_.gemm[2] = s_.gemm[1];
    s_.gemm[1] = s_.gemm[0];
    s_.gemm[0] = s_.compute;
    if (last) end(thread);
  }

  HWY_INLINE void pair(const Group& g) {
    item(g, 0, true, kOneItem);
    item(g, 1, true, kOneItem);
    if (kOneItem) return;
    middle(g, items_ - 2);
    item(g, 0, false, true);
    item(g, 1, false, true);
  }

  // n pairs of items between the first and the last: GEMMs follow each other, or transfers do, or they alternate.
  HWY_INLINE void middle(const Group& g, Lanes n) {
    const Lanes transfers = max(max(s_.load, s_.accumulators), s_.gemm[2]);
    const auto second_gemm = [&](Lanes pairs) {
      return max(max(s_.gemm[0] + pairs * g.second, s_.gemm[1] + pairs * g.first + gemm_),
                 transfers + pairs * g.loads + gemm_);
    };
    const Lanes before = second_gemm(n - 1);
    const Lanes last = second_gemm(n);
    const Lanes between =
        max(max(before + gemm_, s_.gemm[1] + n * g.first), transfers + n * g.loads - g.load[1] + gemm_);
    const Mask some = n > 0;
    s_.load = select(some, max(transfers + n * g.loads, before + g.load[1]), s_.load);
    s_.gemm[2] = select(some, before, s_.gemm[2]);
    s_.gemm[1] = select(some, between, s_.gemm[1]);
    s_.gemm[0] = select(some, last, s_.gemm[0]);
    s_.compute = select(some, last, s_.compute);
  }

  const Lanes items_, gemm_, begin_, end_, store_;
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
template <Lanes Pair::*kSide>
Lanes tile_cycles(const PipelineCosts& c, const GroupCosts& g, Lanes busy) {
  const Lanes load = g.load[0].*kSide;
  const Lanes wait = max(min(load - busy, c.blocked.*kSide), Lanes{});
  const Lanes start = busy + only_if(g.accumulates[0], wait + g.accumulators[0].*kSide);
  return max(start + c.begin.*kSide, load) + c.items * c.gemm + (c.items - 1) * load;
}

template <Lanes Pair::*kSide>
Lanes single_thread_cycles(const PipelineCosts& c) {
  const Lanes busy = c.end.*kSide + c.store.*kSide;
  const Lanes light = (c.inner - 1) * tile_cycles<kSide>(c, c.light, busy);
  const Lanes heavy = (c.outer - 1) * (tile_cycles<kSide>(c, c.heavy, busy) + light);
  return c.ready.*kSide + tile_cycles<kSide>(c, c.first, Lanes{}) + light + heavy + busy;
}

// Cycle in which compute and store have finished: at least, or on average, as the costs are. All lanes are of `kind`.
template <Lanes Pair::*kSide>
Lanes pipeline_end(const PipelineCosts& costs, PipelineKind kind) {
  if (kind == PipelineKind::kOneThread) return single_thread_cycles<kSide>(costs);
  if (kind == PipelineKind::kOneItem) return Pipeline<kSide, true>(costs).run();
  return Pipeline<kSide, false>(costs).run();
}

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#endif  // ARCO_SCHEDULE_PIPELINE_INL_H_
