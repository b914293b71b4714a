// Operators whose output elements are input elements picked dimension by dimension.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/graph/graph.h"

namespace arco::reference {

// For each dimension, the input coordinate of every output coordinate; -1: outside, the element is `fill`.
using IndexMaps = std::vector<std::vector<int64_t>>;

// `fill` has the bytes of one element; it may be empty when no map says -1.
Array pick(const Array& x, const IndexMaps& maps, std::span<const uint8_t> fill = {});

// 0, 1, ... extent - 1.
std::vector<int64_t> same_indices(int64_t extent);

}  // namespace arco::reference
