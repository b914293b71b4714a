// Columns of text, aligned.
#pragma once

#include <string>
#include <vector>

namespace arco {

class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // One cell a column.
  void add(std::vector<std::string> row);
  // Title line, rule, rows; each ends with a newline, none with blanks.
  std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 -> "1,234,567".
std::string grouped(uint64_t value);
// 1536 -> "1.5 KiB".
std::string human_bytes(uint64_t bytes);

}  // namespace arco
