// --verify of `arco compile`: which steps are checked against the reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arco/cli/console.h"
#include "arco/runtime/executable.h"

namespace CLI {
class App;
}

namespace arco {

struct Verification {
  bool passes = false;                     // each graph pass in float, and quantisation by its signal-to-noise ratio
  bool layers = false;                     // each accelerator layer, to the bit
  bool final = false;                      // the outputs of the whole program, to the bit
  std::vector<std::string> names() const;  // of those that are on
  void print(Console& console) const;      // what they have shown, once all went well
};

// --verify (all of them) and --verify=passes,layers (some). UserError for an unknown step.
void add_verify_option(CLI::App& command, std::vector<std::string>& words);
Verification parse_verification(const std::vector<std::string>& words);

// Runs the executable on noise drawn from `seed`; throws RunError at the first wrong bit of `layers` and `final`.
void verify_executable(const Executable& executable, const Verification& verification, uint64_t seed);

}  // namespace arco
