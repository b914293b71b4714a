// Opening an SQLite file as a record store: its marks, its tables, and what can be wrong with it.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <utility>

namespace arco {

// Checks that the file is a record store of this version, or makes an empty file into one.
void open_schema(SQLite::Database& database, const std::filesystem::path& path);

// Turns what SQLite says into an error that says what to do.
[[noreturn]] void rethrow_sqlite(const SQLite::Exception& error, const std::filesystem::path& path);

template <typename Work>
auto with_sqlite_errors(const std::filesystem::path& path, const Work& work) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    rethrow_sqlite(error, path);
  }
}

}  // namespace arco
