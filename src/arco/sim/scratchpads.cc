// A LOAD fills rows of x_pad_0 + x_size + x_pad_1 entries from sram_base on:
//
//          x_pad_0   x_size   x_pad_1
//        +---------+--------+---------+
//        |            pad             |  y_pad_0 rows
//        |   pad   |  DRAM  |   pad   |  y_size rows, x_stride elements apart in DRAM
//        |            pad             |  y_pad_1 rows
//        +---------+--------+---------+
//
// One such walk serves all memory types; they differ in how entries are converted and what padding is.
// Source: vta-isa 3.1 to 3.3.
#include "arco/sim/scratchpads.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "arco/base/error.h"
#include "arco/isa/program.h"

namespace arco {
namespace {

static_assert(std::endian::native == std::endian::little, "DRAM images are copied as they are");

template <typename T>
hwy::AlignedFreeUniquePtr<T[]> zeros(int64_t entries, size_t entry) {
  const size_t count = static_cast<size_t>(entries) * entry;
  auto memory = hwy::AllocateAligned<T>(count);
  if (memory == nullptr) throw RunError(fmt::format("no memory for a scratchpad of {} bytes", count * sizeof(T)));
  std::fill_n(memory.get(), count, T{0});
  return memory;
}

template <typename To>
void widen(const uint8_t* from, size_t count, To* to) {
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<int8_t>(from[i]);
}

// [BLOCK_OUT][BLOCK_IN] int8 to [BLOCK_IN/2][BLOCK_OUT][2] int16.
void interleave_weights(const uint8_t* from, size_t block_in, size_t block_out, int16_t* to) {
  for (size_t k = 0; k < block_in; k += 2) {
    for (size_t c = 0; c < block_out; ++c) {
      to[k * block_out + 2 * c] = static_cast<int8_t>(from[c * block_in + k]);
      to[k * block_out + 2 * c + 1] = static_cast<int8_t>(from[c * block_in + k + 1]);
    }
  }
}

// Calls copy(entry, dram_element, count) for every row of DRAM data and pad(entry, count) for every run of padding.
template <typename Copy, typename Pad>
void walk_load(const MemoryFields& memory, Copy&& copy, Pad&& pad) {
  const size_t columns = size_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
  size_t entry = memory.sram_base;
  pad(entry, memory.y_pad_0 * columns);
  entry += memory.y_pad_0 * columns;
  for (size_t row = 0; row < memory.y_size; ++row) {
    pad(entry, memory.x_pad_0);
    copy(entry + memory.x_pad_0, size_t{memory.dram_base} + row * memory.x_stride, memory.x_size);
    pad(entry + memory.x_pad_0 + memory.x_size, memory.x_pad_1);
    entry += columns;
  }
  pad(entry, memory.y_pad_1 * columns);
}

// The same for entries of `entry_size` values of type T, where convert(bytes, entries, to) reads DRAM.
template <typename T, typename Convert>
void load_as(const MemoryFields& memory, const uint8_t* dram, size_t dram_bytes, T* pad_memory, size_t entry_size,
             T padding, Convert&& convert) {
  walk_load(
      memory,
      [&](size_t entry, size_t element, size_t count) {
        convert(dram + element * dram_bytes, count, pad_memory + entry * entry_size);
      },
      [&](size_t entry, size_t count) { std::fill_n(pad_memory + entry * entry_size, count * entry_size, padding); });
}

}  // namespace

Scratchpads::Scratchpads(const HardwareConfig& config)
    : hardware(config),
      inp(zeros<int16_t>(config.inp_depth(), inp_entry())),
      wgt(zeros<int16_t>(config.wgt_depth(), wgt_entry())),
      acc(zeros<int32_t>(config.acc_depth(), acc_entry())),
      uop(static_cast<size_t>(config.uop_depth())) {}

void load_scratchpad(const MemoryFields& memory, std::span<const uint8_t> dram, Scratchpads& pads) {
  const auto bytes = static_cast<size_t>(dram_element_bytes(pads.hardware, memory.type));
  const int32_t narrow = memory.pad_is_min ? std::numeric_limits<int8_t>::min() : 0;
  const int32_t wide = memory.pad_is_min ? std::numeric_limits<int32_t>::min() : 0;
  const size_t inp_entry = pads.inp_entry(), wgt_entry = pads.wgt_entry(), acc_entry = pads.acc_entry();
  const auto block_in = static_cast<size_t>(pads.hardware.block_in());
  const auto block_out = static_cast<size_t>(pads.hardware.block_out());
  switch (memory.type) {
    case MemoryType::kUop:
      load_as(memory, dram.data(), bytes, pads.uop.data(), 1, uint32_t{0},
              [](const uint8_t* from, size_t count, uint32_t* to) { std::memcpy(to, from, count * sizeof(*to)); });
      break;
    case MemoryType::kInp:
      load_as(memory, dram.data(), bytes, pads.inp.get(), inp_entry, static_cast<int16_t>(narrow),
              [=](const uint8_t* from, size_t count, int16_t* to) { widen(from, count * inp_entry, to); });
      break;
    case MemoryType::kWgt:
      load_as(memory, dram.data(), bytes, pads.wgt.get(), wgt_entry, int16_t{0},
              [=](const uint8_t* from, size_t count, int16_t* to) {
                for (size_t i = 0; i < count; ++i) {
                  interleave_weights(from + i * wgt_entry, block_in, block_out, to + i * wgt_entry);
                }
              });
      break;
    case MemoryType::kAcc:
      load_as(memory, dram.data(), bytes, pads.acc.get(), acc_entry, wide,
              [=](const uint8_t* from, size_t count, int32_t* to) {
                std::memcpy(to, from, count * acc_entry * sizeof(*to));
              });
      break;
    case MemoryType::kAcc8:
      load_as(memory, dram.data(), bytes, pads.acc.get(), acc_entry, narrow,
              [=](const uint8_t* from, size_t count, int32_t* to) { widen(from, count * acc_entry, to); });
      break;
    case MemoryType::kOut:
      ARCO_CHECK(false, "a LOAD of memory type out");
  }
}

void store_scratchpad(const MemoryFields& memory, const Scratchpads& pads, std::span<uint8_t> dram) {
  const size_t entry = pads.acc_entry();
  for (size_t row = 0; row < memory.y_size; ++row) {
    const int32_t* from = pads.acc.get() + (memory.sram_base + row * memory.x_size) * entry;
    uint8_t* to = dram.data() + (memory.dram_base + row * memory.x_stride) * entry;
    for (size_t i = 0; i < memory.x_size * entry; ++i) to[i] = static_cast<uint8_t>(from[i]);
  }
}

}  // namespace arco
