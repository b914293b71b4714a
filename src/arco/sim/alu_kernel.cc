// Each operation is a function of two vectors; the walk over steps is the same for all. Steps are executed in order
// because a step may read what an earlier one wrote. Where one micro-op walks neighbouring entries (inner factors 1),
// the inner loop becomes one long run, unless its source lies behind its destination and overlaps it. Shifts by a
// tensor are rare and done lane by lane. Source: vta-isa 3.5.
#include "arco/sim/alu_kernel.h"

#include <algorithm>

#include "arco/sim/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arco/sim/alu_kernel.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#include "arco/base/error.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls step(dst, src, count): entries [dst, dst + count) from those at src.
template <class Step>
HWY_INLINE void for_each_run(const AluTask& task, const Step& step) {
  const LoopFields& loop = task.loop;
  for (size_t o = 0; o < loop.iter_out; ++o) {
    const size_t dst_base = o * loop.dst_out, src_base = o * loop.src_out;
    if (task.uops.size() == 1 && loop.dst_in == 1 && loop.src_in == 1) {
      const size_t dst = dst_base + task.uops[0].dst, src = src_base + task.uops[0].src;
      if (src >= dst || src + loop.iter_in <= dst) {
        step(dst, src, loop.iter_in);
        continue;
      }
    }
    for (size_t i = 0; i < loop.iter_in; ++i) {
      for (const MicroOp& uop : task.uops) {
        step(dst_base + i * loop.dst_in + uop.dst, src_base + i * loop.src_in + uop.src, 1);
      }
    }
  }
}

template <bool kImmediate, class Vector>
HWY_INLINE void walk(const AluTask& task, const Vector& vector) {
  const size_t entry = static_cast<size_t>(task.lanes);
  const AluOp op = task.loop.alu_op;
  const int32_t imm = task.loop.imm;
  for_each_run(task, [&](size_t dst_index, size_t src_index, size_t entries) HWY_ATTR {
    const hn::ScalableTag<int32_t> full;
    const hn::CappedTag<int32_t, 4> four;
    int32_t* dst = task.acc + dst_index * entry;
    const int32_t* src = task.acc + src_index * entry;
    const int32_t* x = kImmediate ? src : dst;
    const size_t count = entries * entry;
    size_t i = 0;
    for (; i + hn::Lanes(full) <= count; i += hn::Lanes(full)) {
      const auto y = kImmediate ? hn::Set(full, imm) : hn::LoadU(full, src + i);
      hn::StoreU(vector(full, hn::LoadU(full, x + i), y), full, dst + i);
    }
    for (; i + hn::Lanes(four) <= count; i += hn::Lanes(four)) {
      const auto y = kImmediate ? hn::Set(four, imm) : hn::LoadU(four, src + i);
      hn::StoreU(vector(four, hn::LoadU(four, x + i), y), four, dst + i);
    }
    for (; i < count; ++i) dst[i] = alu_lane(op, x[i], kImmediate ? imm : src[i]);
  });
}

template <class Vector>
HWY_INLINE void walk_any(const AluTask& task, const Vector& vector) {
  if (task.loop.use_imm) {
    walk<true>(task, vector);
  } else {
    walk<false>(task, vector);
  }
}

void shift_by_immediate(const AluTask& task) {
  const int32_t imm = task.loop.imm;
  if (imm >= 0) {
    const int bits = std::min(imm, 31);
    walk_any(task, [=](auto, auto x, auto) HWY_ATTR { return hn::ShiftRightSame(x, bits); });
  } else if (imm > -32) {
    walk_any(task, [=](auto, auto x, auto) HWY_ATTR { return hn::ShiftLeftSame(x, -imm); });
  } else {
    walk_any(task, [](auto d, auto, auto) HWY_ATTR { return hn::Zero(d); });
  }
}

void shift_by_tensor(const AluTask& task) {
  const size_t entry = static_cast<size_t>(task.lanes);
  for_each_run(task, [&](size_t dst, size_t src, size_t entries) {
    for (size_t i = 0; i < entries * entry; ++i) {
      int32_t& x = task.acc[dst * entry + i];
      x = alu_lane(AluOp::kShr, x, task.acc[src * entry + i]);
    }
  });
}

void alu(const AluTask& task) {
  switch (task.loop.alu_op) {
    case AluOp::kMin:
      return walk_any(task, [](auto, auto x, auto y) HWY_ATTR { return hn::Min(x, y); });
    case AluOp::kMax:
      return walk_any(task, [](auto, auto x, auto y) HWY_ATTR { return hn::Max(x, y); });
    case AluOp::kAdd:
      return walk_any(task, [](auto, auto x, auto y) HWY_ATTR { return hn::Add(x, y); });
    case AluOp::kShr:
      return task.loop.use_imm ? shift_by_immediate(task) : shift_by_tensor(task);
    case AluOp::kMul:
      return walk_any(task, [](auto, auto x, auto y) HWY_ATTR { return hn::Mul(x, y); });
    case AluOp::kClp:
      return walk_any(task,
                      [](auto d, auto x, auto y) HWY_ATTR { return hn::Max(hn::Min(x, y), hn::Sub(hn::Zero(d), y)); });
    case AluOp::kMov:
      return walk_any(task, [](auto, auto, auto y) HWY_ATTR { return y; });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arco {

HWY_EXPORT(alu);

void run_alu(const AluTask& task) {
  HWY_DYNAMIC_DISPATCH(alu)(task);
}

int32_t alu_lane(AluOp op, int32_t x, int32_t y) {
  const auto wrap = [](uint32_t value) { return static_cast<int32_t>(value); };
  const uint32_t ux = static_cast<uint32_t>(x), uy = static_cast<uint32_t>(y);
  switch (op) {
    case AluOp::kMin:
      return std::min(x, y);
    case AluOp::kMax:
      return std::max(x, y);
    case AluOp::kAdd:
      return wrap(ux + uy);
    case AluOp::kShr:
      if (y >= 0) return x >> std::min(y, 31);
      return y > -32 ? wrap(ux << -y) : 0;
    case AluOp::kMul:
      return wrap(ux * uy);
    case AluOp::kClp:
      return std::max(std::min(x, y), wrap(0 - uy));
    case AluOp::kMov:
      return y;
  }
  ARCO_CHECK(false, "unknown ALU operation {}", static_cast<int>(op));
}

}  // namespace arco
#endif  // HWY_ONCE
