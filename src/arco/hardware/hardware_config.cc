// Legality of a configuration: every rule follows from a field that has to hold an index.
//
//   micro-op, 32 bits        | dst: AD | src: ID (up: max(AD, ID)) | wgt: WD |
//   lo half, 64 bits         | prefix 7 | reset 1 | uop_begin UD | uop_end UD+1 | iter_out 14 | iter_in 14 |
//   hi half of GEMM, 64 bits | dst 2*AD | src 2*ID | wgt 2*WD |
//   hi half of ALU, 64 bits  | dst 2*AD | src 2*AD | alu_op 3 | use_imm 1 | imm 16 |      (up only)
//
// xD is log2 of the entries of a buffer. vta++ caps the loop factors of an ALU instruction at 11 bits, so its hi half
// always fits; an accumulator index must then fit the 16 bits of an SRAM address (source: vta-isa 1.5, docs/isa.md).
#include "arco/hardware/hardware_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "arco/hardware/hardware_rules.h"

namespace arco {
namespace {

constexpr int kMaxLog2Batch = 6;
constexpr int kMaxLog2Block = 12;
constexpr int kMaxLog2Buffer = 30;
constexpr int kMaxElementBytes = 4096;  // DMA addresses are element-aligned inside pages of 4 KiB
constexpr int kMaxLog2SramIndex = 16;
constexpr int kHalfBits = 64;
constexpr int kUopBits = 32;
constexpr int kLoHalfFixedBits = 7 + 1 + 1 + 14 + 14;  // prefix, reset, the extra bit of uop_end, two loop counts
constexpr int kAluFixedBits = 3 + 1 + 16;              // operation, use_imm, immediate
constexpr int kMaxBurstBeats = 256;

using Problems = std::vector<std::string>;

void check_range(Problems& problems, const char* name, int value, int low, int high) {
  if (value < low || value > high) {
    problems.push_back(fmt::format("{} is {}; it must be {} to {}", name, value, low, high));
  }
}

// Values so far out that sizes derived from them would overflow.
void check_ranges(const HardwareConfig& hw, bool one_block_key, Problems& problems) {
  check_range(problems, "LOG_BATCH", hw.log2_batch, 0, kMaxLog2Batch);
  check_range(problems, one_block_key ? "LOG_BLOCK" : "LOG_BLOCK_IN", hw.log2_block_in, 1, kMaxLog2Block);
  if (!one_block_key) check_range(problems, "LOG_BLOCK_OUT", hw.log2_block_out, 0, kMaxLog2Block);
  check_range(problems, "LOG_UOP_BUFF_SIZE", hw.log2_uop_buffer, 2, kMaxLog2Buffer);
  check_range(problems, "LOG_INP_BUFF_SIZE", hw.log2_inp_buffer, 1, kMaxLog2Buffer);
  check_range(problems, "LOG_WGT_BUFF_SIZE", hw.log2_wgt_buffer, 1, kMaxLog2Buffer);
  check_range(problems, "LOG_ACC_BUFF_SIZE", hw.log2_acc_buffer, 2, kMaxLog2Buffer);
}

void check_buffer(Problems& problems, const char* name, int log2_buffer, int64_t element_bytes, int log2_depth) {
  if (element_bytes > kMaxElementBytes) {
    problems.push_back(
        fmt::format("an element of the {} buffer has {} bytes, at most {} are possible; make BATCH or the block "
                    "smaller",
                    name, element_bytes, kMaxElementBytes));
  }
  if (log2_depth < 0) {
    problems.push_back(
        fmt::format("the {} buffer of {} bytes does not hold one element of {} bytes; set LOG_{}_BUFF_SIZE to "
                    "at least {}",
                    name, int64_t{1} << log2_buffer, element_bytes, name, log2_buffer - log2_depth));
  } else if (log2_depth > kMaxLog2SramIndex) {
    problems.push_back(
        fmt::format("the {} buffer has 2^{} entries, but an SRAM index has {} bits; set LOG_{}_BUFF_SIZE to at "
                    "most {}",
                    name, log2_depth, kMaxLog2SramIndex, name, log2_buffer - log2_depth + kMaxLog2SramIndex));
  }
}

void check_buffers(const HardwareConfig& hw, Problems& problems) {
  check_buffer(problems, "UOP", hw.log2_uop_buffer, HardwareConfig::kUopElementBytes, hw.log2_uop_depth());
  check_buffer(problems, "INP", hw.log2_inp_buffer, hw.inp_element_bytes(), hw.log2_inp_depth());
  check_buffer(problems, "WGT", hw.log2_wgt_buffer, hw.wgt_element_bytes(), hw.log2_wgt_depth());
  check_buffer(problems, "ACC", hw.log2_acc_buffer, hw.acc_element_bytes(), hw.log2_acc_depth());
}

// Instruction and micro-op fields; call only when every depth is at least one entry.
void check_fields(const HardwareConfig& hw, Problems& problems) {
  const int ud = hw.log2_uop_depth(), id = hw.log2_inp_depth(), wd = hw.log2_wgt_depth(), ad = hw.log2_acc_depth();
  const bool up = hw.variant == IsaVariant::kUp;
  const int src = up ? std::max(ad, id) : id;
  const char* smaller = "make the INP, WGT or ACC buffer smaller, or the blocks larger";
  if (ad + src + wd > kUopBits) {
    problems.push_back(fmt::format("a micro-op needs {} bits (dst {} + src {} + wgt {}) of {}; {}", ad + src + wd, ad,
                                   src, wd, kUopBits, smaller));
  }
  if (!up && 2 * ad > kUopBits) {
    problems.push_back(
        fmt::format("an ALU micro-op needs {} bits (dst {} + src {}) of {}; set LOG_ACC_BUFF_SIZE to at most {}",
                    2 * ad, ad, ad, kUopBits, hw.log2_acc_buffer - ad + kUopBits / 2));
  }
  if (2 * ud + kLoHalfFixedBits > kHalfBits) {
    problems.push_back(fmt::format(
        "micro-op ranges need 2*{} + {} = {} bits of {}; set LOG_UOP_BUFF_SIZE to at most {}", ud, kLoHalfFixedBits,
        2 * ud + kLoHalfFixedBits, kHalfBits, hw.log2_uop_buffer - ud + (kHalfBits - kLoHalfFixedBits) / 2));
  }
  if (2 * (ad + id + wd) > kHalfBits) {
    problems.push_back(fmt::format("the loop factors of a GEMM need 2*({} + {} + {}) = {} bits of {}; {}", ad, id, wd,
                                   2 * (ad + id + wd), kHalfBits, smaller));
  }
  if (up && 4 * ad + kAluFixedBits > kHalfBits) {
    problems.push_back(
        fmt::format("the fields of an ALU instruction need 4*{} + {} = {} bits of {}; set LOG_ACC_BUFF_SIZE to "
                    "at most {}, or ISA_VARIANT to \"vta++\"",
                    ad, kAluFixedBits, 4 * ad + kAluFixedBits, kHalfBits,
                    hw.log2_acc_buffer - ad + (kHalfBits - kAluFixedBits) / 4));
  }
}

void check_interface(const HardwareConfig& hw, Problems& problems) {
  if (hw.bus_bits != 64 && hw.bus_bits != 128 && hw.bus_bits != 256 && hw.bus_bits != 512) {
    problems.push_back(fmt::format(
        "the memory interface has {} bits; it must be 64, 128, 256 or 512 (SHL_MEM_AXI_DATA_BITS)", hw.bus_bits));
  }
  const bool power_of_two = hw.max_burst_beats > 0 && (hw.max_burst_beats & (hw.max_burst_beats - 1)) == 0;
  if (!power_of_two || hw.max_burst_beats > kMaxBurstBeats) {
    problems.push_back(
        fmt::format("a burst has at most {} beats (MAX_BURST_LENGTH); it must be a power of two from 1 to {}",
                    hw.max_burst_beats, kMaxBurstBeats));
  }
}

}  // namespace

const char* to_string(IsaVariant variant) {
  return variant == IsaVariant::kUp ? "up" : "vta++";
}

std::vector<std::string> broken_rules(const HardwareConfig& hw, bool one_block_key, bool complete) {
  Problems problems;
  check_ranges(hw, one_block_key, problems);
  if (complete && problems.empty()) {
    if (hw.variant == IsaVariant::kUp && hw.log2_block_in != hw.log2_block_out) {
      problems.push_back(
          fmt::format("BLOCK_IN is {} and BLOCK_OUT is {}, but variant up needs them equal; set ISA_VARIANT to "
                      "\"vta++\"",
                      hw.block_in(), hw.block_out()));
    }
    check_buffers(hw, problems);
    const bool holds_something =
        hw.log2_uop_depth() >= 0 && hw.log2_inp_depth() >= 0 && hw.log2_wgt_depth() >= 0 && hw.log2_acc_depth() >= 0;
    if (holds_something) check_fields(hw, problems);
  }
  check_interface(hw, problems);
  return problems;
}

std::vector<std::string> HardwareConfig::violations() const {
  return broken_rules(*this, false, true);
}

std::string HardwareConfig::to_string() const {
  std::string text = fmt::format("{}x{}x{}_i8w8a32_{}_{}_{}_{}", batch(), block_in(), block_out(), log2_uop_buffer,
                                 log2_inp_buffer, log2_wgt_buffer, log2_acc_buffer);
  if (bus_bits != 64) text += fmt::format("_bus{}", bus_bits);
  if (max_burst_beats != 16) text += fmt::format("_burst{}", max_burst_beats);
  if (variant == IsaVariant::kUp) text += "_up";
  return text;
}

}  // namespace arco
