// The attributes of every operator, listed once: visit_fields(op, field) calls field("name", op.member) for each.
// Whatever treats attributes alike (files, comparison) is written as one `field`.
#pragma once

#include "arco/graph/graph.h"

namespace arco {

template <typename Field>
void visit_fields(Conv& op, Field&& field) {
  field("strides", op.strides);
  field("dilations", op.dilations);
  field("pads", op.pads);
  field("groups", op.groups);
  field("clamp", op.clamp);
}

template <typename Field>
void visit_fields(ConvTranspose& op, Field&& field) {
  field("strides", op.strides);
  field("dilations", op.dilations);
  field("pads", op.pads);
  field("output_padding", op.output_padding);
  field("groups", op.groups);
  field("clamp", op.clamp);
}

template <typename Field>
void visit_fields(Dense& op, Field&& field) {
  field("clamp", op.clamp);
}

template <typename Field>
void visit_fields(BatchNorm& op, Field&& field) {
  field("epsilon", op.epsilon);
}

template <typename Field>
void visit_fields(Add& op, Field&& field) {
  field("clamp", op.clamp);
}

template <typename Field>
void visit_fields(Clip& op, Field&& field) {
  field("clamp", op.clamp);
}

// The kind of Pool, Unary, Binary and Reduce is part of the operator's name.
template <typename Field>
void visit_fields(Pool& op, Field&& field) {
  field("kernel", op.kernel);
  field("strides", op.strides);
  field("dilations", op.dilations);
  field("pads", op.pads);
  field("ceil_mode", op.ceil_mode);
  field("count_include_pad", op.count_include_pad);
  field("global", op.global);
  field("clamp", op.clamp);
}

template <typename Field>
void visit_fields(Reshape& op, Field&& field) {
  field("target", op.target);
}

template <typename Field>
void visit_fields(Flatten& op, Field&& field) {
  field("axis", op.axis);
}

template <typename Field>
void visit_fields(Lrn& op, Field&& field) {
  field("size", op.size);
  field("alpha", op.alpha);
  field("beta", op.beta);
  field("bias", op.bias);
}

template <typename Field>
void visit_fields(Softmax& op, Field&& field) {
  field("axis", op.axis);
  field("flatten_to_2d", op.flatten_to_2d);
  field("logarithm", op.logarithm);
}

template <typename Field>
void visit_fields(Concat& op, Field&& field) {
  field("axis", op.axis);
}

template <typename Field>
void visit_fields(Identity& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(MatMul& op, Field&& field) {
  field("transpose_a", op.transpose_a);
  field("transpose_b", op.transpose_b);
  field("alpha", op.alpha);
  field("beta", op.beta);
}

template <typename Field>
void visit_fields(UnfoldColumns& op, Field&& field) {
  field("kernel", op.kernel);
  field("stride", op.stride);
  field("dilation", op.dilation);
  field("pads", op.pads);
}

template <typename Field>
void visit_fields(Transpose& op, Field&& field) {
  field("perm", op.perm);
}

template <typename Field>
void visit_fields(Unary& op, Field&& field) {
  field("alpha", op.alpha);
  field("beta", op.beta);
}

template <typename Field>
void visit_fields(Binary& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(Where& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(Reduce& op, Field&& field) {
  field("axes", op.axes);
  field("keep_dims", op.keep_dims);
}

template <typename Field>
void visit_fields(Cast& op, Field&& field) {
  field("to", op.to);
}

template <typename Field>
void visit_fields(Slice& op, Field&& field) {
  field("starts", op.starts);
  field("ends", op.ends);
  field("axes", op.axes);
  field("steps", op.steps);
}

template <typename Field>
void visit_fields(Pad& op, Field&& field) {
  field("mode", op.mode);
  field("pads", op.pads);
  field("value", op.value);
}

template <typename Field>
void visit_fields(Gather& op, Field&& field) {
  field("axis", op.axis);
}

template <typename Field>
void visit_fields(Expand& op, Field&& field) {
  field("target", op.target);
}

template <typename Field>
void visit_fields(Resize& op, Field&& field) {
  field("mode", op.mode);
  field("coordinates", op.coordinates);
  field("rounding", op.rounding);
  field("sizes", op.sizes);
  field("scales", op.scales);
  field("cubic_a", op.cubic_a);
  field("exclude_outside", op.exclude_outside);
}

template <typename Field>
void visit_fields(QuantizeLinear& op, Field&& field) {
  field("axis", op.axis);
  field("type", op.type);
}

template <typename Field>
void visit_fields(DequantizeLinear& op, Field&& field) {
  field("axis", op.axis);
}

template <typename Field>
void visit_fields(Table& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(Quantize& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(Dequantize& /*op*/, Field&& /*field*/) {}

template <typename Field>
void visit_fields(Requantize& numbers, Field&& field) {
  field("shift", numbers.shift);
  field("low", numbers.low);
  field("high", numbers.high);
  field("residual_shift", numbers.residual_shift);
  field("add_shifts", numbers.add_shifts);
  field("multiplier", numbers.multiplier);
  field("channels", numbers.channels);
  field("add_scales", numbers.add_scales);
  field("zeros", numbers.zeros);
}

template <typename Field>
void visit_fields(ChannelRequantize& channels, Field&& field) {
  field("multipliers", channels.multipliers);
  field("residual_multipliers", channels.residual_multipliers);
  field("shift", channels.shift);
}

template <typename Field>
void visit_fields(AddScales& scales, Field&& field) {
  field("multipliers", scales.multipliers);
  field("shift", scales.shift);
}

template <typename Field>
void visit_fields(ZeroPoints& zeros, Field&& field) {
  field("output", zeros.output);
  field("offset", zeros.offset);
  field("pad", zeros.pad);
}

template <typename Field>
void visit_fields(Clamp& clamp, Field&& field) {
  field("low", clamp.low);
  field("high", clamp.high);
}

}  // namespace arco
