// What writer and reader of design.json agree on.
#pragma once

namespace arco {

constexpr int kDesignFormat = 1;

}  // namespace arco
