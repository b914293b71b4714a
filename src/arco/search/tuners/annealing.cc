// Each chain moves one knob at a time and takes the step with probability exp(-(new - old) / T), costs in log2(cycles),
// T halving with the measurements (Kirkpatrick et al., 1983). A step onto a measured configuration is decided from
// memory and costs nothing.
#include "arco/search/tuners/annealing.h"

#include <cmath>
#include <unordered_map>

#include "arco/search/history.h"

namespace arco {
namespace {

class AnnealingTuner : public Tuner {
 public:
  AnnealingTuner(const SearchSpace& space, const AnnealingOptions& options, uint64_t seed)
      : space_(space), options_(options), random_(seed), history_(space), chains_(options.chains) {}

  std::vector<uint64_t> ask(size_t count) override {
    std::vector<uint64_t> asked;
    while (asked.size() < count) {
      const auto index = propose(chains_[turn_]);
      if (!index) break;
      history_.mark_asked(*index);
      owner_[*index] = turn_;
      asked.push_back(*index);
      turn_ = (turn_ + 1) % chains_.size();
    }
    return asked;
  }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) {
      if (!history_.tell(m) || m.status != MeasureStatus::kOk) continue;
      const auto owner = owner_.find(m.index);
      // Results nobody asked for, as a resumed run tells them, are dealt out to the chains.
      decide(chains_[owner != owner_.end() ? owner->second : history_.ok_count() % chains_.size()], m);
    }
  }

 private:
  struct Chain {
    Choice at;  // empty: not placed yet
    double cost = 0;
  };

  // The chain's next configuration to measure; empty if the space has nothing left.
  std::optional<uint64_t> propose(Chain& chain) {
    for (int i = 0; !chain.at.empty() && i < options_.patience; ++i) {
      Choice candidate = chain.at;
      const size_t knob = random_.below(candidate.size());
      candidate[knob] = static_cast<int>(random_.below(space_.knobs()[knob].values.size()));
      const uint64_t index = space_.encode(candidate);
      if (!history_.visited(index)) {
        if (!options_.legal_only || space_.legal(candidate)) return index;
      } else if (const Measurement* known = history_.find(index); known && known->status == MeasureStatus::kOk) {
        decide(chain, *known);
      }
    }
    chain.at.clear();
    return history_.draw_unvisited(random_, options_.legal_only);
  }

  void decide(Chain& chain, const Measurement& measured) {
    const double cost = std::log2(measured.cost);
    const double temperature =
        options_.temperature * std::exp2(-static_cast<double>(history_.results().size()) / options_.half_life);
    const bool take = chain.at.empty() || cost <= chain.cost ||
                      random_.uniform() < std::exp((chain.cost - cost) / (temperature + 1e-9));
    if (!take) return;
    chain.at = space_.decode(measured.index);
    chain.cost = cost;
  }

  const SearchSpace& space_;
  AnnealingOptions options_;
  Random random_;
  History history_;
  std::vector<Chain> chains_;
  std::unordered_map<uint64_t, size_t> owner_;  // the chain that asked
  size_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Tuner> make_annealing(const SearchSpace& space, const AnnealingOptions& options, uint64_t seed) {
  return std::make_unique<AnnealingTuner>(space, options, seed);
}

}  // namespace arco
