// Every broken file under tests/data/bad goes through the command line as a user would give it. Each must end with exit
// code 2, write nothing, and say what tests/data/bad/<kind>.txt holds; ARCO_UPDATE_GOLDEN=1 writes those files anew.
//
// Models are protobuf text, so that they can be read; the test turns them into binary ONNX. A first line "# Keep the
// first N bytes" cuts that short, "# Arguments: ..." adds to the command line.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "arco/base/file.h"
#include "arco/cli/command_line.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

const fs::path kCorpus = ARCO_SOURCE_DIR "/tests/data/bad";

// Binary ONNX from protobuf text.
std::string binary_model(const std::string& text) {
  onnx::ModelProto model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model)) << text;
  return model.SerializeAsString();
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    write_file(folder_ / "network.onnx", binary_model(read_text_file(kCorpus / "network.textproto")));
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What the command says on stderr, with folders left out. Warnings about missing calibration are none of our concern.
  std::string complaint(const Arguments& arguments) const {
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_command_line(arguments, {out, err});
    EXPECT_EQ(code, 2) << testing::PrintToString(arguments) << err.str();
    EXPECT_EQ(out.str(), "");
    EXPECT_FALSE(fs::exists(output_)) << "an output was written";
    std::string text;
    std::istringstream lines(err.str());
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("arco: warning: no --calibrate")) text += line + "\n";
    }
    for (const fs::path& folder : {folder_, kCorpus}) {
      const std::string prefix = folder.string() + "/";
      for (size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) text.erase(at, prefix.size());
    }
    // The list grows with the operators; that it is there is enough.
    return std::regex_replace(text, std::regex("supported operators: Abs, .*"), "supported operators: (all of them)");
  }

  static std::vector<fs::path> files_of(const std::string& kind) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(kCorpus / kind)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  // One block for each file: its name, then the complaint.
  template <typename Command>
  static void compare_with_golden(const std::string& kind, const Command& complaint_of) {
    std::string text;
    for (const fs::path& file : files_of(kind)) {
      SCOPED_TRACE(file.filename().string());
      text += file.filename().string() + "\n";
      std::istringstream lines(complaint_of(file));
      for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
    }
    const fs::path golden = kCorpus / (kind + ".txt");
    if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(golden, text);
    EXPECT_EQ(text, read_text_file(golden)) << "ARCO_UPDATE_GOLDEN=1 writes " << golden << " anew";
  }

  std::string network() const { return (folder_ / "network.onnx").string(); }

  const fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("arco_bad_input_{}", getpid());
  const fs::path output_ = folder_ / "out.arco";
};

TEST_F(BadInput, Models) {
  compare_with_golden("model", [&](const fs::path& file) {
    Arguments arguments{"compile", file.string(), "-o", output_.string()};
    if (file.extension() != ".textproto") return complaint(arguments);
    const std::string text = read_text_file(file);
    std::string bytes = binary_model(text);
    std::smatch match;
    if (std::regex_search(text, match, std::regex("^# Keep the first (\\d+) bytes"))) bytes.resize(stoul(match[1]));
    if (std::regex_search(text, match, std::regex("^# Arguments: (.*)\n"))) {
      std::istringstream words(match[1]);
      for (std::string word; words >> word;) arguments.push_back(word);
    }
    arguments[1] = (folder_ / file.stem()).string() + ".onnx";
    write_file(arguments[1], bytes);
    return complaint(arguments);
  });
}

TEST_F(BadInput, HardwareFiles) {
  compare_with_golden("hardware", [&](const fs::path& file) {
    return complaint({"compile", network(), "-o", output_.string(), "--hardware", file.string()});
  });
}

TEST_F(BadInput, Designs) {
  compare_with_golden("design", [&](const fs::path& file) {
    return complaint({"compile", network(), "-o", output_.string(), "--design", file.string()});
  });
}

// Its hardware is good for any network, so this is a warning only.
TEST_F(BadInput, ADesignForAnotherNetworkIsToldOnceForEachWorkload) {
  std::ostringstream out;
  std::ostringstream err;
  const std::string file = kCorpus / "design_of_another_network.json";
  EXPECT_EQ(run_command_line({"compile", network(), "-o", output_.string(), "--design", file}, {out, err}), 0);
  EXPECT_THAT(err.str(), testing::HasSubstr("warning: the design has no schedule for conv2d n1 3x8x8 -> 2x8x8"));
}

TEST_F(BadInput, Arrays) {
  std::ostringstream ignored;
  const std::string compiled = (folder_ / "network.arco").string();
  ASSERT_EQ(run_command_line({"compile", network(), "-o", compiled}, {ignored, ignored}), 0) << ignored.str();
  compare_with_golden("array", [&](const fs::path& file) {
    return complaint({"run", compiled, "--input", file.string(), "--output", output_.string()});
  });
}

TEST_F(BadInput, Archives) {
  compare_with_golden("archive", [&](const fs::path& file) {
    return complaint({"compile", network(), "-o", output_.string(), "--calibrate", file.string()});
  });
}

}  // namespace
}  // namespace arco
