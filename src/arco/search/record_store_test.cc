#include "arco/search/record_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/random.h"
#include "arco/search/record_exchange.h"
#include "arco/search/testing_space.h"
#include "arco/search/tuners/registry.h"

namespace arco {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

namespace fs = std::filesystem;

const TestingSpace& testing_space() {
  static const TestingSpace space;
  return space;
}

bool same(const Measurement& a, const Measurement& b) {
  return a.index == b.index && a.status == b.status && a.why == b.why && a.cycles == b.cycles &&
         a.energy_pj == b.energy_pj && a.area_mm2 == b.area_mm2 && a.dram_bytes == b.dram_bytes &&
         a.wall_seconds == b.wall_seconds;
}

bool same(const Record& a, const Record& b) {
  return same(a.measurement, b.measurement) && a.ordinal == b.ordinal && a.choice == b.choice && a.tag == b.tag &&
         a.run.uid == b.run.uid && a.run.tuner == b.run.tuner && a.run.seed == b.run.seed &&
         a.run.options == b.run.options && a.run.command == b.run.command && a.run.created == b.run.created &&
         a.space.key == b.space.key && a.space.knobs == b.space.knobs;
}

bool same(const std::vector<Record>& a, const std::vector<Record>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
}

class RecordStoreTest : public ::testing::Test {
 protected:
  RecordStoreTest() {
    folder_ = fs::temp_directory_path() / fmt::format("arco_record_store_{}_{}", getpid(), counter_++);
    fs::create_directories(folder_);
  }
  ~RecordStoreTest() override { fs::remove_all(folder_); }

  fs::path file(const std::string& name) const { return folder_ / name; }

  // A run of `count` measurements from index `first` on.
  static void fill(RecordStore& store, uint64_t first, size_t count, const std::string& tuner = "random",
                   const std::string& key = "layer 1") {
    const int64_t run = store.add_run({"", tuner, ~uint64_t{0}, {{"population", 100}}, "arco tune x.onnx", 0});
    const int64_t space_id = store.add_space(describe_space(key, testing_space()));
    for (uint64_t i = 0; i < count; ++i) {
      const std::vector<Measurement> batch{measure_one(testing_space(), (first + i) * 37 % testing_space().size())};
      const std::vector<std::string> tags{fmt::format("tag {}", i)};
      store.add(run, space_id, testing_space(), batch, tags);
    }
  }

