#include "arco/fuzz/fuzz_targets.h"
#include "arco/hardware/hardware_config.h"

namespace arco {

void fuzz_hardware(std::span<const uint8_t> bytes) {
  const HardwareConfig hardware = parse_hardware({bytes.begin(), bytes.end()}, "fuzz.json");
  ARCO_CHECK(hardware.violations().empty(), "illegal hardware was accepted");
  ARCO_CHECK(parse_hardware(to_json(hardware), "again.json") == hardware, "hardware changes when written");
}

}  // namespace arco
