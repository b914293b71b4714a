// Where segments may begin in DRAM.
#pragma once

#include <cstdint>

#include "arco/isa/program.h"

namespace arco {

// Activations begin with any element, so that one may be a part of another; everything else begins with a page.
uint64_t segment_alignment(const HardwareConfig& hardware, SegmentKind kind);

}  // namespace arco
