// A hardware configuration inside of another JSON document.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arco/base/error.h"
#include "arco/hardware/hardware_config.h"

namespace arco {

// The keys of vta_config.json in `object`, which is an object. What parse_hardware would report is added to `problems`.
HardwareConfig hardware_from_json(const nlohmann::json& object, ErrorList& problems);

}  // namespace arco
