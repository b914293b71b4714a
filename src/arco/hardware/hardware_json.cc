// vta_config.json. Reading goes key by key over one table of the keys ARCO uses; what stays over is either a key of
// other tools (kept as text and written back) or, when it resembles a known key, a typing error.
#include "arco/hardware/hardware_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <nlohmann/json.hpp>
#include <optional>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/json_document.h"
#include "arco/hardware/hardware_rules.h"

namespace arco {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxFileBytes = 1 << 20;

struct ShapeKey {
  const char* key;
  int HardwareConfig::*member;
};
constexpr std::array<ShapeKey, 5> kRequiredKeys{{
    {"LOG_BATCH", &HardwareConfig::log2_batch},
    {"LOG_UOP_BUFF_SIZE", &HardwareConfig::log2_uop_buffer},
    {"LOG_INP_BUFF_SIZE", &HardwareConfig::log2_inp_buffer},
    {"LOG_WGT_BUFF_SIZE", &HardwareConfig::log2_wgt_buffer},
    {"LOG_ACC_BUFF_SIZE", &HardwareConfig::log2_acc_buffer},
}};

// Widths that everything else is built for: log2 of bits.
struct FixedKey {
  const char* key;
  int value;
};
constexpr std::array<FixedKey, 5> kFixedKeys{
    {{"LOG_INP_WIDTH", 3}, {"LOG_WGT_WIDTH", 3}, {"LOG_ACC_WIDTH", 5}, {"LOG_OUT_WIDTH", 3}, {"LOG_UOP_WIDTH", 5}}};

constexpr std::array<const char*, 7> kOtherUsedKeys{
    "LOG_BLOCK",     "LOG_BLOCK_IN",     "LOG_BLOCK_OUT", "SHL_MEM_AXI_DATA_BITS",
    "DPI_DATA_BITS", "MAX_BURST_LENGTH", "DPI_LEN_BITS"};
constexpr const char* kVariantKey = "ISA_VARIANT";

// Keys of the public tools that ARCO keeps without using them.
constexpr std::array<const char*, 33> kForeignKeys{
    "TARGET",
    "HW_VER",
    "LOG_OUT_BUFF_SIZE",
    "LOG_INS_WIDTH",
    "LOG_INP_FACTOR_RESTRICT",
    "LOG_WGT_FACTOR_RESTRICT",
    "LOG_ACC_FACTOR_RESTRICT",
    "SHL_VME_CLT_TAG_BITS",
    "DPI_ADDR_BITS",
    "DPI_TAG_BITS",
    "DPI_DELAY",
    "ENABLE_INSTRUCTION_CLP",
    "ENABLE_RUNTIME_GREEDY_UOP_LOADS",
    "ENABLE_RUNTIME_VALUE_BASED_UOP_CONSOLIDATION",
    "ENABLE_VTHREAD",
    "VTHREAD_NAME",
    "VTA_CORE_BLOCK_OUT_SPLIT_FACTOR",
    "VTA_CORE_INP_SP_SPLIT_FACTOR",
    "VTA_CORE_WRITE_PIPE_WGT",
    "VTA_CORE_WRITE_PIPE_INP",
    "VTA_CORE_WRITE_PIPE_ACC",
    "VTA_CORE_WRITE_PIPE_OUT",
    "VTA_CORE_VME_DATA_PIPE_INP",
    "VTA_CORE_VME_DATA_PIPE_WGT",
    "VTA_CORE_VME_DATA_PIPE_ACC",
    "VTA_CORE_VME_DATA_PIPE_UOP",
    "VTA_CORE_GEMM_RD_DATA_PIPE",
    "VTA_CORE_GEMM_INP_IDX_PIPE",
    "VTA_CORE_GEMM_RD_UOP_PIPE",
    "VTA_CORE_ALU_RD_DATA_PIPE",
    "VTA_FEATURE_ORIGINAL_VME",
    "VTA_FEATURE_ORIGINAL_FETCH",
    "VTA_FEATURE_ORIGINAL_QUEUES",
};

// Takes keys out of the object one by one.
class Reader {
 public:
  Reader(Json object, ErrorList& problems) : object_(std::move(object)), problems_(problems) {}

  bool has(const std::string& key) const { return object_.contains(key); }

