// Records as JSON lines in the layout of AutoTVM's logs.
//
//     {"input": ["vta", KEY, [], {}],
//      "config": {"index": 7, "code_hash": null, "entity": [["tile_h", "sp", [-1, 14]], ["h_threads", "ot", 2]]},
//      "result": [[SECONDS], STATUS, WALL_SECONDS, TIMESTAMP], "version": 0.2, "tvm_version": "arco",
//      "arco": {everything that AutoTVM has no place for}}
#pragma once

#include <cstddef>
#include <string>

#include "arco/search/objective.h"
#include "arco/search/record_store.h"

namespace arco {

// One line per record, oldest first. Nothing is lost: importing the text into an empty store gives equal records.
std::string export_autotvm_log(const RecordStore& store, double clock_hz = kVtaClockHz);

// Adds the records that are not in the store already; returns how many. Lines without the "arco" part, as AutoTVM
// itself writes them, become records of a run "imported". UserError with all bad lines of `text`, and nothing is added
// then; `name` is the file's.
size_t import_autotvm_log(RecordStore& store, const std::string& text, const std::string& name,
                          double clock_hz = kVtaClockHz);

}  // namespace arco
