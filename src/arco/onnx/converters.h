// One function an ONNX operator, found by its name. Operators of a family stand together in convert_<family>.cc.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "arco/onnx/node_context.h"

namespace arco {

using Converter = std::function<void(NodeContext&)>;
using ConverterTable = std::map<std::string, Converter>;

// All operators of the default ONNX domain that can be imported.
const ConverterTable& converters();

// The families add themselves to the table.
void add_convolution_converters(ConverterTable& table);
void add_pooling_converters(ConverterTable& table);
void add_elementwise_converters(ConverterTable& table);
void add_normalisation_converters(ConverterTable& table);
void add_matrix_converters(ConverterTable& table);
void add_layout_converters(ConverterTable& table);
void add_constant_converters(ConverterTable& table);
void add_shape_arithmetic_converters(ConverterTable& table);

// Concat of constant int64 vectors, evaluated at once; false (and nothing done) if the inputs are anything else.
bool concatenate_integers(NodeContext& node);

// Attributes that convolution and pooling share. auto_pad becomes explicit pads where the input's shape is known.
struct WindowAttributes {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};
};
WindowAttributes read_window(NodeContext& node, const std::array<int64_t, 2>& kernel);

}  // namespace arco
