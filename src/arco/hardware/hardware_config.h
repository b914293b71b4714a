// The configuration of a VTA-class accelerator: a GEMM core of BATCH x BLOCK_IN x BLOCK_OUT int8 multipliers, an ALU of
// BATCH x BLOCK_OUT lanes, scratchpads for inputs, weights, accumulators and micro-ops, and a memory interface.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace arco {

// kUp: the public VTA of 2022 (BLOCK_IN = BLOCK_OUT). kVtaPlus: "vta++" of docs/isa.md, which lifts its restrictions.
enum class IsaVariant { kUp, kVtaPlus };
const char* to_string(IsaVariant variant);  // "up", "vta++"

// All "bytes" are log2 of bytes, all "bits" plain bits. Defaults: the default VTA, 1x16x16.
struct HardwareConfig {
  IsaVariant variant = IsaVariant::kUp;
  int log2_batch = 0;
  int log2_block_in = 4;
  int log2_block_out = 4;
  int log2_uop_buffer = 15;
  int log2_inp_buffer = 15;
  int log2_wgt_buffer = 18;
  int log2_acc_buffer = 17;
  int bus_bits = 64;         // memory interface: 64, 128, 256 or 512
  int max_burst_beats = 16;  // beats per burst: the simulator shell's 16, or 256 of the larger shells
  // Keys of the file that ARCO does not use, kept as JSON text so that writing gives them back.
  std::map<std::string, std::string> other_keys;

  bool operator==(const HardwareConfig& other) const = default;

  int batch() const { return 1 << log2_batch; }
  int block_in() const { return 1 << log2_block_in; }
  int block_out() const { return 1 << log2_block_out; }
  int64_t macs_per_step() const { return int64_t{1} << (log2_batch + log2_block_in + log2_block_out); }

  // Bytes of one scratchpad element (all powers of two).
  int64_t inp_element_bytes() const { return int64_t{1} << (log2_batch + log2_block_in); }
  int64_t wgt_element_bytes() const { return int64_t{1} << (log2_block_in + log2_block_out); }
  int64_t acc_element_bytes() const { return int64_t{4} << (log2_batch + log2_block_out); }
  int64_t out_element_bytes() const { return int64_t{1} << (log2_batch + log2_block_out); }
  static constexpr int64_t kUopElementBytes = 4;

  // log2 of the number of elements a buffer holds; may be negative for an illegal configuration.
  int log2_uop_depth() const { return log2_uop_buffer - 2; }
  int log2_inp_depth() const { return log2_inp_buffer - log2_batch - log2_block_in; }
  int log2_wgt_depth() const { return log2_wgt_buffer - log2_block_in - log2_block_out; }
  int log2_acc_depth() const { return log2_acc_buffer - log2_batch - log2_block_out - 2; }
  int64_t uop_depth() const { return depth(log2_uop_depth()); }
  int64_t inp_depth() const { return depth(log2_inp_depth()); }
  int64_t wgt_depth() const { return depth(log2_wgt_depth()); }
  int64_t acc_depth() const { return depth(log2_acc_depth()); }

  // Every rule of vta-isa 1.5 that the configuration breaks, each with its numbers. Empty: legal.
  std::vector<std::string> violations() const;

  // "1x16x16_i8w8a32_15_15_18_17", with "_bus128", "_burst256" and "_up" where they differ from 64 bits, 16 beats and
  // vta++. Different configurations have different texts.
  std::string to_string() const;

 private:
  static int64_t depth(int log2) { return log2 < 0 ? 0 : int64_t{1} << log2; }
};

// vta_config.json: the keys of the public VTA, its fork's LOG_BLOCK_IN/LOG_BLOCK_OUT and bus keys, and "ISA_VARIANT"
// ("up" or "vta++"; default up when only LOG_BLOCK stands there and batch is 1, else vta++). Reports every wrong key
// value, misspelt key (with the nearest key), missing or repeated key and broken rule at once, as UserError naming
// `source`. Required: LOG_BATCH, LOG_BLOCK (or the pair) and the four buffer sizes; the rest has defaults.
HardwareConfig parse_hardware(const std::string& json_text, const std::string& source);
HardwareConfig read_hardware(const std::filesystem::path& path);
std::string to_json(const HardwareConfig& hardware);

}  // namespace arco
