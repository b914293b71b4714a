// XGBoost grows the trees; this file feeds it and evaluates them.
//
// Growing. Second-order boosting (Chen and Guestrin, 2016): in every round a tree of depth <= max_depth is fitted to
// gradient G and curvature H of the loss; a split gains G_L^2/(H_L+lambda) + G_R^2/(H_R+lambda) - G^2/(H+lambda), a
// leaf is worth -eta G/(H+lambda). After every round the average recall of the best rows decides about the early stop,
// as AutoTVM does it.
//
// Evaluating. A search asks for a few dozen rows thousands of times, and the library spends longer on preparing such a
// call than on the trees. So the trees are copied out of the model into complete binary trees (level order, shallow
// leaves repeated below themselves) that are walked without a branch:
//
//            0: x[f] < t ?            node <- 2 node + 1 + !(x[f] < t)
//          1           2              leaf  = node - (2^depth - 1)
//        3   4       5   6
//
// The leaves are summed in the order of the trees in float, as the library does it, so the sums are the same bits;
// every fit checks that on the training rows.
#include "arco/search/cost_model.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "arco/base/error.h"
#include "arco/base/parallel.h"
#include "arco/base/random.h"

namespace arco {
namespace {

constexpr float kBaseScore = 0.5F;  // the library's default, where every sum begins without a base margin

void check_xgboost(int code, const char* call) {
  ARCO_CHECK(code == 0, "{} failed: {}", call, XGBGetLastError());
}

struct MatrixHandle {
  DMatrixHandle handle = nullptr;
  MatrixHandle(const FeatureMatrix& features, std::span<const float> targets, std::span<const float> base_margin) {
    check_xgboost(XGDMatrixCreateFromMat(features.values.data(), features.rows, features.columns,
                                         std::numeric_limits<float>::quiet_NaN(), &handle),
                  "XGDMatrixCreateFromMat");
    set("label", targets);
    if (!base_margin.empty()) set("base_margin", base_margin);
  }
  ~MatrixHandle() { XGDMatrixFree(handle); }
  MatrixHandle(const MatrixHandle&) = delete;
  MatrixHandle& operator=(const MatrixHandle&) = delete;

  void set(const char* field, std::span<const float> values) {
    check_xgboost(XGDMatrixSetFloatInfo(handle, field, values.data(), values.size()), "XGDMatrixSetFloatInfo");
  }
};

struct Booster {
  BoosterHandle handle = nullptr;
  Booster(const TreeParameters& p, uint64_t seed, const MatrixHandle& data, size_t rows) {
    check_xgboost(XGBoosterCreate(&data.handle, 1, &handle), "XGBoosterCreate");
    set("verbosity", "0");
    set("nthread", fmt::to_string(std::max(1, p.threads)));
    set("seed", fmt::to_string(seed % 0x7fffffff));
    set("base_score", fmt::to_string(kBaseScore));
    set("tree_method", p.histogram ? "hist" : "exact");
    set("max_depth", fmt::to_string(p.max_depth));
    set("eta", fmt::to_string(p.eta));
    set("gamma", fmt::to_string(p.gamma));
    set("min_child_weight", fmt::to_string(p.min_child_weight));
    set("subsample", fmt::to_string(p.subsample));
    set("lambda", fmt::to_string(p.lambda));
    set("alpha", fmt::to_string(p.alpha));
    set("objective", p.loss == TreeLoss::kRank ? "rank:pairwise" : "reg:squarederror");
    if (p.loss == TreeLoss::kRank) {
      const auto group = static_cast<unsigned>(rows);
      check_xgboost(XGDMatrixSetUIntInfo(data.handle, "group", &group, 1), "XGDMatrixSetUIntInfo");
    }
  }
  ~Booster() { XGBoosterFree(handle); }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  void set(const char* name, const std::string& value) {
    check_xgboost(XGBoosterSetParam(handle, name, value.c_str()), "XGBoosterSetParam");
  }

