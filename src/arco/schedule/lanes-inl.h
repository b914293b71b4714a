// The same number of several schedules side by side in one vector, and pairs of numbers computed alike: a lower bound
// and an average. Included once for each instruction set (Highway's foreach_target).
#if defined(ARCO_SCHEDULE_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ARCO_SCHEDULE_LANES_INL_H_
#undef ARCO_SCHEDULE_LANES_INL_H_
#else
#define ARCO_SCHEDULE_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "arco/schedule/layer_work.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {

// As many as a register of the instruction set holds, at most four.
#if HWY_TARGET == HWY_AVX2
constexpr size_t kLanes = 4;
#else
constexpr size_t kLanes = 2;
#endif
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));
using Mask = int64_t __attribute__((vector_size(kLanes * sizeof(int64_t))));  // a lane is 0 (false) or -1 (true)

inline Lanes same(double value) {
  return Lanes{} + value;
}
inline bool any(Mask mask) {
#if HWY_TARGET == HWY_AVX2
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask)) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}
inline Lanes select(Mask mask, Lanes if_true, Lanes if_false) {
#if HWY_TARGET == HWY_AVX2
  return _mm256_blendv_pd(if_false, if_true, reinterpret_cast<__m256d>(mask));
#else
  return mask ? if_true : if_false;
#endif
}
inline Lanes only_if(Mask mask, Lanes value) {
  return reinterpret_cast<Lanes>(mask & reinterpret_cast<Mask>(value));
}
inline Lanes max(Lanes a, Lanes b) {
  return a > b ? a : b;
}
inline Lanes min(Lanes a, Lanes b) {
  return a < b ? a : b;
}
// Rounds down numbers from 0 to 2^51: beside 2^52 there is no room for a fraction.
inline Lanes whole(Lanes x) {
  constexpr double kNoFraction = 4503599627370496.0;
  const Lanes rounded = (x + kNoFraction) - kNoFraction;
  return rounded - only_if(rounded > x, same(1));
}

struct Pair {
  Lanes least, mean;

  template <typename T>
  Pair& operator+=(const T& other) {
    return *this = *this + other;
  }
};

inline Pair both(Lanes value) {
  return {value, value};
}
inline Pair operator+(const Pair& a, const Pair& b) {
  return {a.least + b.least, a.mean + b.mean};
}
inline Pair operator+(const Pair& a, Lanes b) {
  return {a.least + b, a.mean + b};
}
inline Pair operator*(Lanes a, const Pair& b) {
  return {a * b.least, a * b.mean};
}
inline Pair operator*(double a, const Pair& b) {
  return {a * b.least, a * b.mean};
}
inline Pair select(Mask mask, const Pair& if_true, const Pair& if_false) {
  return {select(mask, if_true.least, if_false.least), select(mask, if_true.mean, if_false.mean)};
}
inline Pair only_if(Mask mask, const Pair& value) {
  return {only_if(mask, value.least), only_if(mask, value.mean)};
}

// Rows to columns.
inline std::array<Lanes, kLanes> transposed(const std::array<Lanes, kLanes>& r) {
#if HWY_TARGET == HWY_AVX2
  const Lanes even01 = _mm256_unpacklo_pd(r[0], r[1]), odd01 = _mm256_unpackhi_pd(r[0], r[1]);
  const Lanes even23 = _mm256_unpacklo_pd(r[2], r[3]), odd23 = _mm256_unpackhi_pd(r[2], r[3]);
  return {_mm256_permute2f128_pd(even01, even23, 0x20), _mm256_permute2f128_pd(odd01, odd23, 0x20),
          _mm256_permute2f128_pd(even01, even23, 0x31), _mm256_permute2f128_pd(odd01, odd23, 0x31)};
#else
  return {Lanes{r[0][0], r[1][0]}, Lanes{r[0][1], r[1][1]}};
#endif
}

// kLanes structs of numbers side by side: the vector of each number.
using AnyLanes = double __attribute__((vector_size(kLanes * sizeof(double)), aligned(alignof(double)), may_alias));
template <typename Numbers>
class Columns {
 public:
  explicit HWY_INLINE Columns(const std::array<const Numbers*, kLanes>& structs) {
    for (size_t block = 0; block < kBlocks; ++block) {
      std::array<Lanes, kLanes> rows;
      for (size_t i = 0; i < kLanes; ++i) rows[i] = reinterpret_cast<const AnyLanes*>(structs[i])[block];
      columns_[block] = transposed(rows);
    }
  }
  HWY_INLINE Lanes operator[](size_t number) const { return columns_[number / kLanes][number % kLanes]; }
  HWY_INLINE Pair pair(size_t first) const { return {(*this)[first], (*this)[first + 1]}; }

 private:
  static constexpr size_t kBlocks = sizeof(Numbers) / sizeof(Lanes);
  std::array<std::array<Lanes, kLanes>, kBlocks> columns_;
};

// AxisTile of kLanes schedules.
struct AxisLanes {
  Lanes tile, tiles, pairs, odd;
  explicit HWY_INLINE AxisLanes(const Columns<AxisTile>& c) : tile(c[0]), tiles(c[1]), pairs(c[2]), odd(c[3]) {}
};

// PositionSum of kLanes schedules.
struct PositionLanes {
  Pair cycles, beats;
  Lanes fixed_cycles, transfers, merged_transfers, merged_fixed, rows, pad_alu, per_position, least_plane, least_merged;
  explicit HWY_INLINE PositionLanes(const Columns<PositionSum>& c)
      : cycles(c.pair(0)),
        beats(c.pair(2)),
        fixed_cycles(c[4]),
        transfers(c[5]),
        merged_transfers(c[6]),
        merged_fixed(c[7]),
        rows(c[8]),
        pad_alu(c[9]),
        per_position(c[10]),
        least_plane(c[11]),
        least_merged(c[12]) {}
};

// The numbers of kLanes schedules.
class CaseLanes {
 public:
  explicit CaseLanes(const ScheduleCase* cases)
      : two_rows(flags(cases, &ScheduleCase::two_rows)),
        two_channels(flags(cases, &ScheduleCase::two_channels)),
        spatial_outer(flags(cases, &ScheduleCase::spatial_outer)),
        b(axis(cases, &ScheduleCase::b)),
        h(axis(cases, &ScheduleCase::h)),
        w(axis(cases, &ScheduleCase::w)),
        ci(axis(cases, &ScheduleCase::ci)),
        co(axis(cases, &ScheduleCase::co)),
        cases_(cases) {}

  const Mask two_rows, two_channels, spatial_outer;
  const AxisLanes b, h, w, ci, co;

  PositionLanes sums(PositionSum PlaneCosts::*which) const {
    std::array<const PositionSum*, kLanes> sums;
    for (size_t i = 0; i < kLanes; ++i) sums[i] = &(cases_[i].planes->*which);
    return PositionLanes(Columns<PositionSum>(sums));
  }

 private:
  static AxisLanes axis(const ScheduleCase* cases, const AxisTile* ScheduleCase::*which) {
    std::array<const AxisTile*, kLanes> tiles;
    for (size_t i = 0; i < kLanes; ++i) tiles[i] = cases[i].*which;
    return AxisLanes(Columns<AxisTile>(tiles));
  }
  static Mask flags(const ScheduleCase* cases, bool ScheduleCase::*which) {
    Mask result{};
    for (size_t i = 0; i < kLanes; ++i) result[i] = -static_cast<int64_t>(cases[i].*which);
    return result;
  }

  const ScheduleCase* cases_;
};

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#endif  // ARCO_SCHEDULE_LANES_INL_H_
