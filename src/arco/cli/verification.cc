#include "arco/cli/verification.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <array>
#include <sstream>

#include "arco/base/error.h"
#include "arco/quant/calibrate.h"
#include "arco/runtime/run.h"

namespace arco {

namespace {

struct Step {
  const char* name;
  bool Verification::*member;
  const char* result;
};
constexpr std::array<Step, 3> kSteps{{
    {"passes", &Verification::passes, "every graph pass keeps the outputs, and quantisation the signal"},
    {"layers", &Verification::layers, "every accelerator layer equals the reference to the bit"},
    {"final", &Verification::final, "the outputs of the program equal the reference to the bit"},
}};

void turn_on(Verification& verification, const std::string& word) {
  const bool all = word == "true";  // what CLI11 makes of --verify alone
  std::vector<std::string> names;
  for (const auto& [name, member, result] : kSteps) {
    names.emplace_back(name);
    if (all || word == name) verification.*member = true;
    if (word == name) return;
  }
  if (all) return;
  const std::string nearest = nearest_word(word, names);
  fail_user("--verify={}: there is no such step{}; give some of {} (--verify=passes,layers), or --verify for all", word,
            nearest.empty() ? "" : ", did you mean " + nearest + "?", fmt::join(names, ", "));
}

}  // namespace

std::vector<std::string> Verification::names() const {
  std::vector<std::string> names;
  for (const auto& [name, member, result] : kSteps) {
    if (this->*member) names.emplace_back(name);
  }
  return names;
}

void Verification::print(Console& console) const {
  for (const auto& [name, member, result] : kSteps) {
    if (this->*member) console.print("verified  {}\n", result);
  }
}

void add_verify_option(CLI::App& command, std::vector<std::string>& words) {
  command
      .add_flag("--verify", words,
                "Check every step against the reference: each graph pass and the quantisation (passes), each "
                "accelerator layer bit by bit (layers), the outputs of the program (final); --verify alone: all. "
                "Ends with 1 at the first wrong value, naming step, tensor, place and both values")
      ->type_name("[=passes,layers,final]");
}

Verification parse_verification(const std::vector<std::string>& words) {
  Verification verification;
  for (const std::string& list : words) {
    std::istringstream parts(list);
    for (std::string word; std::getline(parts, word, ',');) turn_on(verification, word);
  }
  return verification;
}

void verify_executable(const Executable& executable, const Verification& verification, uint64_t seed) {
  if (!verification.layers && !verification.final) return;
  RunOptions options;
  options.verify = verification.layers;
  options.verify_outputs = verification.final;
  options.cycles = false;
  const RunResult result = run(executable, noise_calibration(executable.graph, seed, 1).sets.at(0), options);
  if (!result.mismatches.empty()) throw RunError(result.mismatches.front().to_string());
}

}  // namespace arco
