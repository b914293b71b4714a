// The table of operators: each family adds its own.
#include "arco/onnx/converters.h"

namespace arco {

const ConverterTable& converters() {
  static const ConverterTable table = [] {
    ConverterTable all;
    add_convolution_converters(all);
    add_pooling_converters(all);
    add_activation_converters(all);
    add_elementwise_converters(all);
    add_reduction_converters(all);
    add_normalisation_converters(all);
    add_matrix_converters(all);
    add_layout_converters(all);
    add_indexing_converters(all);
    add_resize_converters(all);
    add_constant_converters(all);
    add_quantization_converters(all);
    add_onnx_runtime_converters(all);
    return all;
  }();
  return table;
}

}  // namespace arco
