// From bytes to the ONNX protobuf message.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arco/base/error.h"

namespace arco {

// Throw UserError when the file cannot be read, is truncated, too large or no ONNX model.
onnx::ModelProto read_model(const std::filesystem::path& path);
onnx::ModelProto read_model(std::span<const uint8_t> bytes, const std::string& name);

// `text` fit for a terminal and for JSON: control characters and broken UTF-8 become '_'.
std::string printable(const std::string& text);

// "; did you mean 'conv.bias'?" for the candidate nearest to `name`, or "". Only while `so_far` still has room among
// the problems that are shown: a hostile file must not make us compare everything with everything.
std::string did_you_mean(const ErrorList& so_far, const std::string& name, const std::vector<std::string>& candidates);

}  // namespace arco
