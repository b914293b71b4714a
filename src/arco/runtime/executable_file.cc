// The .arco file:
//
//   "ARCO" | u32 version | one zstd frame with checksum of [ u64 bytes of JSON | JSON | constants ]
//
// Programs are not stored: they follow from graph, hardware and schedules. Loading compiles again and compares a hash
// of every layer's instructions and micro-ops with the file's, so a program that would differ is never run unnoticed.
#include <zstd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/graph/serialize.h"
#include "arco/quant/quantize.h"
#include "arco/runtime/executable.h"
#include "arco/runtime/layer_json.h"
#include "arco/schedule/legality.h"

namespace arco {

using Json = nlohmann::json;

namespace {

constexpr std::string_view kMagic = "ARCO";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 8;
constexpr size_t kLengthBytes = 8;
// Far beyond any network that is worth compiling; larger claims are damage or malice.
constexpr uint64_t kMaxContentBytes = uint64_t{8} << 30;
// Weights hardly compress. A small file that unpacks to gigabytes is no network.
constexpr uint64_t kMaxRatio = 256;
constexpr uint64_t kAlwaysAllowedBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxJsonBytes = uint64_t{16} << 20;
constexpr int64_t kMaxTiles = int64_t{1} << 20;
constexpr int kCompressionLevel = 3;

template <typename T>
void append_little_endian(std::vector<uint8_t>& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

template <typename T>
T read_little_endian(std::span<const uint8_t> bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(bytes[i]) << (8 * i);
  return value;
}

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(std::span<const uint8_t> bytes) {
    for (const uint8_t byte : bytes) value_ = (value_ ^ byte) * 0x100000001b3;
  }
  std::string hex() const { return fmt::format("{:016x}", value_); }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

std::string program_hash(const Program& program) {
  Hash hash;
  hash.add(instruction_bytes(program));
  for (const uint32_t micro_op : program.micro_ops) {
    std::vector<uint8_t> bytes;
    append_little_endian(bytes, micro_op);
    hash.add(bytes);
  }
  return hash.hex();
}

// What must come out again when the file is compiled: one entry a step.
Json fingerprint(const Executable& executable) {
  Json steps = Json::array();
  for (const CompiledStep& step : executable.steps) {
    if (const auto* layer = std::get_if<CompiledLayer>(&step)) {
      steps.push_back({{"layer", layer->layer.name}, {"program", program_hash(layer->program)}});
    } else {
      steps.push_back({{"host", executable.graph.nodes[static_cast<size_t>(std::get<HostStep>(step).node)].name}});
    }
  }
  return steps;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// ---- zstd ----

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

void append_compressed(const std::vector<uint8_t>& content, std::vector<uint8_t>& file) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  ARCO_CHECK(context != nullptr, "no memory for compression");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  const size_t start = file.size();
  file.resize(start + ZSTD_compressBound(content.size()));
  const size_t bytes =
      ZSTD_compress2(context.get(), file.data() + start, file.size() - start, content.data(), content.size());
  ARCO_CHECK(!ZSTD_isError(bytes), "compression: {}", ZSTD_getErrorName(bytes));
  file.resize(start + bytes);
}

constexpr const char* kRemedy = "compile the network again, or copy the file anew";

std::vector<uint8_t> decompress(std::span<const uint8_t> frame, const std::string& source) {
  const unsigned long long declared = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (declared == ZSTD_CONTENTSIZE_ERROR || declared == ZSTD_CONTENTSIZE_UNKNOWN) {
    fail_user("{}: is damaged: the compressed part does not start as expected; {}", source, kRemedy);
  }
  const uint64_t allowed = std::min(kMaxContentBytes, std::max(kAlwaysAllowedBytes, kMaxRatio * frame.size()));
  if (declared > allowed) {
    fail_user("{}: claims to hold {} bytes, more than the {} that {} compressed ones can", source, declared, allowed,
              frame.size());
  }
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  ARCO_CHECK(context != nullptr, "no memory for decompression");
  std::vector<uint8_t> content;
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  // Memory grows with what really arrives, not with what was declared.
  constexpr size_t kChunk = size_t{4} << 20;
  size_t rest = 1;
  while (rest != 0) {
    const size_t start = content.size();
    content.resize(std::min<size_t>(declared + 1, start + kChunk));
    ZSTD_outBuffer out{content.data() + start, content.size() - start, 0};
    rest = ZSTD_decompressStream(context.get(), &out, &in);
    content.resize(start + out.pos);
    if (ZSTD_isError(rest)) fail_user("{}: is damaged: its content is not what was written; {}", source, kRemedy);
    if (content.size() > declared) fail_user("{}: is damaged: it holds more than it declares; {}", source, kRemedy);
    if (rest != 0 && out.pos == 0 && in.pos == in.size) fail_user("{}: is truncated; {}", source, kRemedy);
  }
  if (content.size() != declared) fail_user("{}: is damaged: it holds less than it declares; {}", source, kRemedy);
  if (in.pos != in.size) fail_user("{}: has {} unexpected bytes at its end", source, in.size - in.pos);
  return content;
}

std::span<const uint8_t> check_header(std::span<const uint8_t> file, const std::string& source) {
  if (file.size() < kHeaderBytes || !std::equal(kMagic.begin(), kMagic.end(), file.begin())) {
    fail_user("{}: is no .arco file; make one with `arco compile MODEL.onnx -o FILE.arco`", source);
  }
  const auto version = read_little_endian<uint32_t>(file.subspan(kMagic.size()));
  if (version != kVersion) {
    fail_user("{}: has format version {}, expected {}; compile the model again", source, version, kVersion);
  }
  return file.subspan(kHeaderBytes);
}

// ---- Loading ----

void check_graph(const Graph& graph, const std::string& source) {
  try {
    check_quantized(graph);
  } catch (const InternalError& error) {
    fail_user("{}: the network is not consistent: {}", source, error.what());
  }
  for (const Node& node : graph.nodes) {
    const auto* pool = std::get_if<Pool>(&node.op);
    if (pool != nullptr && pool->global && node.requantize) {
      fail_user("{}: node '{}' pools globally; an integer graph has plain windows only", source, node.name);
    }
  }
}

// The stored schedules, by the text of their workload. A schedule of absurdly many tiles would exhaust the memory.
ScheduleSource stored_schedules(const JsonView& json, const HardwareConfig& hardware, const std::string& source) {
  std::map<std::string, Schedule> schedules;
  for (const std::string& workload : json.keys()) schedules[workload] = schedule_from_json(json.at(workload));
  return [schedules, hardware, source](const Workload& workload) -> std::optional<Schedule> {
    const auto found = schedules.find(workload.to_string());
    if (found == schedules.end()) return std::nullopt;
    const Schedule& schedule = found->second;
    if (broken_rule(workload, schedule, hardware) == Rule::kNone) {
      const Geometry geometry = geometry_of(workload, schedule, hardware);
      if (geometry.output_tiles() > kMaxTiles || geometry.output_tiles() * geometry.ci_tiles > kMaxTiles) {
        fail_user("{}: schedule {} of {} makes more than {} tiles", source, schedule.to_string(), workload.to_string(),
                  kMaxTiles);
      }
    }
    return schedule;
  };
}

Executable rebuild(const JsonView& json, std::span<const uint8_t> blob, const std::string& source) {
  Graph graph = deserialize(json.at("graph"), blob);
  check_graph(graph, source);
  const HardwareConfig hardware = parse_hardware(json.at("hardware").text(), source + ": hardware");
  const ScheduleSource schedules = stored_schedules(json.at("schedules"), hardware, source);
  try {
    return compile(std::move(graph), hardware, schedules, ChainRule::kWhereScheduled);
  } catch (const InternalError& error) {
    // The input is not of our making, so a broken invariant is its fault first.
    fail_user("{}: cannot be compiled: {}", source, error.what());
  }
}

}  // namespace

void save_executable(const Executable& executable, const std::filesystem::path& path) {
  std::vector<uint8_t> blob;
  Json schedules = Json::object();
  for (const CompiledStep& step : executable.steps) {
    const auto* layer = std::get_if<CompiledLayer>(&step);
    if (layer != nullptr) schedules[layer->layer.workload.to_string()] = schedule_to_json(layer->schedule);
  }
  const std::string json = dump({{"graph", serialize(executable.graph, blob)},
                                 {"hardware", to_json(executable.hardware)},
                                 {"schedules", std::move(schedules)},
                                 {"steps", fingerprint(executable)}});
  std::vector<uint8_t> content;
  content.reserve(kLengthBytes + json.size() + blob.size());
  append_little_endian(content, uint64_t{json.size()});
  content.insert(content.end(), json.begin(), json.end());
  content.insert(content.end(), blob.begin(), blob.end());
  if (json.size() > kMaxJsonBytes || content.size() > kMaxContentBytes) {
    fail_user("{}: the network is too large for an .arco file ({} bytes)", path.string(), content.size());
  }
  std::vector<uint8_t> file(kMagic.begin(), kMagic.end());
  append_little_endian(file, kVersion);
  append_compressed(content, file);
  write_file(path, file);
}

Executable load_executable(const std::filesystem::path& path) {
  // Another file may be of any length.
  const std::vector<uint8_t> beginning = read_beginning(path, kHeaderBytes);
  if (!beginning.empty()) check_header(beginning, path.string());
  std::vector<uint8_t> content;
  {
    const std::vector<uint8_t> file = read_file(path);
    content = decompress(check_header(file, path.string()), path.string());
  }
  return parse_executable_content(content, path.string());
}

Executable parse_executable(std::span<const uint8_t> file, const std::string& source) {
  return parse_executable_content(decompress(check_header(file, source), source), source);
}

Executable parse_executable_content(std::span<const uint8_t> content, const std::string& source) {
  if (content.size() < kLengthBytes) fail_user("{}: is damaged: holds no description", source);
  const auto json_bytes = read_little_endian<uint64_t>(content);
  if (json_bytes > content.size() - kLengthBytes) {
    fail_user("{}: is damaged: its description cannot have {} bytes", source, json_bytes);
  }
  const auto rest = content.subspan(kLengthBytes);
  const std::string_view text(reinterpret_cast<const char*>(rest.data()), json_bytes);
  const Json document = parse_json_object(text, source);
  const JsonView json(document, source);
  Executable executable = rebuild(json, rest.subspan(json_bytes), source);
  json.at("steps");
  // Compared as text: names that are no UTF-8 were replaced when the file was written.
  if (dump(document["steps"]) != dump(fingerprint(executable))) {
    fail_user("{}: was made by another version of ARCO, whose programs differ; compile the model again", source);
  }
  return executable;
}

}  // namespace arco
