#!/usr/bin/env python3
"""The repository tests itself: who includes whom, whether the guide names every room, how headers begin.

Usage: repository_test.py SOURCE_DIR
"""
import pathlib
import re
import sys

# Floors of the house from the ground up (src/README.md). A room includes only rooms of lower floors, or itself.
FLOORS = [
    {"base"},
    {"graph", "hardware"},
    {"onnx", "passes", "quant", "reference", "schedule", "isa"},
    {"plan"},
    {"lower"},
    {"marl", "sim", "rtl"},
    {"search", "runtime"},
    {"report"},
    {"cli", "python", "fuzz"},
]
# Rooms of one floor that may be used by their neighbours: the interpreter is everyone's oracle.
NEIGHBOURS = {("onnx", "reference"), ("passes", "reference"), ("quant", "reference")}
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def wrong_includes(source):
    for path in sorted(source.glob("src/arco/**/*.[ch]*")):
        parts = path.relative_to(source / "src/arco").parts
        if len(parts) < 2:
            continue
        room = parts[0]
        if room not in FLOOR_OF:
            yield f"{path}: room {room} stands on no floor; add it to tests/repository_test.py and src/README.md"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "arco/(\w+)/', line)
            if not match or match.group(1) == room:
                continue
            other = match.group(1)
            if FLOOR_OF.get(other, 99) >= FLOOR_OF[room] and (room, other) not in NEIGHBOURS:
                yield f"{path}:{number}: {room} may not include {other}, which is not on a lower floor"


def guide_and_rooms(source):
    guide = (source / "src/README.md").read_text()
    named = set(re.findall(r"^\*\*`(\w+)/`\*\*", guide, re.MULTILINE))
    rooms = {p.name for p in (source / "src/arco").iterdir() if p.is_dir() and any(p.iterdir())}
    for room in sorted(rooms - named):
        yield f"src/README.md does not walk through {room}/"
    for room in sorted(named - rooms):
        yield f"src/README.md walks through {room}/, which does not exist"


def headers(source):
    for path in sorted(source.glob("src/arco/**/*.h")):
        text = path.read_text()
        if not text.startswith("//"):
            yield f"{path}: a header begins with a comment that says what it is for"
        # Compiled once for each instruction set (Highway), so it guards itself with a toggle.
        repeated = path.name.endswith("-inl.h")
        if text.count("HWY_TARGET_TOGGLE" if repeated else "#pragma once") != 1:
            yield f"{path}: expected one " + ("guard with HWY_TARGET_TOGGLE" if repeated else "#pragma once")


def main():
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    problems = [*wrong_includes(source), *guide_and_rooms(source), *headers(source)]
    for problem in problems:
        print(problem)
    print(f"repository: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