  // Removes the key; nothing when absent or not a plain integer (which is reported).
  std::optional<int> take_int(const std::string& key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return std::nullopt;
    const Json value = *found;
    object_.erase(found);
    const bool fits = value.is_number_unsigned()  ? value.get<uint64_t>() <= INT_MAX
                      : value.is_number_integer() ? value.get<int64_t>() >= INT_MIN && value.get<int64_t>() <= INT_MAX
                                                  : false;
    if (fits) return value.get<int>();
    readable_ = false;
    problems_.add("{} is {}; it must be a{} integer", key, shown(value), value.is_number() ? " small" : "n");
    return std::nullopt;
  }

  int take_required(const std::string& key, int default_value) {
    if (!has(key)) {
      readable_ = false;
      problems_.add("{} is missing; add it (the default VTA has {})", key, default_value);
      return default_value;
    }
    return take_int(key).value_or(default_value);
  }

  std::optional<IsaVariant> take_variant() {
    const auto found = object_.find(kVariantKey);
    if (found == object_.end()) return std::nullopt;
    const Json value = *found;
    object_.erase(found);
    if (value == "up") return IsaVariant::kUp;
    if (value == "vta++") return IsaVariant::kVtaPlus;
    problems_.add("{} is {}; it must be \"up\" or \"vta++\"", kVariantKey, shown(value));
    readable_ = false;
    return std::nullopt;
  }

  // False when a value that decides legality is missing or unreadable.
  bool readable() const { return readable_; }
  const Json& rest() const { return object_; }

 private:
  Json object_;
  ErrorList& problems_;
  bool readable_ = true;
};

// Two spellings of one quantity: both may stand there, but they must agree.
std::optional<int> take_agreeing(Reader& reader, const char* key, const char* alias, ErrorList& problems) {
  const auto first = reader.take_int(key);
  const auto second = reader.take_int(alias);
  if (first && second && *first != *second) {
    problems.add("{} is {} and {} is {}; they must be equal", key, *first, alias, *second);
  }
  return first ? first : second;
}

// Returns whether LOG_BLOCK alone describes the blocks, as in files of the public VTA.
bool read_blocks(Reader& reader, HardwareConfig& hw, ErrorList& problems) {
  const bool split = reader.has("LOG_BLOCK_IN") || reader.has("LOG_BLOCK_OUT");
  if (!split) {
    hw.log2_block_in = hw.log2_block_out = reader.take_required("LOG_BLOCK", hw.log2_block_in);
    return true;
  }
  const auto block = reader.take_int("LOG_BLOCK");
  const auto read_one = [&](const char* key, int& member) {
    if (!block) {
      member = reader.take_required(key, member);
      return;
    }
    member = reader.take_int(key).value_or(*block);
    if (member != *block)
      problems.add("LOG_BLOCK is {} and {} is {}; remove LOG_BLOCK or make them equal", *block, key, member);
  };
  read_one("LOG_BLOCK_IN", hw.log2_block_in);
  read_one("LOG_BLOCK_OUT", hw.log2_block_out);
  return false;
}

void read_interface(Reader& reader, HardwareConfig& hw, ErrorList& problems) {
  hw.bus_bits = take_agreeing(reader, "SHL_MEM_AXI_DATA_BITS", "DPI_DATA_BITS", problems).value_or(hw.bus_bits);
  const auto length_bits = reader.take_int("DPI_LEN_BITS");
  const auto beats = reader.take_int("MAX_BURST_LENGTH");
  const bool length_known = length_bits && *length_bits >= 0 && *length_bits <= 8;
  if (length_bits && !length_known) problems.add("DPI_LEN_BITS is {}; it must be 0 to 8", *length_bits);
  if (length_known && beats && *beats > 1 << *length_bits) {
    problems.add("MAX_BURST_LENGTH is {}, but DPI_LEN_BITS {} allows at most {}", *beats, *length_bits,
                 1 << *length_bits);
  }
  if (length_known) hw.max_burst_beats = 1 << *length_bits;
  if (beats) hw.max_burst_beats = *beats;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys(kOtherUsedKeys.begin(), kOtherUsedKeys.end());
  for (const auto& key : kRequiredKeys) keys.push_back(key.key);
  for (const auto& key : kFixedKeys) keys.push_back(key.key);
  keys.insert(keys.end(), kForeignKeys.begin(), kForeignKeys.end());
  keys.push_back(kVariantKey);
  return keys;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  return text;
}

void keep_rest(const Json& rest, HardwareConfig& hw, ErrorList& problems) {
  constexpr size_t kMaxTypedKey = 100;  // a longer key resembles nothing
  const auto known = known_keys();
  for (const auto& [key, value] : rest.items()) {
    const bool exact = std::find(known.begin(), known.end(), key) != known.end();
    const bool family = key.rfind("VTA_", 0) == 0;  // the fork's many physical options
    const std::string nearest = exact || family || key.size() > kMaxTypedKey ? "" : nearest_word(upper(key), known);
    if (nearest.empty()) {
      hw.other_keys[key] = value.dump();
    } else {
      problems.add("unknown key {}; did you mean {}?", shown(key), nearest);
    }
  }
}

}  // namespace

