// arco records on the store of a short search.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "arco/base/file.h"
#include "arco/cli/command_line.h"
#include "arco/onnx/test_model.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class RecordsCommand : public testing::Test {
 protected:
  RecordsCommand() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_records_command_{}", getpid())) {
    fs::create_directories(folder_);
    testing_support::TestModel model;
    model.input("x", {1, 16, 8, 8}).weights("w", {32, 16, 3, 3});
    model.node("Conv", {"x", "w"}, {"y"}).output("y");
    write_file(folder_ / "net.onnx", model.bytes());
  }
  ~RecordsCommand() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  int run(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_command_line(arguments, {out, err});
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  void tune(const std::string& output, const std::string& tuner) {
    ASSERT_EQ(run({"tune", path("net.onnx"), "-o", path(output), "--space", "paper", "--tuner", tuner, "--trials", "96",
                   "--layer-trials", "4", "--no-reference"}),
              0)
        << err_;
  }
  Json json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    EXPECT_EQ(run(arguments), 0) << err_;
    return Json::parse(out_);
  }

  fs::path folder_;
  std::string out_, err_;
};

TEST_F(RecordsCommand, Summarises) {
  tune("design", "random");
  ASSERT_EQ(run({"records", path("design")}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("space "));
  EXPECT_THAT(out_, HasSubstr("\nnetwork of conv2d n1 16x8x8 -> 32x6x6 k3x3"));
  EXPECT_THAT(out_, HasSubstr("arco tune " + path("net.onnx")));
  EXPECT_THAT(out_, testing::ContainsRegex("\n[0-9]+ records, [0-9]+ of them ok\n$"));
  const Json all = json({"records", path("design")});
  ASSERT_EQ(all["runs"].size(), 1U);
  EXPECT_EQ(all["runs"][0]["tuner"], "random");
  EXPECT_EQ(all["runs"][0]["records"], all["records"]);
  EXPECT_EQ(json({"records", path("design/records.db")}), all);
  EXPECT_EQ(json({"records", path("design"), "--tuner", "arco"})["records"], 0);
  EXPECT_THAT(err_, HasSubstr("no record matches; the store has "));
  EXPECT_THAT(err_, HasSubstr(" records of the spaces "));
  ASSERT_EQ(run({"records", path("design"), "--space", "zzz", "--best", "3"}), 0);
  EXPECT_THAT(err_, HasSubstr("no record matches"));
  EXPECT_LT(json({"records", path("design"), "--space", "network of"})["records"], all["records"]);
}

TEST_F(RecordsCommand, ListsTheFastest) {
  tune("design", "arco");
  const Json best = json({"records", path("design"), "--best", "3", "--space", "network of"});
  ASSERT_EQ(best.size(), 3U);
  EXPECT_LE(best[0]["cycles"], best[1]["cycles"]);
  EXPECT_LE(best[1]["cycles"], best[2]["cycles"]);
  EXPECT_TRUE(best[0]["choice"].contains("tile_h"));
  ASSERT_EQ(run({"records", path("design"), "--best", "1"}), 0);
  EXPECT_THAT(out_, testing::ContainsRegex("^ *cycles +mm\\^2 +uJ +tuner +why asked +choice +space\n"));
}

TEST_F(RecordsCommand, ExportsAndImportsWithoutLossOrDoubles) {
  tune("design", "random");
  const Json before = json({"records", path("design")});
  ASSERT_EQ(run({"records", path("design"), "--export", path("log.json")}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("exported  " + before["records"].dump() + " records to "));
  ASSERT_EQ(run({"records", path("new.db"), "--import", path("log.json")}), 0) << err_;
  EXPECT_EQ(out_, "imported  " + path("log.json") + ": " + before["records"].dump() + " new records\n");
  EXPECT_EQ(json({"records", path("new.db")}), before);
  ASSERT_EQ(run({"records", path("new.db"), "--import", path("log.json")}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(": 0 new records\n"));
  ASSERT_EQ(run({"records", path("new.db"), "--export", path("again.json")}), 0) << err_;
  EXPECT_EQ(read_text_file(path("again.json")), read_text_file(path("log.json")));
  const std::string log = read_text_file(path("log.json"));
  const Json line = Json::parse(log.substr(0, log.find('\n')));
  EXPECT_EQ(line["version"], 0.2);
  EXPECT_EQ(line["input"].size(), 4U);
  EXPECT_EQ(line["result"].size(), 4U);
}

TEST_F(RecordsCommand, MergesStores) {
  tune("one", "random");
  tune("two", "genetic");
  const Json one = json({"records", path("one")});
  const Json two = json({"records", path("two")});
  const uint64_t sum = one["records"].get<uint64_t>() + two["records"].get<uint64_t>();
  EXPECT_EQ(json({"records", path("all.db"), "--merge", path("one"), "--merge", path("two")})["records"], sum);
  EXPECT_EQ(json({"records", path("all.db"), "--merge", path("one")})["records"], sum);
  EXPECT_EQ(json({"records", path("all.db")})["runs"].size(), 2U);
}

TEST_F(RecordsCommand, WrongUse) {
  tune("design", "random");
  write_file(folder_ / "bad.json", "{\"input\": 3}\n\nnot json\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"records"}, "STORE"},
      {{"records", path("nothing.db")}, "there is no such record store"},
      {{"records", path("net.onnx")}, "not an SQLite database"},
      {{"records", path("design"), "--best", "0"}, "--best"},
      {{"records", path("design"), "--import", path("nothing.json")}, "nothing.json"},
      {{"records", path("design"), "--import", path("bad.json")}, "line 1: not a record"},
      {{"records", path("design"), "--import", path("bad.json")}, "line 3, column 2: expected a value"},
      {{"records", path("design"), "--merge", path("design")}, "the record store to merge into"},
      {{"records", path("design"), "--merge", path("nothing")}, "there is no such record store"},
      {{"records", path("design"), "--export", path("design/records.db")}, "is the record store itself"},
  };
  const Json before = json({"records", path("design")});
  for (const auto& [arguments, said] : cases) {
    EXPECT_EQ(run(arguments), 2) << said;
    EXPECT_THAT(err_, HasSubstr(said));
  }
  EXPECT_EQ(json({"records", path("design")}), before);
  EXPECT_FALSE(fs::exists(folder_ / "nothing.db"));
}

}  // namespace
}  // namespace arco
