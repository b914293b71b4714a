#include "arco/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arco/base/error.h"

namespace arco {

void TextTable::add(std::vector<std::string> row) {
  ARCO_CHECK(row.size() == columns_.size(), "{} cells in {} columns", row.size(), columns_.size());
  rows_.push_back(std::move(row));
}

std::string TextTable::to_string() const {
  std::vector<size_t> widths;
  std::vector<std::string> titles;
  std::vector<std::string> rule;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(columns_[i].title.size());
    for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
    titles.push_back(columns_[i].title);
    rule.emplace_back(widths[i], '-');
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) text += "  ";
      text += columns_[i].align == Align::kLeft ? fmt::format("{:<{}}", cells[i], widths[i])
                                                : fmt::format("{:>{}}", cells[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  append(titles);
  append(rule);
  for (const auto& row : rows_) append(row);
  return text;
}

std::string grouped(uint64_t value) {
  std::string text = std::to_string(value);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string human_bytes(uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace arco
