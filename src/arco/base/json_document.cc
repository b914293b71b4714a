// The parser reports every key and every level while it works; a document that nests too deeply is dropped then, before
// anything could walk it recursively.
#include "arco/base/json_document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace arco {

using Json = nlohmann::json;

namespace {

constexpr int kMaxNesting = 64;
constexpr size_t kMaxShown = 60;
// A parsed value takes some thirty bytes for each that it has as text.
constexpr size_t kMaxTextBytes = size_t{16} << 20;

std::string cut(std::string text) {
  if (text.size() <= kMaxShown) return text;
  return text.substr(0, kMaxShown) + "...";
}

// "a list" and the like.
const char* kind_of(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return "a text";
  return value.is_number() ? "a number" : value.is_boolean() ? "true or false" : "null";
}

// What is wrong at the character (counted from 1, as the parser does) where the parser stopped.
std::string syntax_problem(std::string_view text, size_t byte, const std::string& parser) {
  const auto says = [&](const char* words) { return parser.find(words) != std::string::npos; };
  if (says("unexpected end of input")) return "the text ends before the document does";
  if (says("missing closing quote")) return "a text has no closing quotation mark";
  if (says("UTF-8")) return "these bytes are no UTF-8 text";
  if (says("control character")) return "a control character stands in a text";
  const char c = byte >= 1 && byte <= text.size() ? text[byte - 1] : ' ';
  if (c == '/') return "JSON has no comments";
  if (says("invalid literal") && says("object key")) return "expected a key in quotation marks";
  if (says("invalid literal")) return "expected a value: a number, a text in quotation marks, true, false or null";
  if (says("invalid number")) return "a number is not written as JSON has it";
  if (says("expected end of input")) return "something follows after the end of the document";
  if (c == '}' || c == ']') return fmt::format("'{}' is not expected here; is there a comma before it?", c);
  if (says("object separator")) return "expected ':' between a key and its value";
  if (says("expected ',' or") || says("expected '}'") || says("expected ']'")) return "expected a comma, or the end";
  if (says("object key")) return "expected a key in quotation marks";
  return "this is not expected here";
}

// Watches the parser: levels and repeated keys.
class Watch {
 public:
  explicit Watch(ErrorList& problems) : problems_(problems) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    too_deep_ = too_deep_ || depth > kMaxNesting;
    if (too_deep_) return false;
    const auto level = static_cast<size_t>(depth);
    if (event == Json::parse_event_t::object_start) {
      keys_.resize(std::max(keys_.size(), level + 2));
      keys_[level + 1].clear();
    } else if (event == Json::parse_event_t::key && !keys_[level].insert(parsed.get_ref<const std::string&>()).second) {
      problems_.add("key {} stands in one object more than once; keep one of them", shown(parsed));
    }
    return true;
  }
  bool too_deep() const { return too_deep_; }

 private:
  ErrorList& problems_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open, by level
  bool too_deep_ = false;
};

}  // namespace

std::string json_syntax_error(std::string_view text, const Json::exception& error, size_t first_line) {
  const auto* syntax = dynamic_cast<const Json::parse_error*>(&error);
  if (syntax == nullptr) return "a number is larger than any that can be kept";
  const size_t byte = std::min(syntax->byte, text.size() + 1);
  const std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  const size_t line = first_line + static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return fmt::format("line {}, column {}: {}", line, column, syntax_problem(text, byte, error.what()));
}

const char* binary_kind(std::string_view text) {
  constexpr size_t kLooked = 512;
  const std::string_view start = text.substr(0, kLooked);
  if (start.starts_with("ARCO")) return "a compiled network (.arco)";
  if (start.starts_with("\x93NUMPY")) return "an array (.npy)";
  if (start.starts_with("PK\x03\x04")) return "an archive such as .npz";
  if (start.starts_with("SQLite format 3")) return "a record store (records.db)";
  // An ONNX file begins with its field 1, the version of the format.
  if (start.size() > 1 && start[0] == '\x08' && start[1] > 0 && start[1] < ' ') return "an ONNX model";
  const bool binary = std::ranges::any_of(start, [](char c) { return c >= 0 && c < '\t'; });
  return binary ? "binary data" : nullptr;
}

std::string shown(const Json& value) {
  if (value.is_structured()) return kind_of(value);
  return cut(value.dump(-1, ' ', true, Json::error_handler_t::replace));
}

Json parse_json_object(std::string_view text, ErrorList& problems) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    problems.add("is empty; expected a JSON object");
    return nullptr;
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    problems.add("is UTF-16 text; save it as UTF-8");
    return nullptr;
  }
  if (text.size() > kMaxTextBytes) {
    problems.add("has {} bytes of JSON; expected at most {}", text.size(), kMaxTextBytes);
    return nullptr;
  }
  if (const char* kind = binary_kind(text)) {
    problems.add("looks like {}; expected a JSON object", kind);
    return nullptr;
  }
  Watch watch(problems);
  try {
    Json document = Json::parse(
        text, [&](int depth, Json::parse_event_t event, Json& value) { return watch(depth, event, value); });
    if (watch.too_deep()) {
      problems.add("values are nested more than {} deep", kMaxNesting);
    } else if (!document.is_object()) {
      problems.add("holds {}; expected a JSON object {{...}}", kind_of(document));
    } else {
      return document;
    }
  } catch (const Json::exception& error) {
    problems.add("is not valid JSON: {}", json_syntax_error(text, error));
  }
  return nullptr;
}

}  // namespace arco
