// One boosted model over the rows of all searches. The ratio of estimate and cost has no unit, so layers of any size
// compare; the workload's descriptor, behind the features, tells the trees which layers are alike. Where the closed
// form is nearly exact there is nothing to teach: layers are left out in turn, and unless the others predict them
// better than the closed form alone does, nothing is taken over.
#include "arco/search/residual_transfer.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"

namespace arco {
namespace {

constexpr size_t kLeastRows = 8;   // of a layer, to learn from it
constexpr size_t kMostTrials = 4;  // layers left out in turn to see whether the others teach anything
constexpr int kRounds = 60;

void put_row(std::span<const float> features, std::span<const float> descriptor, std::span<float> row) {
  std::ranges::copy(descriptor, std::ranges::copy(features, row.begin()).out);
}

// What was measured of one layer, as rows.
struct Lesson {
  FeatureMatrix rows;
  std::vector<float> targets;
};

Lesson lesson_of(const TransferSource& source) {
  const std::vector<float> descriptor = source.space.workload_descriptor();
  std::vector<float> features(source.space.feature_count());
  Lesson lesson{FeatureMatrix(0, features.size() + descriptor.size()), {}};
  for (const Measurement& m : source.results) {
    const Choice choice = source.space.decode(m.index);
    if (m.status != MeasureStatus::kOk || !source.space.legal(choice)) continue;
    source.space.features(choice, features);
    put_row(features, descriptor, lesson.rows.add_row());
    lesson.targets.push_back(static_cast<float>(std::log2(source.space.estimate(choice) / m.cost)));
  }
  return lesson;
}

struct Learned {
  TreeModel trees;
  float mean = 0;
  float highest = 0;

  std::vector<float> predict(const FeatureMatrix& rows) const {
    return trees.predict(rows, std::vector<float>(rows.rows, mean));
  }
};

// Of all lessons but one.
Learned learn_without(const std::vector<Lesson>& lessons, size_t left_out, uint64_t seed) {
  FeatureMatrix rows(0, lessons.front().rows.columns);
  std::vector<float> targets;
  for (size_t l = 0; l < lessons.size(); ++l) {
    if (l == left_out) continue;
    ARCO_CHECK(lessons[l].rows.columns == rows.columns, "searches of different kinds of spaces");
    rows.values.insert(rows.values.end(), lessons[l].rows.values.begin(), lessons[l].rows.values.end());
    rows.rows += lessons[l].rows.rows;
    targets.insert(targets.end(), lessons[l].targets.begin(), lessons[l].targets.end());
  }
  TreeParameters parameters;
  parameters.rounds = kRounds;
  parameters.patience = 0;
  parameters.histogram = true;
  Learned learned{TreeModel(parameters, seed), 0, *std::ranges::max_element(targets)};
  for (const float target : targets) learned.mean += target / static_cast<float>(targets.size());
  learned.trees.fit(rows, targets, std::vector<float>(targets.size(), learned.mean));
  return learned;
}

// Whether each layer would have been predicted better with what the others taught than without.
bool teaches(const std::vector<Lesson>& lessons, uint64_t seed) {
  double with = 0, without = 0;
  for (size_t l = 0; l < std::min(lessons.size(), kMostTrials); ++l) {
    const std::vector<float> predicted = learn_without(lessons, l, seed).predict(lessons[l].rows);
    for (size_t i = 0; i < predicted.size(); ++i) {
      with += std::abs(lessons[l].targets[i] - predicted[i]);
      without += std::abs(lessons[l].targets[i]);
    }
  }
  return with < without;
}

}  // namespace

std::shared_ptr<const ResidualTransfer> ResidualTransfer::learn(std::span<const TransferSource> sources,
                                                                uint64_t seed) {
  std::vector<Lesson> lessons;
  for (const TransferSource& source : sources) {
    lessons.push_back(lesson_of(source));
    if (lessons.back().targets.size() < kLeastRows) lessons.pop_back();
  }
  if (lessons.size() < 2 || !teaches(lessons, seed)) return nullptr;
  Learned all = learn_without(lessons, lessons.size(), seed);
  auto transfer = std::make_shared<ResidualTransfer>();
  transfer->trees_ = std::move(all.trees);
  transfer->mean_ = all.mean;
  transfer->highest_ = all.highest;
  return transfer;
}

std::vector<float> ResidualTransfer::predict(const FeatureMatrix& features, std::span<const float> descriptor) const {
  FeatureMatrix rows(features.rows, features.columns + descriptor.size());
  for (size_t i = 0; i < features.rows; ++i) put_row(features.row(i), descriptor, rows.row(i));
  return trees_.predict(rows, std::vector<float>(features.rows, mean_));
}

}  // namespace arco