  // Margins of the rows that the booster was made with; valid until the next call.
  std::span<const float> margins(const MatrixHandle& data) const {
    constexpr int kOutputMargin = 1;
    bst_ulong length = 0;
    const float* values = nullptr;
    check_xgboost(XGBoosterPredict(handle, data.handle, kOutputMargin, 0, 1, &length, &values), "XGBoosterPredict");
    return {values, length};
  }
};

// All trees of a model, padded to one depth.
struct Forest {
  int depth = 0;
  size_t count = 0;
  std::vector<int32_t> feature;  // [count, 2^depth - 1]
  std::vector<float> threshold;  // same; x < threshold goes left
  std::vector<float> leaf;       // [count, 2^depth]

  void add(const nlohmann::json& tree);
  void evaluate(const FeatureMatrix& rows, std::span<float> sums) const;

 private:
  void fill(const nlohmann::json& tree, size_t node, size_t slot, int level);
};

void Forest::add(const nlohmann::json& tree) {
  const size_t nodes = (size_t{1} << depth) - 1;
  ++count;
  feature.resize(count * nodes, 0);
  threshold.resize(count * nodes, std::numeric_limits<float>::infinity());
  leaf.resize(count * (nodes + 1), 0);
  fill(tree, 0, 0, 0);
}

void Forest::fill(const nlohmann::json& tree, size_t node, size_t slot, int level) {
  const size_t nodes = (size_t{1} << depth) - 1;
  const int left = tree.at("left_children").at(node).get<int>();
  const auto value = tree.at("split_conditions").at(node).get<float>();
  if (level == depth) {
    ARCO_CHECK(left == -1, "a tree is deeper than {}", depth);
    leaf[(count - 1) * (nodes + 1) + slot - nodes] = value;
    return;
  }
  // A leaf above the last level stays an always-left split with itself below on both sides.
  const bool is_leaf = left == -1;
  if (!is_leaf) {
    feature[(count - 1) * nodes + slot] = tree.at("split_indices").at(node).get<int32_t>();
    threshold[(count - 1) * nodes + slot] = value;
  }
  const size_t left_node = is_leaf ? node : static_cast<size_t>(left);
  const size_t right_node = is_leaf ? node : tree.at("right_children").at(node).get<size_t>();
  fill(tree, left_node, 2 * slot + 1, level + 1);
  fill(tree, right_node, 2 * slot + 2, level + 1);
}

void Forest::evaluate(const FeatureMatrix& rows, std::span<float> sums) const {
  // Blocks of rows that stay in the first cache while all trees pass over them.
  constexpr size_t kBlock = 64;
  const size_t nodes = (size_t{1} << depth) - 1;
  for (size_t begin = 0; begin < rows.rows; begin += kBlock) {
    const size_t end = std::min(rows.rows, begin + kBlock);
    for (size_t tree = 0; tree < count; ++tree) {
      const int32_t* split = feature.data() + tree * nodes;
      const float* limit = threshold.data() + tree * nodes;
      const float* value = leaf.data() + tree * (nodes + 1);
      for (size_t i = begin; i < end; ++i) {
        const float* x = rows.values.data() + i * rows.columns;
        size_t node = 0;
        for (int level = 0; level < depth; ++level)
          node = 2 * node + 1 + static_cast<size_t>(!(x[split[node]] < limit[node]));
        sums[i] += value[node - nodes];
      }
    }
  }
}

Forest copy_forest(const Booster& booster, int depth) {
  bst_ulong length = 0;
  const char* text = nullptr;
  check_xgboost(XGBoosterSaveModelToBuffer(booster.handle, R"({"format": "json"})", &length, &text),
                "XGBoosterSaveModelToBuffer");
  const auto model = nlohmann::json::parse(text, text + length);
  Forest forest;
  forest.depth = depth;
  for (const auto& tree : model.at("learner").at("gradient_booster").at("model").at("trees")) forest.add(tree);
  return forest;
}

void check_finite(std::span<const float> values, const char* what) {
  for (const float value : values) ARCO_CHECK(std::isfinite(value), "{} of a cost model must be finite", what);
}

// The rows of the given numbers, in that order.
struct TrainingRows {
  FeatureMatrix features;
  std::vector<float> targets;
  std::vector<float> base_margin;
};

TrainingRows select_rows(const std::vector<size_t>& numbers, const FeatureMatrix& features,
                         std::span<const float> targets, std::span<const float> base_margin) {
  ARCO_CHECK(targets.size() == features.rows, "{} targets for {} rows", targets.size(), features.rows);
  ARCO_CHECK(base_margin.empty() || base_margin.size() == features.rows, "{} base margins for {} rows",
             base_margin.size(), features.rows);
  TrainingRows rows{FeatureMatrix(numbers.size(), features.columns), {}, {}};
  for (size_t i = 0; i < numbers.size(); ++i) {
    std::ranges::copy(features.row(numbers[i]), rows.features.row(i).begin());
    rows.targets.push_back(targets[numbers[i]]);
    if (!base_margin.empty()) rows.base_margin.push_back(base_margin[numbers[i]]);
  }
  return rows;
}

// Boosts until the rounds are used up or the early stop fires.
void grow(const Booster& booster, const MatrixHandle& data, const TreeParameters& parameters,
          std::span<const float> targets) {
  double best_recall = -1;
  int best_round = 0;
  for (int round = 0; round < parameters.rounds; ++round) {
    check_xgboost(XGBoosterUpdateOneIter(booster.handle, round, data.handle), "XGBoosterUpdateOneIter");
    if (parameters.patience <= 0) continue;
    const double recall = average_recall(booster.margins(data), targets, parameters.recall_size);
    if (recall > best_recall) {
      best_recall = recall;
      best_round = round;
    } else if (round - best_round >= parameters.patience) {
      return;
    }
  }
}

}  // namespace

std::span<float> FeatureMatrix::add_row() {
  values.resize(++rows * columns, 0.0F);
  return row(rows - 1);
}

double average_recall(std::span<const float> scores, std::span<const float> targets, size_t size) {
  ARCO_CHECK(scores.size() == targets.size(), "{} scores for {} targets", scores.size(), targets.size());
  size = std::min(size, scores.size());
  if (size == 0) return 0;
  std::vector<size_t> order(scores.size());
  const auto descending = [&](std::span<const float> key) {
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return key[a] > key[b]; });
  };
  std::vector<size_t> rank(scores.size());
  descending(targets);
  for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  descending(scores);
  // within[n] = how many of the first n have rank <= n. Row i counts from n = max(i + 1, rank) on.
  std::vector<size_t> enters(size + 1, 0);
  for (size_t i = 0; i < size; ++i) {
    const size_t from = std::max(i + 1, rank[order[i]]);
    if (from < size) ++enters[from];
  }
  double sum = 0;
  size_t within = 0;
  for (size_t n = 0; n < size; ++n) {
    within += enters[n];
    sum += static_cast<double>(within) / static_cast<double>(n + 1);
  }
  return sum / static_cast<double>(size);
}

