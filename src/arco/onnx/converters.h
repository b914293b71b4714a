// One function an ONNX operator, found by its name. Operators of a family stand together in convert_<family>.cc.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "arco/onnx/node_context.h"

namespace arco {

using Converter = std::function<void(NodeContext&)>;
using ConverterTable = std::map<std::string, Converter>;

// All operators that can be imported; those of other domains than ONNX's as "domain.operator".
const ConverterTable& converters();

// The families add themselves to the table.
void add_convolution_converters(ConverterTable& table);
void add_pooling_converters(ConverterTable& table);
void add_activation_converters(ConverterTable& table);
void add_elementwise_converters(ConverterTable& table);
void add_reduction_converters(ConverterTable& table);
void add_normalisation_converters(ConverterTable& table);
void add_matrix_converters(ConverterTable& table);
void add_layout_converters(ConverterTable& table);
void add_indexing_converters(ConverterTable& table);
void add_resize_converters(ConverterTable& table);
void add_constant_converters(ConverterTable& table);
void add_quantization_converters(ConverterTable& table);
void add_onnx_runtime_converters(ConverterTable& table);

// Input i as float: its scale is input i + 1, its zero point, if it has one, input i + 2.
TensorId dequantized(NodeContext& node, int i, int64_t axis);
// The float tensor `y` becomes the node's output, with scale and zero point from inputs i and i + 1.
void emit_quantized(NodeContext& node, TensorId y, int i);

// The window of an average pooling with the node's attributes, for the plane `x`; nothing after a problem.
std::optional<Pool> read_average_pool(NodeContext& node, TensorId x);

// Attributes that convolution and pooling share, of a window over a line (the columns of one row) or a plane.
struct WindowAttributes {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};
  std::string auto_pad = "NOTSET";  // or SAME_UPPER, SAME_LOWER, VALID
};
// `rank` is that of the window: 1 or 2.
WindowAttributes read_window(NodeContext& node, size_t rank);
// Pads from auto_pad for an input [N,C,H,W], if it asks for that.
void apply_auto_pad(WindowAttributes& window, const Shape& x, const std::array<int64_t, 2>& kernel);

// Values of a window attribute as [rows, columns]: a line has one row.
std::array<int64_t, 2> as_plane(NodeContext& node, const char* name, size_t rank, std::array<int64_t, 2> otherwise);

// The rank of the window that slides over `x` [N,C,...], 1 or 2; adds a problem and returns 0 for anything else.
size_t window_rank(NodeContext& node, TensorId x);
// [N,C,L] as [N,C,1,L], and the result back. Nothing happens to planes.
TensorId to_plane(NodeContext& node, TensorId x);
void emit_window(NodeContext& node, Op op, std::vector<TensorId> inputs, size_t rank);

}  // namespace arco
