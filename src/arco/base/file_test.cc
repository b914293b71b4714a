#include "arco/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "arco/base/error.h"

namespace arco {
namespace {

namespace fs = std::filesystem;

class WriteFile : public testing::Test {
 protected:
  WriteFile() : folder_(fs::path(testing::TempDir()) / "arco_write_file") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~WriteFile() override { fs::remove_all(folder_); }

  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

TEST_F(WriteFile, MakesFoldersAndReplacesWhatWasThere) {
  write_file(folder_ / "a" / "b.txt", "one");
  write_file(folder_ / "a" / "b.txt", "two");
  EXPECT_EQ(read_text_file(folder_ / "a" / "b.txt"), "two");
  EXPECT_EQ(files(), 1U);
}

TEST_F(WriteFile, LeavesNothingWhenWritingFails) {
  write_file(folder_ / "kept", "old");
  EXPECT_THROW(write_file(folder_ / "kept", [](std::ostream&) { return false; }), RunError);
  EXPECT_EQ(read_text_file(folder_ / "kept"), "old");
  EXPECT_THROW(write_file(folder_, "text"), RunError);
  EXPECT_EQ(files(), 1U);
  EXPECT_FALSE(fs::exists(folder_.string() + ".partial"));
}

TEST_F(WriteFile, AnEmptyNameIsTheUsersMistake) {
  EXPECT_THROW(write_file("", "text"), UserError);
}

TEST_F(WriteFile, KeepsSymbolicLinks) {
  write_file(folder_ / "target", "old");
  fs::create_symlink(folder_ / "target", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_text_file(folder_ / "target"), "new");
}

TEST_F(WriteFile, WritesIntoPipesInsteadOfReplacingThem) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int reader = open(pipe.c_str(), O_RDWR | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file(pipe, "through");
  std::array<char, 16> got{};
  EXPECT_EQ(read(reader, got.data(), got.size()), 7);
  EXPECT_STREQ(got.data(), "through");
  close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(files(), 1U);
}

TEST(ReadFile, EndsThoughTheDeviceDoesNot) {
  EXPECT_THROW(read_text_file("/dev/zero"), UserError);
}

TEST_F(WriteFile, TheBeginningOfAFileIsReadAlone) {
  write_file(folder_ / "a", "abcdef");
  EXPECT_THAT(read_beginning(folder_ / "a", 3), testing::ElementsAre('a', 'b', 'c'));
  EXPECT_EQ(read_beginning(folder_ / "a", 100).size(), 6U);
  EXPECT_TRUE(read_beginning("/dev/zero", 3).empty());
  EXPECT_THROW(read_beginning(folder_ / "absent", 3), UserError);
  EXPECT_THROW(read_beginning(folder_, 3), UserError);
}

}  // namespace
}  // namespace arco
