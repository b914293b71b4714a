// The entry of libFuzzer for one target of fuzz/fuzz_targets.h. An exception that escapes ends the run as a finding.
#include "arco/fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  arco::run_target(arco::ARCO_FUZZ_TARGET, {data, size});
  return 0;
}
