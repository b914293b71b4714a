#include "arco/graph/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>

#include "arco/base/error.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Bytes = std::vector<uint8_t>;

void append(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}
void append(Bytes& bytes, uint32_t value, int width) {
  for (int i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// A .npy file with any header text; `elements` are its raw bytes.
template <typename T>
Bytes npy_file(const std::string& header, const std::vector<T>& elements, char major = 1) {
  Bytes bytes;
  append(bytes, std::string_view("\x93NUMPY", 6));
  append(bytes, std::string_view(&major, 1));
  append(bytes, 0, 1);
  append(bytes, static_cast<uint32_t>(header.size()), major == 1 ? 2 : 4);
  append(bytes, header);
  append(bytes, std::string_view(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)));
  return bytes;
}

struct ZipEntry {
  std::string name;
  Bytes content;
  bool deflated = false;
};

Bytes raw_deflate(const Bytes& content) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&stream, content.size()));
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// As numpy writes it: sizes of the local header unset, real ones in the central directory.
Bytes zip_file(const std::vector<ZipEntry>& entries) {
  Bytes file;
  Bytes directory;
  for (const auto& entry : entries) {
    const Bytes data = entry.deflated ? raw_deflate(entry.content) : entry.content;
    const auto checksum = static_cast<uint32_t>(crc32_z(0, entry.content.data(), entry.content.size()));
    const auto offset = static_cast<uint32_t>(file.size());
    append(file, 0x04034b50, 4);
    for (const auto& [value, width] : {std::pair{45U, 2},
                                       {0U, 2},
                                       {entry.deflated ? 8U : 0U, 2},
                                       {0U, 4},
                                       {0U, 4},
                                       {0xffffffffU, 4},
                                       {0xffffffffU, 4}}) {
      append(file, value, width);
    }
    append(file, static_cast<uint32_t>(entry.name.size()), 2);
    append(file, 20, 2);  // an extra field, here of zeros
    append(file, entry.name);
    file.insert(file.end(), 20, 0);
    file.insert(file.end(), data.begin(), data.end());

    append(directory, 0x02014b50, 4);
    for (const auto& [value, width] : {std::pair{45U, 2},
                                       {45U, 2},
                                       {0U, 2},
                                       {entry.deflated ? 8U : 0U, 2},
                                       {0U, 4},
                                       {checksum, 4},
                                       {static_cast<uint32_t>(data.size()), 4},
                                       {static_cast<uint32_t>(entry.content.size()), 4},
                                       {static_cast<uint32_t>(entry.name.size()), 2},
                                       {0U, 2},
                                       {0U, 2},
                                       {0U, 2},
                                       {0U, 2},
                                       {0U, 4},
                                       {offset, 4}}) {
      append(directory, value, width);
    }
    append(directory, entry.name);
  }
  const auto start = static_cast<uint32_t>(file.size());
  file.insert(file.end(), directory.begin(), directory.end());
  append(file, 0x06054b50, 4);
  append(file, 0, 4);
  append(file, static_cast<uint32_t>(entries.size()), 2);
  append(file, static_cast<uint32_t>(entries.size()), 2);
  append(file, static_cast<uint32_t>(directory.size()), 4);
  append(file, start, 4);
  append(file, 0, 2);
  return file;
}

