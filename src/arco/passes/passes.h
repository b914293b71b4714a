// The graph passes, one function each in a file of the same name. All of them take a float graph with inferred shapes,
// keep what it computes (up to float rounding), and never write into the bytes of an Array: copies share them.
#pragma once

#include "arco/graph/graph.h"

namespace arco {

// Nodes whose inputs are all constants become constants.
void fold_constants(Graph& graph);

// Nodes that give back their input go away: Identity, no-op reshapes, 1x1 pooling, Clip without bounds ...
void remove_identity(Graph& graph);

// Global pooling becomes pooling with a window of the plane's size.
void resolve_global_pool(Graph& graph);

// Products with a constant matrix become Dense; the addend of Gemm becomes its bias or its residual.
void make_dense(Graph& graph);

// Dense reads through the Flatten or Reshape before it: it takes rows of any shape.
void absorb_flatten(Graph& graph);

// Adding a constant per channel to the output of Conv or Dense goes into its bias.
void fuse_bias(Graph& graph);

// Batch normalisation, and arithmetic with constants per channel, after Conv, ConvTranspose or Dense goes into its
// weights and bias.
void fold_batch_norm(Graph& graph);

// The same functions behind anything else become depthwise convolutions of 1x1.
void make_depthwise(Graph& graph);

// Padding with zeros before a convolution becomes its own.
void fold_pad(Graph& graph);

// The mean over the plane becomes global average pooling.
void mean_to_pool(Graph& graph);

// Transposed convolutions become ordinary ones for each phase of the output, and the interleaving of the phases.
void lower_conv_transpose(Graph& graph);

// Adding another tensor of the same shape to the output of Conv or Dense becomes its residual input. Where both
// operands could take the other, the later one does.
void fuse_residual(Graph& graph);

// Clip (and so ReLU) goes into the clamp of the Conv, Dense, Add, Pool or Clip before it, also where nodes that only
// move values are between.
void fuse_clamp(Graph& graph);

// Of two Reshape or Flatten nodes in a row the first is passed over, and both where they undo each other.
void merge_reshapes(Graph& graph);

// A convolution that reads few channels of a graph input, limited or not, leaves most of a block of input channels
// empty. Its kernel's columns, or for large strides the pixels of a stride, become channels, which the host lays out
// once with the input: 3 channels and 7 columns are 21 channels, strides of 4 make 48.
void unfold_input(Graph& graph);

// Nodes and tensors that no graph output needs go away; graph inputs stay.
void dead_code(Graph& graph);

}  // namespace arco
