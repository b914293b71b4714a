// Protobuf refuses messages above 2 GiB, so those are recognised by size first to give a message that helps.
#include "arco/onnx/model_reader.h"

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

#include "arco/base/error.h"

namespace arco {
namespace {

constexpr uint64_t kMaxModelBytes = std::numeric_limits<int32_t>::max();

void check_size(uint64_t bytes, const std::string& name) {
  if (bytes == 0) fail_user("{}: the file is empty; an ONNX model was expected", name);
  if (bytes > kMaxModelBytes) {
    fail_user(
        "{}: {} bytes are above the 2 GiB limit of protobuf; save the model with its weights as external data "
        "(onnx.save with save_as_external_data=True)",
        name, bytes);
  }
}

void check_parsed(bool parsed, const onnx::ModelProto& model, const std::string& name) {
  if (!parsed) {
    fail_user("{}: not a readable ONNX model (truncated, damaged or another format); export or download it again",
              name);
  }
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
  check_parsed(parsed, model, name);
  return model;
}

onnx::ModelProto read_model(std::span<const uint8_t> bytes, const std::string& name) {
  check_size(bytes.size(), name);
  google::protobuf::LogSilencer quiet;
  onnx::ModelProto model;
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  check_parsed(parsed, model, name);
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

}  // namespace arco
