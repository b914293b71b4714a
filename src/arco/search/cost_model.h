// Learned cost models: gradient-boosted trees (XGBoost) over the features of a configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace arco {

// rows x columns, row-major.
struct FeatureMatrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<float> values;

  FeatureMatrix() = default;
  FeatureMatrix(size_t row_count, size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}
  std::span<float> row(size_t i) { return std::span(values).subspan(i * columns, columns); }
  std::span<const float> row(size_t i) const { return std::span(values).subspan(i * columns, columns); }
  // Adds a zero row and returns it; the span is valid until the next change.
  std::span<float> add_row();
};

enum class TreeLoss : uint8_t {
  kRank,        // pairwise ranking, all rows one group: scores have an order but no unit, and may be negative
  kRegression,  // squared error: predictions are in the unit of the targets
};

// AutoTVM's published values.
struct TreeParameters {
  TreeLoss loss = TreeLoss::kRegression;
  int max_depth = 3;            // few interactions: histories are short
  double eta = 0.3;             // shrinkage of every tree
  double gamma = 1e-4;          // least gain of a split
  double min_child_weight = 1;  // least second-order weight of a leaf
  double subsample = 1;         // share of the rows every tree sees
  double lambda = 1;            // L2 penalty of leaf values
  double alpha = 0;             // L1 penalty of leaf values
  int rounds = 8000;            // at most; the early stop ends far before
  // Stop when a-recall@recall_size on the training rows has not improved for `patience` rounds; 0: never.
  int patience = 20;
  size_t recall_size = 64;
  bool histogram = false;  // split candidates from 256-bin histograms instead of every value: faster on many rows
  int threads = 1;         // the model is the same for any number
};

// Average recall of the top `size` of `targets` by the order of `scores` (ties: the earlier row first), as AutoTVM
// computes it: the mean over n < size of #{i < n : rank_i <= n} / (n + 1), where rank_i is the 0-based rank by target
// of the row with the i-th highest score. In [0, 1).
double average_recall(std::span<const float> scores, std::span<const float> targets, size_t size);

// One boosted model. Larger predictions are better when larger targets were. Deterministic.
class TreeModel {
 public:
  explicit TreeModel(const TreeParameters& parameters = {}, uint64_t seed = 0);
  ~TreeModel();
  TreeModel(TreeModel&&) noexcept;
  TreeModel& operator=(TreeModel&&) noexcept;

  // Learns from scratch; rows are shuffled by the seed. `base_margin` (empty, or one per row) is added to the score
  // before the trees: another model's prediction. All numbers must be finite and rows >= 1, else InternalError.
  void fit(const FeatureMatrix& features, std::span<const float> targets, std::span<const float> base_margin = {});
  bool fitted() const;
  int trees() const;  // built by the last fit

  // One score per row. Thread-safe. InternalError before the first fit or for another number of columns.
  std::vector<float> predict(const FeatureMatrix& features, std::span<const float> base_margin = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct EnsembleParameters {
  int replicas = 5;
  int rounds = 60;                          // of each replica: enough at eta 0.3, and a fit takes tens of milliseconds
  TreeParameters trees{.histogram = true};  // its rounds and patience are not used
  int jobs = 1;                             // replicas fitted at once; the result is the same for any number
};

// Bootstrap replicas of one regression model: their mean predicts, their spread says how sure it is.
class TreeEnsemble {
 public:
  explicit TreeEnsemble(const EnsembleParameters& parameters = {}, uint64_t seed = 0);

  // Each replica learns from rows drawn with replacement. Same requirements as TreeModel::fit.
  void fit(const FeatureMatrix& features, std::span<const float> targets, std::span<const float> base_margin = {});
  bool fitted() const { return !replicas_.empty(); }

  struct Prediction {
    std::vector<float> mean;
    std::vector<float> spread;  // standard deviation over the replicas
  };
  Prediction predict(const FeatureMatrix& features, std::span<const float> base_margin = {}) const;

 private:
  EnsembleParameters parameters_;
  uint64_t seed_;
  std::vector<TreeModel> replicas_;
};

}  // namespace arco
