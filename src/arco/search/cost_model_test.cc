#include "arco/search/cost_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/random.h"

namespace arco {
namespace {

struct Data {
  FeatureMatrix features;
  std::vector<float> targets;
};

// y = 3 x0 - 2 [x1 > 0.5] + x2 x3, with x4 as noise.
Data make_data(size_t rows, uint64_t seed) {
  Random random(seed);
  Data data{FeatureMatrix(rows, 5), {}};
  for (size_t i = 0; i < rows; ++i) {
    auto x = data.features.row(i);
    for (float& value : x) value = static_cast<float>(random.uniform());
    data.targets.push_back(3 * x[0] - 2 * static_cast<float>(x[1] > 0.5F) + x[2] * x[3]);
  }
  return data;
}

double correlation(std::span<const float> a, std::span<const float> b) {
  double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sa += a[i];
    sb += b[i];
    saa += a[i] * a[i];
    sbb += b[i] * b[i];
    sab += a[i] * b[i];
  }
  const auto n = static_cast<double>(a.size());
  return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

TEST(AverageRecall, FollowsItsDefinition) {
  // Order by score: 2, 0, 1 with ranks 0, 1, 2. recall(0)=0, recall(1)=1/2, recall(2)=2/3.
  const std::vector<float> scores{0.5F, 0.1F, 0.9F};
  const std::vector<float> targets{2, 1, 3};
  EXPECT_NEAR(average_recall(scores, targets, 3), (0 + 1.0 / 2 + 2.0 / 3) / 3, 1e-12);
  // Reversed scores: ranks 2, 1, 0. recall(1): rank 2 > 1, so 0; recall(2): both <= 2.
  const std::vector<float> reversed{0.5F, 0.9F, 0.1F};
  EXPECT_NEAR(average_recall(reversed, targets, 3), (0 + 0.0 + 2.0 / 3) / 3, 1e-12);
  EXPECT_EQ(average_recall({}, {}, 64), 0);
}

TEST(AverageRecall, GrowsWithTheOrderAndIgnoresTheScale) {
  std::vector<float> targets(100), noise(100), scaled(100);
  Random random(1);
  for (size_t i = 0; i < 100; ++i) {
    targets[i] = static_cast<float>(i);
    noise[i] = static_cast<float>(random.uniform());
    scaled[i] = targets[i] * 0.01F - 7;
  }
  EXPECT_EQ(average_recall(scaled, targets, 16), average_recall(targets, targets, 16));
  EXPECT_LT(average_recall(noise, targets, 16), average_recall(targets, targets, 16));
}

TEST(TreeModel, RegressionLearnsAFunctionItHasNotSeenAllOf) {
  const Data train = make_data(600, 1);
  const Data test = make_data(300, 2);
  TreeParameters parameters;
  parameters.rounds = 100;
  parameters.patience = 0;
  TreeModel model(parameters, 3);
  EXPECT_FALSE(model.fitted());
  model.fit(train.features, train.targets);
  EXPECT_EQ(model.trees(), 100);
  EXPECT_GT(correlation(model.predict(test.features), test.targets), 0.98);
}

TEST(TreeModel, RankingOrdersAndStopsEarly) {
  const Data train = make_data(300, 1);
  const Data test = make_data(300, 2);
  TreeParameters parameters;
  parameters.loss = TreeLoss::kRank;
  TreeModel model(parameters, 3);
  model.fit(train.features, train.targets);
  EXPECT_GT(model.trees(), 20);
  EXPECT_LT(model.trees(), 2000);
  EXPECT_GT(correlation(model.predict(test.features), test.targets), 0.9);
}

TEST(TreeModel, HistogramsLearnToo) {
  const Data train = make_data(600, 1);
  const Data test = make_data(300, 2);
  TreeParameters parameters;
  parameters.rounds = 100;
  parameters.patience = 0;
  parameters.histogram = true;
  TreeModel model(parameters, 3);
  model.fit(train.features, train.targets);
  EXPECT_GT(correlation(model.predict(test.features), test.targets), 0.98);
}

TEST(TreeModel, SameBytesForAnyNumberOfThreads) {
  const Data train = make_data(100, 1);
  for (const auto loss : {TreeLoss::kRank, TreeLoss::kRegression}) {
    for (const bool histogram : {false, true}) {
      std::vector<std::vector<float>> predictions;
      for (const int threads : {1, 2, 1}) {
        TreeParameters parameters;
        parameters.loss = loss;
        parameters.rounds = 5;
        parameters.threads = threads;
        parameters.histogram = histogram;
        TreeModel model(parameters, 7);
        model.fit(train.features, train.targets);
        predictions.push_back(model.predict(train.features));
      }
      EXPECT_EQ(predictions[0], predictions[1]);
      EXPECT_EQ(predictions[0], predictions[2]);
    }
  }
}

TEST(TreeModel, BaseMarginLeavesOnlyTheResidualToTheTrees) {
  const Data train = make_data(300, 1);
  const Data test = make_data(300, 2);
  TreeParameters parameters;
  parameters.rounds = 3;
  parameters.patience = 0;
  TreeModel without(parameters, 1);
  without.fit(train.features, train.targets);
  TreeModel with(parameters, 1);
  with.fit(train.features, train.targets, train.targets);
  const auto corrected = with.predict(test.features, test.targets);
  for (size_t i = 0; i < corrected.size(); ++i) EXPECT_NEAR(corrected[i], test.targets[i], 1e-3);
  EXPECT_LT(correlation(without.predict(test.features), test.targets), 0.999);
  EXPECT_THROW(with.predict(test.features), InternalError);
  EXPECT_THROW(without.predict(test.features, test.targets), InternalError);
}

TEST(TreeModel, OneRowAndConstantTargetsAreLearnable) {
  FeatureMatrix one(1, 2);
  TreeModel model;
  model.fit(one, std::vector<float>{2});
  EXPECT_EQ(model.predict(one).size(), 1U);
  FeatureMatrix many(50, 2);
  model.fit(many, std::vector<float>(50, 1.0F));
  EXPECT_NEAR(model.predict(many)[7], 1, 0.1);
}

TEST(TreeModel, WrongInputIsAnError) {
  TreeModel model;
  FeatureMatrix features(2, 2);
  EXPECT_THROW(model.predict(features), InternalError);
  EXPECT_THROW(model.fit(FeatureMatrix(0, 2), {}), InternalError);
  EXPECT_THROW(model.fit(features, std::vector<float>{1}), InternalError);
  EXPECT_THROW(model.fit(features, std::vector<float>{1, std::numeric_limits<float>::infinity()}), InternalError);
  features.row(1)[0] = std::nanf("");
  EXPECT_THROW(model.fit(features, std::vector<float>{1, 2}), InternalError);
  features.row(1)[0] = 1;
  model.fit(features, std::vector<float>{1, 2});
  EXPECT_THROW(model.predict(FeatureMatrix(1, 3)), InternalError);
}

TEST(TreeEnsemble, MeanPredictsAndSpreadGrowsWhereNothingWasSeen) {
  Data train = make_data(400, 1);
  // Nothing seen at x0 > 0.5.
  for (size_t i = 0; i < train.features.rows; ++i) {
    auto x = train.features.row(i);
    x[0] *= 0.5F;
    train.targets[i] = 3 * x[0] - 2 * static_cast<float>(x[1] > 0.5F) + x[2] * x[3];
  }
  TreeEnsemble ensemble({}, 5);
  EXPECT_FALSE(ensemble.fitted());
  ensemble.fit(train.features, train.targets);
  const auto prediction = ensemble.predict(train.features);
  EXPECT_GT(correlation(prediction.mean, train.targets), 0.98);
  for (const float spread : prediction.spread) EXPECT_GE(spread, 0);

  TreeEnsemble again({}, 5);
  again.fit(train.features, train.targets);
  EXPECT_EQ(again.predict(train.features).mean, prediction.mean);
  EXPECT_EQ(again.predict(train.features).spread, prediction.spread);
  TreeEnsemble other({}, 6);
  other.fit(train.features, train.targets);
  EXPECT_NE(other.predict(train.features).mean, prediction.mean);
}

TEST(TreeEnsemble, SpreadIsLargerWithFewRows) {
  const Data few = make_data(10, 1);
  const Data many = make_data(800, 1);
  const Data test = make_data(200, 2);
  const auto mean_spread = [&](const Data& data) {
    TreeEnsemble ensemble({}, 5);
    ensemble.fit(data.features, data.targets);
    double sum = 0;
    for (const float spread : ensemble.predict(test.features).spread) sum += spread;
    return sum;
  };
  EXPECT_GT(mean_spread(few), 2 * mean_spread(many));
}

}  // namespace
}  // namespace arco
