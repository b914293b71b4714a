#include <algorithm>
#include <string_view>

#include "arco/fuzz/fuzz_targets.h"
#include "arco/runtime/executable.h"

namespace arco {

void fuzz_executable(std::span<const uint8_t> bytes) {
  constexpr std::string_view kMagic = "ARCO";
  const bool is_file = bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
  if (is_file) {
    parse_executable(bytes, "fuzz.arco");
  } else {
    parse_executable_content(bytes, "fuzz.arco");
  }
}

}  // namespace arco