  fs::path folder_;
  static inline int counter_ = 0;
};

TEST_F(RecordStoreTest, KeepsEverythingInOrder) {
  {
    RecordStore store(file("new/deep/records.db"));
    fill(store, 0, 50);
  }
  const RecordStore store(file("new/deep/records.db"), StoreMode::kMustExist);
  EXPECT_EQ(store.size(), 50U);
  const auto known = store.known("layer 1", testing_space());
  ASSERT_EQ(known.size(), 50U);
  for (uint64_t i = 0; i < 50; ++i) EXPECT_TRUE(same(known[i], measure_one(testing_space(), i * 37)));
  EXPECT_TRUE(store.known("layer 2", testing_space()).empty());
  const auto record = store.records().at(3);
  EXPECT_EQ(record.run.seed, ~uint64_t{0});
  EXPECT_EQ(record.run.options, nlohmann::json({{"population", 100}}));
  EXPECT_GT(record.run.created, 0);
  EXPECT_EQ(record.ordinal, 3U);
  EXPECT_EQ(record.tag, "tag 3");
  EXPECT_EQ(record.choice.size(), 7U);
  EXPECT_EQ(record.space.knobs.at(4).at("name"), "tile_h");
}

TEST_F(RecordStoreTest, KnownNamesEveryConfigurationOnce) {
  RecordStore store(file("a.db"));
  fill(store, 0, 10);
  fill(store, 5, 10);
  EXPECT_EQ(store.size(), 20U);
  EXPECT_EQ(store.known("layer 1", testing_space()).size(), 15U);
}

TEST_F(RecordStoreTest, MergingLosesAndDoublesNothing) {
  RecordStore a(file("a.db"));
  fill(a, 0, 30);
  {
    RecordStore b(file("b.db"));
    fill(b, 10, 30, "genetic");
    fill(b, 0, 5, "genetic", "layer 2");
  }
  EXPECT_EQ(a.merge(file("b.db")), 35U);
  EXPECT_EQ(a.merge(file("b.db")), 0U);
  EXPECT_EQ(a.size(), 65U);
  EXPECT_EQ(a.runs().size(), 3U);
  EXPECT_EQ(a.spaces().size(), 2U);
  EXPECT_EQ(a.known("layer 1", testing_space()).size(), 40U);

  {
    RecordStore b(file("b.db"));
    EXPECT_EQ(b.merge(file("a.db")), 30U);
    EXPECT_EQ(b.size(), 65U);
  }
  EXPECT_THAT([&] { a.merge(file("a.db")); }, ThrowsMessage<UserError>(HasSubstr("merge into")));
  EXPECT_THAT([&] { a.merge(file("none.db")); }, ThrowsMessage<UserError>(HasSubstr("no such record store")));
}

TEST_F(RecordStoreTest, CopiesOfOneRunThatWentOnSeparatelyMeetAgain) {
  { RecordStore(file("a.db")).add_run({"the run", "random", 1, {}, "", 0}); }
  fs::copy_file(file("a.db"), file("b.db"));
  RecordStore a(file("a.db"));
  RecordStore b(file("b.db"));
  const auto add = [](RecordStore& store, uint64_t index) {
    const int64_t space_id = store.add_space(describe_space("k", testing_space()));
    const std::vector<Measurement> one{measure_one(testing_space(), index)};
    store.add(store.add_run({"the run", "", 0, {}, "", 0}), space_id, testing_space(), one);
  };
  add(a, 10);
  add(b, 20);  // the same ordinal
  EXPECT_EQ(a.merge(file("b.db")), 1U);
  EXPECT_EQ(a.merge(file("b.db")), 0U);
  EXPECT_EQ(a.runs().size(), 1U);
  EXPECT_EQ(a.known("k", testing_space()).size(), 2U);
}

TEST_F(RecordStoreTest, ExportAndImportAreLossless) {
  RecordStore a(file("a.db"));
  fill(a, 0, 40);
  fill(a, 7, 5, "genetic", "layer \"2\"\n\xff");
  const std::string text = export_autotvm_log(a);
  RecordStore b(file("b.db"));
  EXPECT_EQ(import_autotvm_log(b, text, "log"), 45U);
  EXPECT_EQ(import_autotvm_log(b, text, "log"), 0U);
  EXPECT_EQ(export_autotvm_log(b), text);
  const auto from_a = a.records("layer 1");
  EXPECT_TRUE(same(from_a, b.records("layer 1")));
  EXPECT_EQ(from_a.size(), 40U);

  const auto line = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(line.at("config").at("index"), 0);
  EXPECT_TRUE(line.at("config").at("code_hash").is_null());
  EXPECT_EQ(line.at("config").at("entity").at(4), nlohmann::json::parse(R"(["tile_h", "sp", [-1, 1]])"));
  EXPECT_EQ(line.at("config").at("entity").at(2), nlohmann::json::parse(R"(["h_threads", "ot", 1])"));
  EXPECT_DOUBLE_EQ(line.at("result").at(0).at(0), measure_one(testing_space(), 0).cycles / 100e6);
  EXPECT_EQ(line.at("version"), 0.2);
}

TEST_F(RecordStoreTest, ReadsWhatAutoTvmWrites) {
  const std::string text =
      R"({"input": ["ext_dev", "conv2d_packed.vta", [["TENSOR", [1, 16], "int8"], [1, 1]], {}], "config": {"index": 8, )"
      R"("code_hash": null, "entity": [["tile_b", "sp", [-1, 1]], ["h_nthread", "ot", 2]]}, "result": [[0.002, 0.004], 0, )"
      R"(0.5, 1600000000.5], "version": 0.2, "tvm_version": "0.8.0"})"
      "\r\n\n"
      R"({"input": ["ext_dev", "dense", [], {}], "config": {"index": 9, "code_hash": null, "entity": []}, )"
      R"("result": [[1000000000.0], 6, 10, 1600000001], "version": 0.2, "tvm_version": "0.8.0"})";
  RecordStore store(file("a.db"));
  EXPECT_EQ(import_autotvm_log(store, text, "log"), 2U);
  EXPECT_EQ(import_autotvm_log(store, text, "log"), 0U);
  const auto records = store.records();
  EXPECT_EQ(records[0].measurement.index, 8U);
  EXPECT_DOUBLE_EQ(records[0].measurement.cycles, 300'000);
  EXPECT_EQ(records[0].choice, nlohmann::json({{"tile_b", 1}, {"h_nthread", 2}}));
  EXPECT_THAT(records[0].space.key, HasSubstr("conv2d_packed.vta"));
  EXPECT_EQ(records[1].measurement.status, MeasureStatus::kFailed);
}

TEST_F(RecordStoreTest, BadLinesAreAllNamedAndNothingIsAdded) {
  RecordStore a(file("a.db"));
  fill(a, 0, 3);
  const std::string good = export_autotvm_log(a);
  auto negative = nlohmann::json::parse(good.substr(0, good.find('\n')));
  negative["arco"]["cycles"] = -5;
  negative["result"][1] = 0;
  RecordStore b(file("b.db"));
  const std::string text = good + "not json\n{}\n" + negative.dump() + "\n";
  EXPECT_THAT([&] { import_autotvm_log(b, text, "my.log"); },
              ThrowsMessage<UserError>(
                  AllOf(HasSubstr("my.log"), HasSubstr("line 4"), HasSubstr("line 5"), HasSubstr("line 6"))));
  EXPECT_EQ(b.size(), 0U);
  EXPECT_THROW(import_autotvm_log(b, std::string(1000, '['), "deep"), UserError);
}

TEST_F(RecordStoreTest, SaysWhatIsWrongWithAFile) {
  const auto open = [&](const char* name) { return [this, name] { RecordStore store(file(name)); }; };
  EXPECT_THAT([&] { RecordStore store(file("none.db"), StoreMode::kMustExist); },
              ThrowsMessage<UserError>(HasSubstr("no such record store")));

  write_file(file("text.db"),
             "this is a text of more than a hundred bytes, which is certainly not a database, "
             "whatever its name says about that\n");
  EXPECT_THAT(open("text.db"), ThrowsMessage<UserError>(HasSubstr("not an SQLite database")));

  {
    SQLite::Database(file("foreign.db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("CREATE TABLE t (x)");
  }
  const auto before = read_file(file("foreign.db"));
  EXPECT_THAT(open("foreign.db"), ThrowsMessage<UserError>(HasSubstr("not a record store of ARCO")));
  EXPECT_EQ(read_file(file("foreign.db")), before);

  { RecordStore store(file("future.db")); }
  { SQLite::Database(file("future.db").string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99"); }
  EXPECT_THAT(open("future.db"), ThrowsMessage<UserError>(AllOf(HasSubstr("version 99"), HasSubstr("version 1"))));

  { RecordStore store(file("tables.db")); }
  { SQLite::Database(file("tables.db").string(), SQLite::OPEN_READWRITE).exec("DROP TABLE records"); }
  EXPECT_THAT([&] { RecordStore(file("tables.db")).records(); }, ThrowsMessage<UserError>(HasSubstr("damaged")));

  fs::create_directories(file("folder.db"));
  EXPECT_THAT(open("folder.db"), ThrowsMessage<UserError>(HasSubstr("cannot be opened")));

  write_file(file("empty.db"), "");
  EXPECT_EQ(RecordStore(file("empty.db")).size(), 0U);
}

TEST_F(RecordStoreTest, DamageIsAnErrorAndNeverACrash) {
  {
    RecordStore store(file("good.db"));
    fill(store, 0, 300);
  }
  const auto good = read_file(file("good.db"));
  Random random(1);
  size_t noticed = 0;
  for (int round = 0; round < 40; ++round) {
    auto bad = good;
    if (round % 4 == 0) {
      bad.resize(1 + random.below(bad.size() - 1));
    } else {
      for (int i = 0; i < 40; ++i) bad[random.below(bad.size())] = static_cast<uint8_t>(random.below(256));
    }
    write_file(file("bad.db"), bad);
    try {
      RecordStore store(file("bad.db"));
      store.known("layer 1", testing_space());
      export_autotvm_log(store);
    } catch (const UserError&) {
      ++noticed;
    }
    for (const char* rest : {"bad.db-wal", "bad.db-shm"}) fs::remove(file(rest));
  }
  EXPECT_GE(noticed, 20U);
}

TEST_F(RecordStoreTest, RecordsThatDoNotFitTheSpaceAreDamage) {
  RecordStore store(file("a.db"));
  fill(store, 0, 3);
  SQLite::Database raw(file("a.db").string(), SQLite::OPEN_READWRITE);
  raw.exec("UPDATE records SET point = 999999999 WHERE ordinal = 1");
  EXPECT_THAT([&] { store.known("layer 1", testing_space()); }, ThrowsMessage<UserError>(HasSubstr("999999999")));
  raw.exec("UPDATE records SET point = 1 WHERE ordinal = 1");
  EXPECT_THAT([&] { store.known("layer 1", testing_space()); },
              ThrowsMessage<UserError>(HasSubstr("configuration 1 ")));
  raw.exec("UPDATE records SET status = 77 WHERE ordinal = 1");
  EXPECT_THAT([&] { store.records(); }, ThrowsMessage<UserError>(HasSubstr("status 77")));
  raw.exec("UPDATE records SET choice = '{', status = 0 WHERE ordinal = 1");
  EXPECT_THAT([&] { store.records(); }, ThrowsMessage<UserError>(HasSubstr("choice is not JSON")));

  SpaceDescription other = describe_space("layer 1", testing_space());
  other.knobs.erase(0);
  EXPECT_THAT([&] { store.add_space(other); }, ThrowsMessage<UserError>(HasSubstr("other knobs")));
}

TEST_F(RecordStoreTest, ALockIsNamed) {
  RecordStore store(file("a.db"), StoreMode::kOpenOrCreate, 10);
  const int64_t run = store.add_run({"", "random", 1, {}, "", 0});
  const int64_t space_id = store.add_space(describe_space("k", testing_space()));
  SQLite::Database other(file("a.db").string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const std::vector<Measurement> one{measure_one(testing_space(), 5)};
  EXPECT_THAT([&] { store.add(run, space_id, testing_space(), one); },
              ThrowsMessage<UserError>(HasSubstr("another process holds")));
  other.exec("COMMIT");
  store.add(run, space_id, testing_space(), one);
  EXPECT_EQ(store.size(), 1U);
}

TEST_F(RecordStoreTest, OurOwnNonsenseIsABug) {
  RecordStore store(file("a.db"));
  const int64_t run = store.add_run({"", "random", 1, {}, "", 0});
  const int64_t space_id = store.add_space(describe_space("k", testing_space()));
  std::vector<Measurement> batch{measure_one(testing_space(), 5), measure_one(testing_space(), 6)};
  batch[1].status = MeasureStatus::kOk;
  batch[1].cycles = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(store.add(run, space_id, testing_space(), batch), InternalError);
  EXPECT_EQ(store.size(), 0U);
}

TEST_F(RecordStoreTest, ATunerContinuesFromTheStore) {
  RecordStore store(file("a.db"));
  const int64_t space_id = store.add_space(describe_space("k", testing_space()));
  const auto tune = [&](size_t trials) {
    const int64_t run = store.add_run({"", "genetic", 1, {}, "", 0});
    const auto tuner = make_tuner("genetic", testing_space(), nullptr, 1);
    const auto measure = recording_measurer(testing_measurer(testing_space()), store, run, space_id, testing_space(),
                                            [](uint64_t index) { return fmt::format("asked {}", index); });
    return run_tuner(*tuner, measure, trials, 16, store.known("k", testing_space()));
  };
  tune(100);
  EXPECT_EQ(store.size(), 100U);
  EXPECT_EQ(tune(250).history.size(), 250U);
  EXPECT_EQ(store.size(), 250U);
  EXPECT_EQ(store.known("k", testing_space()).size(), 250U);
  EXPECT_EQ(tune(250).history.size(), 250U);
  EXPECT_EQ(store.size(), 250U);
  const auto last = store.records().back();
  EXPECT_EQ(last.tag, fmt::format("asked {}", last.measurement.index));
}

// Writes batches of four until it is killed; after each one it says so through the pipe.
[[noreturn]] void write_until_killed(const fs::path& path, int pipe) {
  try {
    RecordStore store(path);
    const int64_t run = store.add_run({"", "random", 1, {}, "", 0});
    const int64_t space_id = store.add_space(describe_space("k", testing_space()));
    for (uint64_t i = store.size(); i < testing_space().size(); i += 4) {
      std::vector<Measurement> batch;
      for (uint64_t j = 0; j < 4; ++j) batch.push_back(measure_one(testing_space(), i + j));
      store.add(run, space_id, testing_space(), batch);
      if (write(pipe, "x", 1) != 1) break;
    }
  } catch (...) {
  }
  _exit(1);
}

TEST_F(RecordStoreTest, KillingTheWriterAtAnyMomentLosesNothing) {
  testing_space();  // before the fork, so that every child has it
  { RecordStore store(file("a.db")); }
  Random random(7);
  size_t acknowledged = 0;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(file("a.db"), ends[1]);
    close(ends[1]);
    char byte = 0;
    const uint64_t batches = random.below(20);
    for (uint64_t i = 0; i < batches && read(ends[0], &byte, 1) == 1; ++i) acknowledged += 4;
    usleep(static_cast<useconds_t>(random.below(3000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(ends[0], &byte, 1) == 1) acknowledged += 4;
    close(ends[0]);

    const RecordStore store(file("a.db"));
    const auto known = store.known("k", testing_space());
    ASSERT_GE(known.size(), acknowledged);
    ASSERT_LE(known.size(), acknowledged + 4);  // stored, but killed before it could say so
    ASSERT_EQ(known.size() % 4, 0U);
    for (size_t i = 0; i < known.size(); ++i) ASSERT_TRUE(same(known[i], measure_one(testing_space(), i)));
    acknowledged = known.size();
  }
  EXPECT_GT(acknowledged, 200U);
}

}  // namespace
}  // namespace arco
