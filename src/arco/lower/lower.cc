#include "arco/lower/lower.h"

#include "arco/base/error.h"
#include "arco/lower/lowering.h"
#include "arco/schedule/legality.h"

namespace arco {

TensorView LayerContext::output_view() const {
  TensorView view;
  view.base = base_of(SegmentKind::kOutput, hardware.out_element_bytes());
  view.ratio = geometry.out_ratio;
  view.groups = geometry.co_blocks / geometry.out_ratio;
  view.rows = workload.oh;
  view.columns = workload.ow;
  return view;
}

TensorView LayerContext::residual_view() const {
  TensorView view = output_view();
  if (workload.pool) {
    view.rows = workload.pool->h;
    view.columns = workload.pool->w;
  }
  view.base = base_of(SegmentKind::kResidual, hardware.out_element_bytes());
  return view;
}

Box LayerContext::output_box(const TileIndex& tile) const {
  const int64_t groups = schedule.tile_co / geometry.out_ratio;
  return {tile.b * schedule.tile_b, schedule.tile_b, tile.co * groups,         groups,
          tile.h * schedule.tile_h, schedule.tile_h, tile.w * schedule.tile_w, schedule.tile_w};
}

// What the sums begin with: the tile of the convolution's results, which may reach beyond them where they are pooled.
Box LayerContext::residual_box(const TileIndex& tile) const {
  Box box = output_box(tile);
  if (workload.pool) {
    box.row = box.row * workload.pool->stride_h - workload.pool->pads[0];
    box.column = box.column * workload.pool->stride_w - workload.pool->pads[1];
    box.row_count = geometry.conv_rows;
    box.column_count = geometry.conv_cols;
  }
  return box;
}

int64_t LayerContext::base_of(SegmentKind kind, int64_t element_bytes) const {
  const Segment* segment = program.find(kind);
  return segment == nullptr ? 0 : static_cast<int64_t>(segment->address) / element_bytes;
}

namespace {

void add_segment(Program& program, SegmentKind kind, int64_t bytes) {
  uint64_t address = kPageBytes;
  if (!program.segments.empty()) {
    const Segment& before = program.segments.back();
    address = (before.address + before.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  program.segments.push_back({kind, to_string(kind), address, static_cast<uint64_t>(bytes)});
}

void map_tensors(const Workload& w, const HardwareConfig& hw, const Geometry& g, Program& program) {
  const bool conv = w.kind == WorkloadKind::kConv2d;
  const int64_t input_element = conv ? hw.inp_element_bytes() : hw.out_element_bytes();
  const int64_t pixel_bytes = g.batch_blocks * g.co_blocks * hw.out_element_bytes();
  const int64_t output_bytes = pixel_bytes * w.oh * w.ow;
  add_segment(program, SegmentKind::kInput, g.batch_blocks * g.ci_blocks * w.h * w.w * input_element);
  if (w.has_second_input()) {
    add_segment(program, SegmentKind::kResidual, pixel_bytes * w.conv_oh() * w.conv_ow());
  }
  if (conv)
    add_segment(program, SegmentKind::kWeight, g.co_blocks * g.wgt_blocks * w.kh * w.kw * hw.wgt_element_bytes());
  if (g.bias_tile > 0)
    add_segment(program, SegmentKind::kBias, (conv ? g.co_blocks * w.bias_rows() : 1) * hw.acc_element_bytes());
  add_segment(program, SegmentKind::kOutput, output_bytes);
}

// False if the micro-ops do not fit their buffer all at once.
bool emit(const Workload& w, const Schedule& s, const HardwareConfig& hw, const LayerNumbers& numbers,
          const Geometry& g, bool resident, Program& program) {
  program.instructions.clear();
  program.micro_ops.clear();
  Emitter emitter(program, resident);
  const LayerContext layer{w, s, hw, numbers.sums, numbers.stage, g, program, emitter};
  switch (w.kind) {
    case WorkloadKind::kConv2d:
      lower_conv(layer);
      break;
    case WorkloadKind::kMaxPool:
    case WorkloadKind::kAveragePool:
      lower_pool(layer);
      break;
    case WorkloadKind::kAdd:
      lower_add(layer);
      break;
  }
  emitter.finish();
  return emitter.micro_ops_fit();
}

}  // namespace

LayerNumbers typical_numbers(const Workload& w) {
  const AddScales typical_scales{{16384, 16384}, 8};
  LayerNumbers numbers;
  numbers.sums.shift = w.shift_out ? 8 : 0;
  numbers.sums.low = w.symmetric_clamp ? -127 : 0;
  numbers.sums.residual_shift = w.shift_residual ? 4 : 0;
  numbers.sums.add_shifts = {w.shift_residual ? 2 : 0, 0};
  if (w.channel_scales && w.kind == WorkloadKind::kAdd) {
    numbers.sums.add_scales = typical_scales;
  } else if (w.channel_scales) {
    numbers.sums.channels.emplace().shift = 8;
  }
  if (w.pools_averages()) {
    numbers.stage.shift = kImmediateShift + 5;
    numbers.stage.low = w.pool->symmetric_clamp ? -127 : 0;
  }
  if (w.add) {
    numbers.stage.shift = w.add->shift_out ? 8 : 0;
    numbers.stage.low = w.add->symmetric_clamp ? -127 : 0;
    numbers.stage.add_shifts = {w.add->shift_operand ? 2 : 0, 0};
    if (w.add->scales) numbers.stage.add_scales = typical_scales;
  }
  return numbers;
}

Program lower(const Workload& w, const Schedule& s, const HardwareConfig& hw, const LayerNumbers& numbers) {
  ARCO_CHECK(broken_rule(w, s, hw) == Rule::kNone, "{}: {}", w.to_string(), why_illegal(w, s, hw));
  ARCO_CHECK(!w.pools_averages() || numbers.stage.shift > kImmediateShift, "averages shifted by {}",
             numbers.stage.shift);
  Program program;
  program.name = w.to_string();
  program.hardware = hw;
  const Geometry g = geometry_of(w, s, hw);
  map_tensors(w, hw, g, program);
  if (!emit(w, s, hw, numbers, g, true, program)) emit(w, s, hw, numbers, g, false, program);
  add_segment(program, SegmentKind::kUop,
              static_cast<int64_t>(program.micro_ops.size()) * HardwareConfig::kUopElementBytes);
  add_segment(program, SegmentKind::kInstruction, static_cast<int64_t>(program.instructions.size() * 16));
  const auto uop_base =
      static_cast<uint32_t>(program.find(SegmentKind::kUop)->address / HardwareConfig::kUopElementBytes);
  for (Instruction& instruction : program.instructions) {
    const MemoryFields& memory = instruction.memory;
    const bool micro_ops = instruction.opcode == Opcode::kLoad && memory.type == MemoryType::kUop && memory.x_size > 0;
    if (micro_ops) instruction.memory.dram_base += uop_base;
  }
  return program;
}

}  // namespace arco