HardwareConfig hardware_from_json(const Json& object, ErrorList& problems) {
  Reader reader(object, problems);
  HardwareConfig hw;
  for (const auto& [key, member] : kRequiredKeys) hw.*member = reader.take_required(key, hw.*member);
  const bool single_block = read_blocks(reader, hw, problems);
  for (const auto& [key, expected] : kFixedKeys) {
    const int value = reader.take_int(key).value_or(expected);
    if (value != expected) {
      problems.add("{} is {}; only {} ({} bits) is supported", key, value, expected, 1 << expected);
    }
  }
  read_interface(reader, hw, problems);
  const IsaVariant usual = single_block && hw.log2_batch == 0 ? IsaVariant::kUp : IsaVariant::kVtaPlus;
  hw.variant = reader.take_variant().value_or(usual);
  keep_rest(reader.rest(), hw, problems);
  for (const auto& broken : broken_rules(hw, single_block, reader.readable())) problems.add("{}", broken);
  return hw;
}

HardwareConfig parse_hardware(const std::string& json_text, const std::string& source) {
  ErrorList problems(source);
  HardwareConfig hw;
  if (json_text.size() > kMaxFileBytes) {
    problems.add("has {} bytes; a hardware file has at most {}", json_text.size(), kMaxFileBytes);
  } else {
    const Json object = parse_json_object(json_text, problems);
    if (object.contains("hardware") && object.contains("tasks")) {
      fail_user("{}: is a design of `arco tune`, not a hardware file; give it with --design", source);
    }
    if (object.is_object()) hw = hardware_from_json(object, problems);
  }
  problems.throw_if_any();
  return hw;
}

HardwareConfig read_hardware(const std::filesystem::path& path) {
  return parse_hardware(read_text_file(path), path.string());
}

std::string to_json(const HardwareConfig& hw) {
  nlohmann::ordered_json object;
  for (const auto& [key, text] : hw.other_keys) object[key] = nlohmann::ordered_json::parse(text);
  for (const auto& [key, value] : kFixedKeys) {
    const bool in_every_file = key != std::string("LOG_OUT_WIDTH") && key != std::string("LOG_UOP_WIDTH");
    if (in_every_file) object[key] = value;
  }
  object["LOG_BATCH"] = hw.log2_batch;
  if (hw.variant == IsaVariant::kUp && hw.log2_block_in == hw.log2_block_out) {
    object["LOG_BLOCK"] = hw.log2_block_in;
  } else {
    object["LOG_BLOCK_IN"] = hw.log2_block_in;
    object["LOG_BLOCK_OUT"] = hw.log2_block_out;
  }
  object["LOG_UOP_BUFF_SIZE"] = hw.log2_uop_buffer;
  object["LOG_INP_BUFF_SIZE"] = hw.log2_inp_buffer;
  object["LOG_WGT_BUFF_SIZE"] = hw.log2_wgt_buffer;
  object["LOG_ACC_BUFF_SIZE"] = hw.log2_acc_buffer;
  object["SHL_MEM_AXI_DATA_BITS"] = hw.bus_bits;
  object["DPI_DATA_BITS"] = hw.bus_bits;
  object["MAX_BURST_LENGTH"] = hw.max_burst_beats;
  object["DPI_LEN_BITS"] = std::bit_width(static_cast<unsigned>(std::max(1, hw.max_burst_beats) - 1));
  object[kVariantKey] = to_string(hw.variant);
  return object.dump(2) + "\n";
}

}  // namespace arco
