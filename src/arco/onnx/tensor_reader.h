// TensorProto becomes Array, with every size checked against the data that is really there.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <optional>
#include <string>

#include "arco/graph/graph.h"

namespace arco {

// The element type that our graphs use for an ONNX element type (float16, bfloat16 and double become float32), or
// nothing if we have none.
std::optional<DataType> graph_type(int onnx_type);
// "FLOAT", "INT4", ... or the number if the type is unknown.
std::string onnx_type_name(int onnx_type);

class TensorReader {
 public:
  // `folder` is where external data may lie; empty: external data is refused.
  explicit TensorReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Either the array, or `problem` says what is wrong. Takes the raw bytes out of `tensor` to save memory.
  struct Result {
    Array array;
    std::string problem;
  };
  Result read(onnx::TensorProto& tensor);

 private:
  // The bytes of an external tensor, or a problem.
  std::string read_external(const onnx::TensorProto& tensor, size_t expected_bytes, std::string& bytes);

  std::filesystem::path folder_;
  size_t total_bytes_ = 0;
};

}  // namespace arco
