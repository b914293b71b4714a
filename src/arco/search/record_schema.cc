// SQLite keeps two numbers in the header of a file for its users: application_id says whose file it is, user_version
// which layout its tables have. A file of somebody else is refused before anything is written to it.
//
// With the write-ahead log and synchronous = NORMAL a commit is one append to the log without waiting for the disk: the
// operating system has it, so killing the process loses nothing; losing power may lose the last commits, never more.
#include "arco/search/record_schema.h"

#include <sqlite3.h>

#include "arco/base/error.h"

namespace arco {
namespace {

constexpr int kApplicationId = 0x4152434f;  // "ARCO"
constexpr int kVersion = 1;

constexpr const char* kTables = R"(
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  tuner TEXT NOT NULL,
  seed INTEGER NOT NULL,
  options TEXT NOT NULL,
  command TEXT NOT NULL,
  created INTEGER NOT NULL
);
CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  knobs TEXT NOT NULL
);
CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL REFERENCES spaces (id),
  run INTEGER NOT NULL REFERENCES runs (id),
  ordinal INTEGER NOT NULL,
  point INTEGER NOT NULL,
  choice TEXT NOT NULL,
  status INTEGER NOT NULL,
  why TEXT NOT NULL,
  cycles REAL NOT NULL,
  energy REAL NOT NULL,
  area REAL NOT NULL,
  dram_bytes INTEGER NOT NULL,
  wall REAL NOT NULL,
  tag TEXT NOT NULL,
  UNIQUE (space, run, ordinal, point)
);
)";

int pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

bool is_empty(SQLite::Database& database) {
  return database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
}

void check_marks(SQLite::Database& database, const std::filesystem::path& path) {
  if (pragma(database, "application_id") != kApplicationId) {
    fail_user("{}: this SQLite database is not a record store of ARCO. Name another file.", path.string());
  }
  const int version = pragma(database, "user_version");
  if (version != kVersion) {
    fail_user(
        "{}: this record store has version {}, and this program reads version {}. Use the program that wrote it to "
        "export its records, or name a new file.",
        path.string(), version, kVersion);
  }
}

void create_tables(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  if (!is_empty(database)) return;  // another process was faster
  database.exec(kTables);
  database.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kVersion));
  transaction.commit();
}

}  // namespace

void open_schema(SQLite::Database& database, const std::filesystem::path& path) {
  const bool is_new = is_empty(database) && pragma(database, "application_id") == 0;
  if (!is_new) check_marks(database, path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
  if (is_new) create_tables(database);
  check_marks(database, path);
  const std::string damage = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (damage != "ok") {
    fail_user(
        "{}: the record store is damaged ({}). Save what is readable with \"sqlite3 {} .recover\", or name a new file.",
        path.string(), damage, path.string());
  }
}

void rethrow_sqlite(const SQLite::Exception& error, const std::filesystem::path& path) {
  const std::string file = path.string();
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_NOTADB:
      fail_user("{}: the file is not an SQLite database, so it is no record store. Name another file.", file);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:  // a table or column is missing
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
      fail_user(
          "{}: the record store is damaged ({}). Save what is readable with \"sqlite3 {} .recover\", or name a new "
          "file.",
          file, error.what(), file);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail_user("{}: another process holds the record store. Wait for it to end, or name another file.", file);
    case SQLITE_CANTOPEN:
      fail_user("{}: the record store cannot be opened. Does the folder exist, and may you read and write the file?",
                file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      fail_user("{}: the record store is not writable. Change its permissions, or name another file.", file);
    case SQLITE_FULL:
    case SQLITE_IOERR:
      throw RunError(fmt::format("{}: writing records failed ({}). Is the disk full?", file, error.what()));
    default:
      throw InternalError(fmt::format("{}: SQLite says: {}", file, error.what()));
  }
}

}  // namespace arco