struct TreeModel::State {
  TreeParameters parameters;
  uint64_t seed = 0;
  size_t columns = 0;
  bool with_margin = false;
  Forest forest;
};

TreeModel::TreeModel(const TreeParameters& parameters, uint64_t seed) : state_(std::make_unique<State>()) {
  ARCO_CHECK(parameters.max_depth >= 1 && parameters.max_depth <= 12, "tree depth {} is outside 1..12",
             parameters.max_depth);
  state_->parameters = parameters;
  state_->seed = seed;
}

TreeModel::~TreeModel() = default;
TreeModel::TreeModel(TreeModel&&) noexcept = default;
TreeModel& TreeModel::operator=(TreeModel&&) noexcept = default;

bool TreeModel::fitted() const {
  return state_->forest.count > 0;
}
int TreeModel::trees() const {
  return static_cast<int>(state_->forest.count);
}

void TreeModel::fit(const FeatureMatrix& features, std::span<const float> targets, std::span<const float> base_margin) {
  ARCO_CHECK(features.rows >= 1 && features.columns >= 1, "a cost model needs at least one row and column");
  check_finite(features.values, "features");
  check_finite(targets, "targets");
  check_finite(base_margin, "base margins");

  std::vector<size_t> order(features.rows);
  std::iota(order.begin(), order.end(), size_t{0});
  Random(state_->seed).shuffle(order);
  const TrainingRows rows = select_rows(order, features, targets, base_margin);
  const MatrixHandle data(rows.features, rows.targets, rows.base_margin);
  const Booster booster(state_->parameters, state_->seed, data, features.rows);
  grow(booster, data, state_->parameters, rows.targets);

  state_->columns = features.columns;
  state_->with_margin = !base_margin.empty();
  state_->forest = copy_forest(booster, state_->parameters.max_depth);
  const std::vector<float> own = predict(rows.features, rows.base_margin);
  const std::span<const float> library = booster.margins(data);
  for (size_t i = 0; i < own.size(); ++i) {
    ARCO_CHECK(std::abs(own[i] - library[i]) <= 1e-4F * (1 + std::abs(library[i])),
               "the copied trees predict {}, XGBoost {}", own[i], library[i]);
  }
}

