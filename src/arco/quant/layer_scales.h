// What the scales of activations leave to choose: scales for each channel, and which grids a node cannot work with.
#pragma once

#include <vector>

#include "arco/quant/scales.h"

namespace arco {

// Fills scales.channels: where they are asked for, where weights bring steps of several sizes, and in every Conv and
// Dense that touches a grid. True if every node has numbers for its grids; else `dropped` (by TensorId) gets tensors
// whose grids cannot be kept.
bool choose_layer_scales(const Graph& graph, const QuantizeOptions& options, Scales& scales,
                         std::vector<bool>& dropped);

}  // namespace arco
