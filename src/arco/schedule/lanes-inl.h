// The same number of several schedules side by side in one vector, and pairs of numbers computed alike: a lower bound
// and an average. Included once for each instruction set (Highway's foreach_target).
#if defined(ARCO_SCHEDULE_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ARCO_SCHEDULE_LANES_INL_H_
#undef ARCO_SCHEDULE_LANES_INL_H_
#else
#define ARCO_SCHEDULE_LANES_INL_H_
#endif

#include <hwy/highway.h>

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
  return mask ? if_true : if_false;
}
inline Lanes only_if(Mask mask, Lanes value) {
  return mask ? value : Lanes{};
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

// The numbers of kLanes schedules.
class CaseLanes {
 public:
  explicit CaseLanes(const ScheduleCase* cases)
      : two_rows(flags(cases, &ScheduleCase::two_rows)),
        two_channels(flags(cases, &ScheduleCase::two_channels)),
        spatial_outer(flags(cases, &ScheduleCase::spatial_outer)),
        cases_(cases) {}

  const Mask two_rows, two_channels, spatial_outer;

  Lanes axis(const AxisTile* ScheduleCase::*which, double AxisTile::*field) const {
    Lanes result{};
    for (size_t i = 0; i < kLanes; ++i) result[i] = cases_[i].*which->*field;
    return result;
  }
  Lanes tile(const AxisTile* ScheduleCase::*which) const { return axis(which, &AxisTile::tile); }
  Lanes tiles(const AxisTile* ScheduleCase::*which) const { return axis(which, &AxisTile::tiles); }

  // The same field of each schedule's PositionSum.
  Lanes number(PositionSum PlaneCosts::*sum, double PositionSum::*field) const {
    Lanes result{};
    for (size_t i = 0; i < kLanes; ++i) result[i] = cases_[i].planes->*sum.*field;
    return result;
  }
  Pair pair(PositionSum PlaneCosts::*sum, Two PositionSum::*field) const {
    Pair result{};
    for (size_t i = 0; i < kLanes; ++i) {
      result.least[i] = (cases_[i].planes->*sum.*field)[kLeast];
      result.mean[i] = (cases_[i].planes->*sum.*field)[kMean];
    }
    return result;
  }

 private:
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
