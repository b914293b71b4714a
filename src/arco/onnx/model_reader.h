// From bytes to the ONNX protobuf message.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace arco {

// Throw UserError when the file cannot be read, is truncated, too large or no ONNX model.
onnx::ModelProto read_model(const std::filesystem::path& path);
onnx::ModelProto read_model(std::span<const uint8_t> bytes, const std::string& name);

// `text` fit for a terminal and for JSON: control characters and broken UTF-8 become '_'.
std::string printable(const std::string& text);

}  // namespace arco
