#include "arco/quant/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "arco/base/random.h"

namespace arco {
namespace {

TEST(Histogram, QuantilesOfEvenValues) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  std::vector<float> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i % 2 == 0 ? i : -i));
  histogram.add(values);
  EXPECT_EQ(histogram.max_abs(), 1000);
  EXPECT_NEAR(histogram.quantile(0.5), 500, 1);
  EXPECT_NEAR(histogram.quantile(0.99), 990, 1);
  EXPECT_EQ(histogram.quantile(1), 1000);
}

TEST(Histogram, ZerosCountAndNothingElseIsLost) {
  Histogram histogram;
  histogram.add(std::vector<float>{0, 0, 0, 4});
  EXPECT_EQ(histogram.quantile(0.75), 0);
  EXPECT_NEAR(histogram.quantile(0.76), 4, 0.001);
  histogram.add(std::vector<float>{INFINITY, NAN});
  EXPECT_EQ(histogram.max_abs(), 4);
}

TEST(Histogram, DoesNotDependOnTheOrderOfSizes) {
  Random random(3);
  std::vector<float> small(500);
  for (float& x : small) x = static_cast<float>(random.normal());
  std::vector<float> large = small;
  for (float& x : large) x *= 3000;
  Histogram first;
  first.add(small);
  first.add(large);
  Histogram second;
  second.add(large);
  second.add(small);
  for (const double share : {0.1, 0.5, 0.6, 0.9, 0.999}) EXPECT_EQ(first.quantile(share), second.quantile(share));
  EXPECT_EQ(first.least_error_range(), second.least_error_range());
}

TEST(Histogram, HoldsTheWholeRangeOfFloat) {
  Histogram histogram;
  const float least = std::numeric_limits<float>::denorm_min();
  const float most = std::numeric_limits<float>::max();
  histogram.add(std::vector<float>{least});
  EXPECT_NEAR(histogram.quantile(1) / static_cast<double>(least), 1, 0.001);
  histogram.add(std::vector<float>{most, least});
  EXPECT_EQ(histogram.max_abs(), static_cast<double>(most));
  EXPECT_LT(histogram.quantile(0.6), static_cast<double>(most) / 4000);
  EXPECT_TRUE(std::isfinite(histogram.least_error_range()));
}

// The chosen power of two against all others, each error counted on the values themselves.
TEST(Histogram, LeastErrorRangeIsTheBestPowerOfTwo) {
  Random random(5);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<float> values(3000);
    const double outlier = std::ldexp(1.0, static_cast<int>(random.between(0, 8)));
    for (float& x : values) x = static_cast<float>(random.normal());
    values[17] = static_cast<float>(4 * outlier);
    Histogram histogram;
    histogram.add(values);
    const auto error = [&](double range) {
      double sum = 0;
      const double step = range / 127;
      for (const float x : values) {
        const double level = std::min(std::round(std::fabs(static_cast<double>(x)) / step), 127.0);
        sum += std::pow(std::fabs(static_cast<double>(x)) - level * step, 2);
      }
      return sum;
    };
    const double chosen = histogram.least_error_range();
    const int exponent = std::ilogb(chosen / 127);
    EXPECT_EQ(chosen, std::ldexp(127.0, exponent));
    double least = error(chosen);
    for (int e = exponent - 6; e <= exponent + 6; ++e) least = std::min(least, error(std::ldexp(127.0, e)));
    EXPECT_LE(error(chosen), 1.02 * least) << "outlier " << 4 * outlier;
  }
}

}  // namespace
}  // namespace arco