template <typename Run>
std::string error_of(const Run& run) {
  try {
    run();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}
std::string npy_error(const Bytes& bytes) {
  return error_of([&] { parse_npy(bytes, "x.npy"); });
}

TEST(Npy, RoundTripOfEveryTypeAndShape) {
  EXPECT_TRUE(rc::check([] {
    const auto type = *rc::gen::element(DataType::kFloat32, DataType::kInt8, DataType::kUint8, DataType::kInt32,
                                        DataType::kInt64, DataType::kBool);
    const auto shape = *rc::gen::container<Shape>(rc::gen::inRange<int64_t>(0, 4));
    RC_PRE(shape.size() <= 6);
    Array array(type, shape);
    for (auto& byte : array.mutable_bytes()) {
      byte = type == DataType::kBool ? *rc::gen::inRange<uint8_t>(0, 2) : *rc::gen::arbitrary<uint8_t>();
    }
    const Bytes file = format_npy(array);
    const Array back = parse_npy(file, "x.npy");
    RC_ASSERT(back.type() == type);
    RC_ASSERT(back.shape() == shape);
    RC_ASSERT(std::equal(back.bytes().begin(), back.bytes().end(), array.bytes().begin(), array.bytes().end()));
    RC_ASSERT((file.size() - array.bytes().size()) % 64 == 0);
  }));
}

TEST(Npy, ReadsNewerVersionsAndOtherSpellings) {
  const std::vector<float> values{1, 2, 3};
  for (const char major : {1, 2, 3}) {
    const Array a =
        parse_npy(npy_file("{\"shape\": (3L,), 'fortran_order': False, 'descr': '<f4'}", values, major), "x");
    EXPECT_EQ(a.shape(), Shape({3}));
    EXPECT_THAT(a.data<float>(), ElementsAre(1, 2, 3));
  }
  EXPECT_EQ(
      parse_npy(npy_file("{'descr': '<i4', 'fortran_order': False, 'shape': (), }\n", std::vector<int32_t>{7}), "x")
          .data<int32_t>()[0],
      7);
}

TEST(Npy, ConvertsDoublesAndFortranOrder) {
  // Memory order of Fortran: the first index runs fastest.
  const std::vector<double> columns{1, 4, 2, 5, 3, 6};
  const Array a = parse_npy(npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3)}", columns), "x");
  EXPECT_EQ(a.shape(), Shape({2, 3}));
  EXPECT_THAT(a.data<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, RefusesWhatItCannotRead) {
  const std::vector<float> two{1, 2};
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
  EXPECT_THAT(npy_error(npy_file("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", two)),
              HasSubstr("x.npy: elements are big endian ('>f4'), expected little endian"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", two)),
              HasSubstr("element type '<c8' is not supported, expected float32"));
  EXPECT_THAT(npy_error(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", two)),
              HasSubstr("structured array"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", two)),
              HasSubstr("8 bytes of elements, expected 12 for shape 3 of '<f4'; the file is cut off"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", two)),
              HasSubstr("longer than one array"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}", two)),
              HasSubstr("more than memory can hold"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", two)),
              HasSubstr("a dimension is too large"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'shape': (2,)}", two)), HasSubstr("is missing"));
  EXPECT_THAT(npy_error(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", two)),
              HasSubstr("a dimension is negative"));
  EXPECT_THAT(npy_error(npy_file(good, two, 9)), HasSubstr("format version 9.0, expected 1.0, 2.0 or 3.0"));
  EXPECT_THAT(npy_error({1, 2, 3}), HasSubstr("not a .npy file"));
  EXPECT_THAT(npy_error({}), HasSubstr("not a .npy file"));
}

TEST(Npy, EveryCutAndEveryChangedByteIsAnErrorOrAnArray) {
  const Bytes good = format_npy(Array::of<float>({2, 2}, {1, 2, 3, 4}));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(npy_error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))), "no error") << length;
  }
  EXPECT_TRUE(rc::check([&] {
    Bytes bad = good;
    const auto changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i) bad[*rc::gen::inRange<size_t>(0, 80)] = *rc::gen::arbitrary<uint8_t>();
    npy_error(bad);
  }));
}

TEST(Npz, ReadsStoredAndDeflatedEntriesInOrder) {
  const Array first = Array::of<float>({2}, {1.5F, -2});
  const Array second = Array::of<int64_t>({1, 1}, {-7});
  const auto arrays =
      parse_npz(zip_file({{"image.npy", format_npy(first), true}, {"a b.npy", format_npy(second), false}}), "set.npz");
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[0].name, "image");
  EXPECT_THAT(arrays[0].array.data<float>(), ElementsAre(1.5F, -2));
  EXPECT_EQ(arrays[1].name, "a b");
  EXPECT_THAT(arrays[1].array.data<int64_t>(), ElementsAre(-7));
  EXPECT_TRUE(parse_npz(zip_file({}), "empty.npz").empty());
}

TEST(Npz, TheFilterSeesHeadersAndChoosesWhatIsRead) {
  const Bytes first = format_npy(Array::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Bytes second = format_npy(Array::of<int64_t>({1}, {-7}));
  Bytes damaged = zip_file({{"a.npy", first}, {"b.npy", second, true}});
  damaged[30 + 5 + 20 + first.size() - 1] ^= 1;
  std::vector<std::string> seen;
  const auto arrays = parse_npz(damaged, "set.npz", [&](const ArrayInfo& info) {
    seen.push_back(fmt::format("{} {} {}", info.name, to_string(info.type), to_string(info.shape)));
    return info.name == "b";
  });
  EXPECT_THAT(seen, ElementsAre("a float32 2x3", "b int64 1"));
  ASSERT_EQ(arrays.size(), 1U);
  EXPECT_EQ(arrays[0].name, "b");
}

TEST(Npz, SmallArchivesDoNotUnpackToGigabytes) {
  const Bytes zeros = format_npy(Array(DataType::kInt8, {65 << 20}));
  EXPECT_THAT(error_of([&] {
                parse_npz(zip_file({{"a.npy", zeros, true}}), "set.npz");
              }),
              HasSubstr("claims to hold 68157568 bytes of arrays, expected at most the 67108864"));
  EXPECT_EQ(parse_npz(zip_file({{"a.npy", zeros}}), "set.npz").at(0).array.size(), 65 << 20);
}

TEST(Npy, AFileIsJudgedBeforeItIsRead) {
  const std::string path = testing::TempDir() + fmt::format("arco_judged_{}.npy", getpid());
  write_npy(path, Array::of<float>({2}, {1, 2}));
  EXPECT_FALSE(read_npy(path, [](const ArrayInfo&) { return false; }).has_value());
  // A file of holes: its size is more than this process could hold.
  std::filesystem::resize_file(path, uint64_t{1} << 42);
  EXPECT_THAT(error_of([&] { read_npy(path); }), HasSubstr("the file is longer than one array"));
  std::filesystem::remove(path);
}

TEST(Npz, RefusesDamage) {
  const Bytes npy = format_npy(Array::of<float>({4}, {1, 2, 3, 4}));
  const auto error = [](const Bytes& bytes) { return error_of([&] { parse_npz(bytes, "set.npz"); }); };
  EXPECT_THAT(error({1, 2, 3}), HasSubstr("set.npz: not an .npz archive"));
  EXPECT_THAT(error(zip_file({{"readme.txt", npy}, {"notes", npy}})),
              testing::AllOf(HasSubstr("'readme.txt' is not a .npy file"), HasSubstr("'notes' is not a .npy file")));
  Bytes flipped = zip_file({{"a.npy", npy}});
  flipped[30 + 5 + 20 + npy.size() - 1] ^= 1;  // the last byte of the entry's data
  EXPECT_THAT(error(flipped), HasSubstr("wrong checksum of 'a.npy'"));
  EXPECT_THAT(error(zip_file({{"a.npy", Bytes{1, 2}}})), HasSubstr("set.npz:a.npy: not a .npy file"));

  const Bytes good = zip_file({{"a.npy", npy, true}, {"b.npy", npy}});
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(error(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))), "no error") << length;
  }
  EXPECT_TRUE(rc::check([&] {
    Bytes bad = good;
    const auto changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i) bad[*rc::gen::inRange<size_t>(0, bad.size())] = *rc::gen::arbitrary<uint8_t>();
    error(bad);
  }));
}

}  // namespace
}  // namespace arco
