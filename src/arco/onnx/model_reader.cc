// Protobuf refuses messages above 2 GiB, so those are recognised by size first to give a message that helps.
#include "arco/onnx/model_reader.h"

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

#include "arco/base/error.h"

namespace arco {
namespace {

constexpr uint64_t kMaxModelBytes = std::numeric_limits<int32_t>::max();
constexpr size_t kStartBytes = 32;  // tell other kinds of files by

void check_size(uint64_t bytes, const std::string& name) {
  if (bytes == 0) fail_user("{}: the file is empty; an ONNX model was expected", name);
  if (bytes > kMaxModelBytes) {
    fail_user(
        "{}: {} bytes are above the 2 GiB limit of protobuf; save the model with its weights as external data "
        "(onnx.save with save_as_external_data=True)",
        name, bytes);
  }
}

// What people give by mistake, by how such files begin.
std::string other_kind(std::string_view start) {
  using Kind = std::pair<std::string_view, const char*>;
  static constexpr std::array<Kind, 8> kKinds{{
      {"PK\x03\x04", "a zip archive, such as a PyTorch checkpoint; export the model with torch.onnx.export"},
      {"\x89HDF", "an HDF5 file, such as a Keras model; convert it with tf2onnx"},
      {"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"},
      {"<", "a web page or XML; download the .onnx file itself"},
      {"{", "JSON; hardware files go to --hardware, designs to --design"},
      {"\x93NUMPY", "a NumPy array; give it with --input or --calibrate"},
      {"ARCO", "a compiled network already; `arco run` executes it"},
      {"TFL3", "a TensorFlow Lite model; convert it with tf2onnx"},
  }};
  for (const auto& [magic, what] : kKinds) {
    if (start.starts_with(magic)) return what;
  }
  constexpr size_t kTfliteOffset = 4;
  return start.size() > kTfliteOffset && start.substr(kTfliteOffset).starts_with("TFL3") ? kKinds.back().second : "";
}

std::string start_of(const std::filesystem::path& path) {
  std::string start(kStartBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), kStartBytes);
  start.resize(static_cast<size_t>(file.gcount()));
  return start;
}

void check_parsed(bool parsed, const onnx::ModelProto& model, std::string_view start, const std::string& name) {
  if (!parsed || !model.has_graph()) {
    const std::string kind = other_kind(start);
    if (!kind.empty()) fail_user("{}: no ONNX model, but {}", name, kind);
  }
  if (!parsed) fail_user("{}: a truncated or damaged ONNX model; export or download it again", name);
  if (!model.has_graph()) fail_user("{}: the ONNX model contains no graph; export it again", name);
}

// Bytes of the UTF-8 sequence that starts at `at`, 0 if it is broken.
size_t utf8_length(const std::string& text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return 1;
  size_t length = 0;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and values above U+10FFFF show in the second byte.
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                   (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return bad ? 0 : length;
}

}  // namespace

onnx::ModelProto read_model(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    fail_user("{}: is a folder; give the .onnx file inside it", name);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_user("{}: cannot be read: {}; check the path", name, std::strerror(errno));
  const auto bytes = std::filesystem::file_size(path, error);
  if (!error) check_size(bytes, name);
  // Streaming saves a second copy of the weights in memory.
  google::protobuf::LogSilencer quiet;
  google::protobuf::io::IstreamInputStream stream(&file);
  onnx::ModelProto model;
  const bool parsed = model.ParseFromZeroCopyStream(&stream);
  if (file.bad()) fail_user("{}: reading failed: {}", name, std::strerror(errno));
  check_parsed(parsed, model, parsed && model.has_graph() ? "" : start_of(path), name);
  return model;
}

onnx::ModelProto read_model(std::span<const uint8_t> bytes, const std::string& name) {
  check_size(bytes.size(), name);
  google::protobuf::LogSilencer quiet;
  onnx::ModelProto model;
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  check_parsed(parsed, model, text.substr(0, kStartBytes), name);
  return model;
}

std::string printable(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    const auto first = static_cast<unsigned char>(text[i]);
    if (length == 0 || first < 0x20 || first == 0x7F) {
      result += '_';
      ++i;
    } else {
      result.append(text, i, length);
      i += length;
    }
  }
  return result;
}

std::string did_you_mean(const ErrorList& so_far, const std::string& name, const std::vector<std::string>& candidates) {
  constexpr size_t kMostProblems = 40;
  constexpr size_t kMostCandidates = 5000;
  constexpr size_t kLongestName = 60;
  if (so_far.problems().size() >= kMostProblems || name.empty() || name.size() > kLongestName) return "";
  std::vector<std::string> names;
  for (const std::string& candidate : candidates) {
    if (candidate.size() <= kLongestName && names.size() < kMostCandidates) names.push_back(candidate);
  }
  const std::string near = nearest_word(name, names);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", printable(near));
}

}  // namespace arco
