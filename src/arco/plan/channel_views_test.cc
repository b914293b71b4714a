#include "arco/plan/channel_views.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace arco {
namespace {

constexpr ActivationLayout kLayout{1, 16, 16};

// int8 images of 4 x 4 pixels that layers (made), or the host, write.
class Images {
 public:
  Graph graph;
  std::vector<bool> written;

  TensorId add(int64_t channels, bool by_layer, int64_t images = 1) {
    Tensor tensor;
    tensor.name = fmt::format("t{}", graph.tensors.size());
    tensor.type = DataType::kInt8;
    tensor.shape = {images, channels, 4, 4};
    written.push_back(by_layer);
    return graph.add_tensor(std::move(tensor));
  }
  TensorId node(Op op, std::vector<TensorId> inputs, int64_t channels, int64_t images = 1) {
    const TensorId out = add(channels, false, images);
    graph.nodes.push_back({"n", std::move(op), std::move(inputs), {out}, std::nullopt});
    return out;
  }
  TensorId concat(std::vector<TensorId> inputs) {
    int64_t channels = 0;
    for (const TensorId id : inputs) channels += graph.tensor(id).shape[1];
    const int64_t images = graph.tensor(inputs[0]).shape[0];
    return node(Concat{-3}, std::move(inputs), channels, images);
  }
  TensorId slice(TensorId x, int64_t start, int64_t end) {
    return node(Slice{{start}, {end}, {1}, {1}}, {x}, end - start);
  }
  ChannelViews views(const ActivationLayout& layout = kLayout) const { return channel_views(graph, written, layout); }
};

void expect_view(const ChannelViews& views, TensorId part, TensorId whole, int64_t first_channel) {
  EXPECT_EQ(views.views[static_cast<size_t>(part)].whole, whole);
  EXPECT_EQ(views.views[static_cast<size_t>(part)].first_channel, first_channel);
}

TEST(ChannelViews, PartsOfWholeBlocksLieInTheConcatenation) {
  Images images;
  const TensorId a = images.add(32, true);
  const TensorId b = images.add(16, false);  // the host writes it where it belongs
  const TensorId c = images.add(5, true);    // the last part may end anywhere
  const TensorId all = images.concat({a, b, c});
  const ChannelViews views = images.views();
  EXPECT_TRUE(views.in_place[0]);
  EXPECT_TRUE(views.on_device[static_cast<size_t>(all)]);
  EXPECT_FALSE(views.on_device[static_cast<size_t>(b)]);
  expect_view(views, a, all, 0);
  expect_view(views, b, all, 32);
  expect_view(views, c, all, 48);
  EXPECT_FALSE(images.views({1, 32, 32}).in_place[0]);
}

TEST(ChannelViews, ConcatenationsOfConcatenationsAreChains) {
  Images images;
  const TensorId a = images.add(16, true);
  const TensorId inner = images.concat({a, images.add(16, true)});
  const TensorId outer = images.concat({inner, images.add(16, true)});
  const ChannelViews views = images.views();
  EXPECT_EQ(views.in_place, (std::vector<bool>{true, true}));
  expect_view(views, a, inner, 0);
  expect_view(views, inner, outer, 0);
}

TEST(ChannelViews, ATensorIsPartOfOneOtherAtMost) {
  Images images;
  const TensorId a = images.add(16, true);
  const TensorId b = images.add(16, true);
  const TensorId all = images.concat({a, b});
  images.concat({b, a});
  images.concat({b, b});
  const ChannelViews views = images.views();
  EXPECT_EQ(views.in_place, (std::vector<bool>{true, false, false}));
  expect_view(views, b, all, 16);
}

TEST(ChannelViews, SlicesBeginAndEndWithBlocks) {
  Images images;
  const TensorId x = images.add(40, true);
  const TensorId low = images.slice(x, 0, 16);
  const TensorId high = images.slice(x, 16, 40);
  images.slice(x, 8, 24);
  images.slice(x, 16, 30);
  images.slice(images.add(32, false), 0, 16);  // the host has it
  images.node(Slice{{0}, {2}, {2}, {1}}, {x}, 40);
  images.node(Slice{{0}, {40}, {1}, {2}}, {x}, 20);
  const ChannelViews views = images.views();
  EXPECT_EQ(views.in_place, (std::vector<bool>{true, true, false, false, false, false, false}));
  expect_view(views, low, x, 0);
  expect_view(views, high, x, 16);
}

TEST(ChannelViews, NeedOneBlockOfImages) {
  Images images;
  images.concat({images.add(16, true, 2), images.add(16, true, 2)});
  EXPECT_FALSE(images.views().in_place[0]);
  EXPECT_TRUE(images.views({2, 16, 16}).in_place[0]);
}

TEST(ChannelViews, NothingOnTheDeviceNothingInPlace) {
  Images images;
  images.concat({images.add(16, false), images.add(16, false)});
  EXPECT_FALSE(images.views().in_place[0]);
}

}  // namespace
}  // namespace arco
