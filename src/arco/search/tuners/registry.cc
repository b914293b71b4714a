// One row per tuner; the options struct of a row says which options there are.
#include "arco/search/tuners/registry.h"

#include <functional>

#include "arco/base/error.h"
#include "arco/search/tuners/annealing.h"
#include "arco/search/tuners/arco.h"
#include "arco/search/tuners/autotvm.h"
#include "arco/search/tuners/bayesian.h"
#include "arco/search/tuners/chameleon.h"
#include "arco/search/tuners/exhaustive.h"
#include "arco/search/tuners/genetic.h"
#include "arco/search/tuners/options.h"
#include "arco/search/tuners/random.h"

namespace arco {
namespace {

struct Entry {
  TunerInfo info;
  std::function<nlohmann::json(const nlohmann::json&)> resolve;
  std::function<std::unique_ptr<Tuner>(const SearchSpace&, const nlohmann::json&, uint64_t)> make;
};

// `make` is called with (space, options, seed).
template <typename Options, typename Make>
Entry entry(const std::string& name, const std::string& summary, const Make& make) {
  const auto read = [name](const nlohmann::json& overrides) {
    return options_from_json<Options>(overrides, fmt::format("options of tuner {}", name));
  };
  return {{name, summary, options_to_json(Options{})},
          [read](const nlohmann::json& overrides) { return options_to_json(read(overrides)); },
          [read, make](const SearchSpace& space, const nlohmann::json& overrides, uint64_t seed) {
            return make(space, read(overrides), seed);
          }};
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      entry<ArcoOptions>("arco", "three cooperating agents, confidence sampling, closed forms as prior and proof",
                         make_arco),
      entry<ArcoPaperOptions>("arco-paper", "the same with the paper's values as far as known (recalled, not re-read)",
                              make_arco),
      entry<AutoTvmOptions>("autotvm", "boosted trees that rank, simulated annealing over them", make_autotvm),
      entry<ChameleonOptions>("chameleon", "PPO exploration of trees, adaptive sampling (values of the released code)",
                              make_chameleon),
      entry<ChameleonPaperOptions>("chameleon-paper", "the same with the paper's values (recalled, not re-read)",
                                   make_chameleon),
      entry<GeneticOptions>("genetic", "genetic algorithm on measurements", make_genetic),
      entry<AnnealingOptions>("annealing", "simulated annealing on measurements", make_annealing),
      entry<RandomOptions>("random", "uniform sampling without repetition", make_random),
      entry<BayesianOptions>("bayesian", "tree ensemble with expected improvement", make_bayesian),
      entry<ExhaustiveOptions>("exhaustive", "branch and bound, ends with a proof",
                               [](const SearchSpace& space, const ExhaustiveOptions& options, uint64_t) {
                                 return make_exhaustive(space, options);
                               }),
  };
  return all;
}

const Entry& find_entry(const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& candidate : entries()) {
    if (candidate.info.name == name) return candidate;
    names.push_back(candidate.info.name);
  }
  const std::string nearest = nearest_word(name, names);
  fail_user("There is no tuner \"{}\"{}. Tuners are: {}.", name,
            nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest), fmt::join(names, ", "));
}

}  // namespace

namespace internal {

void report_unknown_options(const nlohmann::json& given, const nlohmann::json& known, ErrorList& errors) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known.items()) names.push_back(name);
  for (const auto& [name, value] : given.items()) {
    const std::string nearest = nearest_word(name, names);
    errors.add("unknown option \"{}\"; {}", name,
               nearest.empty() ? fmt::format("options are: {}", fmt::join(names, ", "))
                               : fmt::format("did you mean \"{}\"?", nearest));
  }
}

}  // namespace internal

std::vector<TunerInfo> tuner_infos() {
  std::vector<TunerInfo> infos;
  for (const Entry& candidate : entries()) infos.push_back(candidate.info);
  return infos;
}

nlohmann::json resolve_options(const std::string& name, const nlohmann::json& overrides) {
  return find_entry(name).resolve(overrides);
}

std::unique_ptr<Tuner> make_tuner(const std::string& name, const SearchSpace& space, const nlohmann::json& overrides,
                                  uint64_t seed) {
  return find_entry(name).make(space, overrides, seed);
}

}  // namespace arco
