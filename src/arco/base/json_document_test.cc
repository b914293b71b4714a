#include "arco/base/json_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace arco {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Parsed {
  nlohmann::json document;
  std::vector<std::string> problems;
};

Parsed parse(const std::string& text) {
  ErrorList problems("x.json");
  nlohmann::json document = parse_json_object(text, problems);
  return {document, problems.problems()};
}

TEST(JsonDocument, ReadsAnObject) {
  const Parsed parsed = parse(R"({"a": [{"a": 1}, {"a": 2}], "b": null})");
  EXPECT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.document["a"][1]["a"], 2);
}

TEST(JsonDocument, NamesEveryRepeatedKeyAndReadsOn) {
  const Parsed parsed = parse(R"({"a": 1, "b": {"c": 1, "c": 2}, "a": 3})");
  EXPECT_EQ(parsed.document["a"], 3);
  EXPECT_THAT(parsed.problems, ElementsAre("key \"c\" stands in one object more than once; keep one of them",
                                           "key \"a\" stands in one object more than once; keep one of them"));
}

TEST(JsonDocument, RefusesWhatIsNoObject) {
  for (const auto& [text, problem] : std::vector<std::pair<std::string, std::string>>{
           {"", "is empty"},
           {" \n", "is empty"},
           {"[1]", "holds a list; expected a JSON object"},
           {"{", "is not valid JSON: line 1, column 2: the text ends before the document does"},
           {"{\n  \"a\": 1,\n}", "line 3, column 1: '}' is not expected here; is there a comma before it?"},
           {"{\n  \"a\" 1\n}", "line 2, column 7: expected ':' between a key and its value"},
           {R"({"a": 1 "b": 2})", "expected a comma, or the end"},
           {R"({a: 1})", "line 1, column 2: expected a"},
           {R"({"a": 1e999})", "is not valid JSON: a number is larger than any that can be kept"},
           {std::string("\x08\x07\x12\x04", 4), "looks like an ONNX model; expected a JSON object"},
           {std::string("ARCO\x01\0", 6), "looks like a compiled network (.arco)"},
           {"\x93NUMPY\x01", "looks like an array (.npy)"},
           {std::string("PK\x03\x04\0", 5), "looks like an archive such as .npz"},
           {std::string("a\0b", 3), "looks like binary data"},
           {"{\"\xff\": 1}", "is not valid JSON"},
           {std::string(100000, '['), "is not valid JSON"},
           {R"({"a": )" + std::string(100000, '[') + std::string(100000, ']') + "}", "nested more than 64 deep"}}) {
    const Parsed parsed = parse(text);
    EXPECT_TRUE(parsed.document.is_null());
    EXPECT_THAT(parsed.problems, ElementsAre(HasSubstr(problem)));
  }
}

TEST(JsonDocument, ShowsValuesFitForMessages) {
  EXPECT_EQ(shown({{"a", 1}}), "an object");
  EXPECT_EQ(shown("\x1b[31m\xff"), "\"\\u001b[31m\\ufffd\"");
  EXPECT_EQ(shown(std::string(1000, 'a')).size(), 63U);
}

}  // namespace
}  // namespace arco
