// A global pool is a pool whose window is the plane, now that the plane's size is known.
#include "arco/passes/passes.h"

namespace arco {

void resolve_global_pool(Graph& graph) {
  for (Node& node : graph.nodes) {
    auto* pool = std::get_if<Pool>(&node.op);
    if (pool == nullptr || !pool->global) continue;
    const Shape& x = graph.tensor(node.inputs[0]).shape;
    Pool window;
    window.kind = pool->kind;
    window.kernel = {x[2], x[3]};
    window.clamp = pool->clamp;
    *pool = window;
  }
}

}  // namespace arco
