// The rules of HardwareConfig::violations(), worded for whoever wrote the configuration.
#pragma once

#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"

namespace arco {

// `one_block_key`: both blocks come from the key LOG_BLOCK, so a wrong value is that key's. Without `complete`, some
// sizes are only defaults, and rules that combine several are left out.
std::vector<std::string> broken_rules(const HardwareConfig& hardware, bool one_block_key, bool complete);

}  // namespace arco
