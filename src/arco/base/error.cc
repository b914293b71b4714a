#include "arco/base/error.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace arco {

void ErrorList::throw_if_any() const {
  if (problems_.empty()) return;
  if (problems_.size() == 1) throw UserError(fmt::format("{}: {}", subject_, problems_.front()));
  // A damaged file of thousands of parts should not answer with thousands of lines.
  constexpr size_t kMostShown = 40;
  std::string text = fmt::format("{}: {} problems", subject_, problems_.size());
  const size_t shown = std::min(problems_.size(), kMostShown);
  for (size_t i = 0; i < shown; ++i) text += "\n  - " + problems_[i];
  if (shown < problems_.size()) text += fmt::format("\n  - ... and {} more", problems_.size() - shown);
  throw UserError(text);
}

namespace {

// Letters inserted, left out, replaced, or swapped with their neighbour: the four slips of a typist (optimal string
// alignment). Three rows of the table are enough.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> above2;
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    above2 = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], above2[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  constexpr size_t kShortWord = 4;  // two of its letters are half of it
  size_t best_distance = word.size() <= kShortWord ? 2 : std::max<size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

namespace internal {
void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw InternalError(fmt::format("internal error: {} ({}:{}: {} does not hold)", message, file, line, condition));
}
}  // namespace internal

}  // namespace arco
