#include "arco/base/parallel.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace arco {

void parallel_for(size_t count, int jobs, const std::function<void(size_t)>& body) {
  if (jobs == 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) body(i);
    return;
  }
  tbb::task_arena arena(jobs > 0 ? jobs : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(size_t{0}, count, body); });
}

}  // namespace arco
