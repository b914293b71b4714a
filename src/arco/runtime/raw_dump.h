// Every accelerator layer as files that any other VTA simulator can run: DRAM before, DRAM after, and where things are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "arco/runtime/executable.h"

namespace arco {

struct RawLayer {
  std::string name;
  std::string before;  // file names inside the folder
  std::string after;
  uint64_t bytes = 0;  // of each image
};

// Writes, for layer NN in order of execution:
//   NN_name.before.bin  the layer's DRAM before it runs: a file offset is a physical address, the first 4 KiB are
//                       unused; holds inputs, weights, biases, micro-ops, instructions, and zeros as output
//   NN_name.after.bin   the DRAM expected afterwards, from the reference interpreter
//   layers.json         offsets, counts, layouts, hardware, workloads and schedules (docs/raw-layers.md)
// Each layer is also run on the functional simulator from its own image; RunError naming layer and address if the
// result is not the expected image. Nothing stays in the folder after an error. Inputs as for run().
std::vector<RawLayer> write_raw_layers(const Executable& executable, const std::vector<Array>& inputs,
                                       const std::filesystem::path& folder);

// `name` with everything but letters, digits, '.', '_' and '-' replaced by '_', at most 80 characters.
std::string file_name_for(const std::string& name);

}  // namespace arco
