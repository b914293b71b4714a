// Deterministic parallel loops: what is computed never depends on the number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace arco {

// Calls body(i) for every i in [0, count) on at most `jobs` threads (0: all cores). The body writes only to its own
// slot of the result. The first exception thrown is passed on.
void parallel_for(size_t count, int jobs, const std::function<void(size_t)>& body);

}  // namespace arco
