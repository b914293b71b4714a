// MaxPool (8 adds indices, 10 ceil_mode and dilations), AveragePool (7, 10 ceil_mode, 19 dilations), and their global
// forms.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

// Adds the attributes that both kinds have to `pool`. `rank` is the window's: 0 after a problem. Returns the plane.
TensorId read_pool(NodeContext& node, TensorId x, size_t rank, Pool& pool) {
  if (!node.has_attribute("kernel_shape")) node.problem("attribute 'kernel_shape' is missing");
  pool.ceil_mode = node.integer("ceil_mode", 0) != 0;
  if (rank == 0) {
    for (const char* name : {"strides", "dilations", "pads", "kernel_shape", "auto_pad"}) node.ignore(name);
    return x;
  }
  pool.kernel = as_plane(node, "kernel_shape", rank, pool.kernel);
  WindowAttributes window = read_window(node, rank);
  const TensorId plane = to_plane(node, x);
  if (const auto shape = node.shape_of(plane)) apply_auto_pad(window, *shape, pool.kernel);
  pool.strides = window.strides;
  pool.dilations = window.dilations;
  pool.pads = window.pads;
  return plane;
}

Pool average_of(NodeContext& node) {
  Pool pool;
  pool.kind = Pool::Kind::kAverage;
  pool.count_include_pad = node.integer("count_include_pad", 0) != 0;
  return pool;
}

void convert_pool(NodeContext& node, Pool pool) {
  const TensorId x = node.input(0);
  const size_t rank = window_rank(node, x);
  const TensorId plane = read_pool(node, x, rank, pool);
  if (rank > 0) emit_window(node, pool, {plane}, rank);
}

void convert_max_pool(NodeContext& node) {
  node.ignore("storage_order");  // the order of the indices, which nobody reads
  convert_pool(node, {});
}

void convert_average_pool(NodeContext& node) {
  convert_pool(node, average_of(node));
}

void convert_global_pool(NodeContext& node, Pool::Kind kind) {
  Pool pool;
  pool.kind = kind;
  pool.global = true;
  const TensorId x = node.input(0);
  const size_t rank = window_rank(node, x);
  if (rank > 0) emit_window(node, pool, {to_plane(node, x)}, rank);
}

}  // namespace

std::optional<Pool> read_average_pool(NodeContext& node, TensorId x) {
  constexpr size_t kPlane = 2;
  const size_t rank = window_rank(node, x) == kPlane ? kPlane : 0;
  Pool pool = average_of(node);
  read_pool(node, x, rank, pool);
  return rank == 0 ? std::nullopt : std::optional(pool);
}

void add_pooling_converters(ConverterTable& table) {
  table["MaxPool"] = convert_max_pool;
  table["AveragePool"] = convert_average_pool;
  table["GlobalMaxPool"] = [](NodeContext& node) { convert_global_pool(node, Pool::Kind::kMax); };
  table["GlobalAveragePool"] = [](NodeContext& node) { convert_global_pool(node, Pool::Kind::kAverage); };
}

}  // namespace arco
