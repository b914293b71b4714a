// The one function that decides, before lowering, whether a schedule of a workload fits an accelerator.
#pragma once

#include <string>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

enum class Rule : uint8_t {
  kNone,         // legal
  kTileDivides,  // a tile does not divide its extent
  kThreads,      // threads not 1 or 2, on both axes, or on an axis with a single tile
  kInpBuffer,
  kWgtBuffer,
  kAccBuffer,
  kUopBuffer,
  kTransferSize,  // a transfer's size or stride exceeds its 16-bit field
  kPadding,       // padding of more than 15 elements, or a tile that lies in the padding alone
};
const char* to_string(Rule rule);  // "inp-buffer"

// Elements that a schedule occupies in each buffer. Where they fit, they do not depend on the buffers' sizes.
struct BufferNeeds {
  int64_t inp = 0, wgt = 0, acc = 0, uop = 0;
};
BufferNeeds buffer_needs(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

// Cheap: no allocation. The hardware itself is assumed legal (HardwareConfig::violations()).
Rule broken_rule(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
// The same with numbers: which buffer, needed and available bytes. "" if legal.
std::string why_illegal(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

}  // namespace arco
