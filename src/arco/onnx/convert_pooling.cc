// MaxPool (8 adds indices, 10 ceil_mode and dilations), AveragePool (7, 10 ceil_mode, 19 dilations), and their global
// forms.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

Pool read_pool(NodeContext& node, Pool::Kind kind) {
  Pool pool;
  pool.kind = kind;
  if (!node.has_attribute("kernel_shape")) node.problem("attribute 'kernel_shape' is missing");
  pool.kernel = node.exactly<2>("kernel_shape", pool.kernel);
  const WindowAttributes window = read_window(node, pool.kernel);
  pool.strides = window.strides;
  pool.dilations = window.dilations;
  pool.pads = window.pads;
  pool.ceil_mode = node.integer("ceil_mode", 0) != 0;
  return pool;
}

void convert_max_pool(NodeContext& node) {
  const TensorId x = node.input(0);
  const Pool pool = read_pool(node, Pool::Kind::kMax);
  node.ignore("storage_order");  // the order of the indices, which nobody reads
  node.emit(pool, {x});
}

void convert_average_pool(NodeContext& node) {
  const TensorId x = node.input(0);
  Pool pool = read_pool(node, Pool::Kind::kAverage);
  pool.count_include_pad = node.integer("count_include_pad", 0) != 0;
  node.emit(pool, {x});
}

void convert_global_pool(NodeContext& node, Pool::Kind kind) {
  Pool pool;
  pool.kind = kind;
  pool.global = true;
  node.emit(pool, {node.input(0)});
}

}  // namespace

void add_pooling_converters(ConverterTable& table) {
  table["MaxPool"] = convert_max_pool;
  table["AveragePool"] = convert_average_pool;
  table["GlobalMaxPool"] = [](NodeContext& node) { convert_global_pool(node, Pool::Kind::kMax); };
  table["GlobalAveragePool"] = [](NodeContext& node) { convert_global_pool(node, Pool::Kind::kAverage); };
}

}  // namespace arco