std::vector<float> TreeModel::predict(const FeatureMatrix& features, std::span<const float> base_margin) const {
  ARCO_CHECK(fitted(), "a cost model was asked before its first fit");
  ARCO_CHECK(features.columns == state_->columns, "the cost model learned {} columns and was asked about {}",
             state_->columns, features.columns);
  ARCO_CHECK(base_margin.size() == (state_->with_margin ? features.rows : 0),
             "{} base margins for {} rows of a model learned {} them", base_margin.size(), features.rows,
             state_->with_margin ? "with" : "without");
  std::vector<float> sums(features.rows, kBaseScore);
  if (state_->with_margin) std::ranges::copy(base_margin, sums.begin());
  state_->forest.evaluate(features, sums);
  return sums;
}

TreeEnsemble::TreeEnsemble(const EnsembleParameters& parameters, uint64_t seed) : parameters_(parameters), seed_(seed) {
  ARCO_CHECK(parameters.replicas >= 1, "an ensemble needs at least one replica");
}

void TreeEnsemble::fit(const FeatureMatrix& features, std::span<const float> targets,
                       std::span<const float> base_margin) {
  ARCO_CHECK(features.rows >= 1, "a cost model needs at least one row and column");
  TreeParameters trees = parameters_.trees;
  trees.rounds = parameters_.rounds;
  trees.patience = 0;
  std::vector<TreeModel> replicas(static_cast<size_t>(parameters_.replicas));
  parallel_for(replicas.size(), parameters_.jobs, [&](size_t replica) {
    Random random = Random(seed_).fork(replica);
    std::vector<size_t> drawn(features.rows);
    for (size_t& row : drawn) row = random.below(features.rows);
    const TrainingRows rows = select_rows(drawn, features, targets, base_margin);
    replicas[replica] = TreeModel(trees, random.next());
    replicas[replica].fit(rows.features, rows.targets, rows.base_margin);
  });
  replicas_ = std::move(replicas);
}

TreeEnsemble::Prediction TreeEnsemble::predict(const FeatureMatrix& features,
                                               std::span<const float> base_margin) const {
  ARCO_CHECK(fitted(), "an ensemble was asked before its first fit");
  std::vector<double> sum(features.rows, 0);
  std::vector<double> squares(features.rows, 0);
  const auto first = replicas_.front().predict(features, base_margin);
  for (size_t replica = 1; replica < replicas_.size(); ++replica) {
    const auto values = replicas_[replica].predict(features, base_margin);
    for (size_t i = 0; i < values.size(); ++i) {
      // Around the first replica: no cancellation when all of them are far from zero.
      const double offset = static_cast<double>(values[i]) - first[i];
      sum[i] += offset;
      squares[i] += offset * offset;
    }
  }
  Prediction prediction{std::vector<float>(features.rows), std::vector<float>(features.rows)};
  const auto n = static_cast<double>(replicas_.size());
  for (size_t i = 0; i < features.rows; ++i) {
    const double mean = sum[i] / n;
    prediction.mean[i] = static_cast<float>(first[i] + mean);
    prediction.spread[i] = static_cast<float>(std::sqrt(std::max(0.0, squares[i] / n - mean * mean)));
  }
  return prediction;
}

}  // namespace arco
