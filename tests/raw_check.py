#!/usr/bin/env python3
"""Runs the layers that `arco inspect FILE.arco --raw DIR` wrote, and compares the memory with what ARCO expects.

    python3 tests/raw_check.py DIR

A second opinion on programs: an interpreter written from docs/isa.md alone, slow and plain, sharing nothing with
ARCO's simulators. It also insists on what those rules leave to the program: nothing is read before it is written, only
results of GEMM or ALU steps are stored, and every order of the modules that the tokens allow is right (each layer runs
twice: with load as far ahead as it can be, and with store as far ahead as it can be).
Exit code 0: every layer is right; 1: one is not, the first wrong byte is printed; 2: the folder cannot be read.
"""

import json
import operator
import pathlib
import sys

LOAD, STORE, GEMM, FINISH, ALU = range(5)
UOP, WGT, INP, ACC, OUT, ACC8 = range(6)
MIN, MAX, ADD, SHR, MUL, CLP, MOV = range(7)


class BrokenRule(Exception):
    """The program does something that the instruction set forbids."""


def require(condition, text):
    if not condition:
        raise BrokenRule(text)


def signed(bits, width):
    return bits - (1 << width) if bits >> (width - 1) & 1 else bits


def shift(x, y):
    if y >= 0:
        return x >> y
    return x << -y if y > -32 else 0


# Results are taken modulo 2^32 afterwards.
OPERATIONS = {MIN: min, MAX: max, ADD: operator.add, SHR: shift, MUL: operator.mul,
              CLP: lambda x, y: max(min(x, y), -y), MOV: lambda x, y: y}


class Hardware:
    """Sizes of section 1, from the keys of vta_config.json."""

    def __init__(self, config, variant):
        self.plus = variant == "vta++"
        log_batch = config["LOG_BATCH"]
        log_in = config.get("LOG_BLOCK_IN", config.get("LOG_BLOCK"))
        log_out = config.get("LOG_BLOCK_OUT", config.get("LOG_BLOCK"))
        self.batch, self.block_in, self.block_out = 1 << log_batch, 1 << log_in, 1 << log_out
        self.element_bytes = {
            UOP: 4,
            WGT: self.block_out * self.block_in,
            INP: self.batch * self.block_in,
            ACC: 4 * self.batch * self.block_out,
            OUT: self.batch * self.block_out,
            ACC8: self.batch * self.block_out,
        }
        self.ud = config["LOG_UOP_BUFF_SIZE"] - 2
        self.id = config["LOG_INP_BUFF_SIZE"] - log_batch - log_in
        self.wd = config["LOG_WGT_BUFF_SIZE"] - log_in - log_out
        self.ad = config["LOG_ACC_BUFF_SIZE"] - log_batch - log_out - 2

    def place(self, low, high):
        """Bit positions {name: (begin, width)} of fields that follow the 7 common bits (section 2.3)."""
        places, bit = {}, 7
        for name, width in low:
            places[name] = (bit, width)
            bit += width
        if self.plus:
            bit = 64
        for name, width in high:
            if bit < 64 < bit + width:
                bit = 64
            places[name] = (bit, width)
            bit += width
        return places

    def fields(self):
        low = [("reset", 1), ("uop_begin", self.ud), ("uop_end", self.ud + 1), ("iter_out", 14), ("iter_in", 14)]
        gemm = [("dst_out", self.ad), ("dst_in", self.ad), ("src_out", self.id), ("src_in", self.id),
                ("wgt_out", self.wd), ("wgt_in", self.wd)]
        factor = min(self.ad, 11) if self.plus else self.ad
        alu = [(name, factor) for name in ("dst_out", "dst_in", "src_out", "src_in")]
        alu += [("op", 3), ("use_imm", 1), ("imm", 16)]
        return {GEMM: self.place(low, gemm), ALU: self.place(low, alu)}

    def uop_fields(self):
        """Widths of dst, src and wgt in a micro-op (section 2.5)."""
        wide = max(self.ad, self.id)
        gemm_src, alu_src = (self.id, self.ad) if self.plus else (wide, wide)
        return {GEMM: (self.ad, gemm_src, self.wd), ALU: (self.ad, alu_src, 0)}


MEMORY_FIELDS = {"type": (7, 3), "sram": (10, 16), "dram": (26, 32), "pad_is_min": (58, 1), "y_size": (64, 16),
                 "x_size": (80, 16), "x_stride": (96, 16), "y_pad_0": (112, 4), "y_pad_1": (116, 4),
                 "x_pad_0": (120, 4), "x_pad_1": (124, 4)}


class Instruction:
    def __init__(self, word, places):
        def field(begin, width):
            return word >> begin & ((1 << width) - 1)

        self.opcode = field(0, 3)
        require(self.opcode <= ALU, f"opcode {self.opcode}")
        self.pop_prev, self.pop_next, self.push_prev, self.push_next = (field(bit, 1) for bit in range(3, 7))
        names = MEMORY_FIELDS if self.opcode in (LOAD, STORE) else places.get(self.opcode, {})
        for name, place in names.items():
            setattr(self, name, field(*place))

    def module(self):
        if self.opcode == STORE:
            return "store"
        return "load" if self.opcode == LOAD and self.type in (INP, WGT) else "compute"


class Accelerator:
    """Scratchpads as dictionaries from index to entry: what was never written is not there."""

    def __init__(self, hardware, dram):
        self.hw, self.dram = hardware, dram
        self.pads = {UOP: {}, WGT: {}, INP: {}, ACC: {}, OUT: {}}
        self.depth = {UOP: 1 << hardware.ud, WGT: 1 << hardware.wd, INP: 1 << hardware.id, ACC: 1 << hardware.ad}
        self.uop_fields = hardware.uop_fields()

    # ---- LOAD and STORE (sections 3.1 to 3.3) ----

    def element(self, memory, index):
        size = self.hw.element_bytes[memory]
        data = self.dram[index * size : (index + 1) * size]
        require(len(data) == size, f"DRAM element {index} is beyond the image")
        require(index * size >= 4096, f"DRAM element {index} is on the first page")
        if memory == UOP:
            return int.from_bytes(data, "little")
        if memory == ACC:
            values = [int.from_bytes(data[i : i + 4], "little", signed=True) for i in range(0, size, 4)]
            return self.rows(values, self.hw.block_out)
        values = [signed(byte, 8) for byte in data]
        return self.rows(values, self.hw.block_in if memory in (INP, WGT) else self.hw.block_out)

    @staticmethod
    def rows(values, length):
        return [values[i : i + length] for i in range(0, len(values), length)]

    def padding(self, memory, use_minimum):
        if memory == UOP:
            return 0
        value = (-(1 << 31) if memory == ACC else -128) if use_minimum else 0
        scalars = self.hw.element_bytes[memory] // (4 if memory == ACC else 1)
        return self.rows([value] * scalars, self.hw.block_in if memory in (INP, WGT) else self.hw.block_out)

    def load(self, i):
        require(i.type in (UOP, WGT, INP, ACC, ACC8), f"LOAD of memory type {i.type}")
        require(i.y_size > 0, "LOAD of no rows")
        pad = ACC if i.type == ACC8 else i.type
        entry = i.sram
        for row in range(-i.y_pad_0, i.y_size + i.y_pad_1):
            for column in range(-i.x_pad_0, i.x_size + i.x_pad_1):
                require(entry < self.depth[pad], f"LOAD into entry {entry} of {self.depth[pad]}")
                inside = 0 <= row < i.y_size and 0 <= column < i.x_size
                self.pads[pad][entry] = (
                    self.element(i.type, i.dram + row * i.x_stride + column)
                    if inside
                    else self.padding(i.type, self.hw.plus and i.pad_is_min)
                )
                if pad == ACC:
                    self.pads[OUT].pop(entry, None)
                entry += 1

    def store(self, i):
        require(i.type == OUT, f"STORE of memory type {i.type}")
        require(i.y_size > 0, "STORE of no rows")
        require(not (i.y_pad_0 or i.y_pad_1 or i.x_pad_0 or i.x_pad_1), "STORE with padding")
        size = self.hw.element_bytes[OUT]
        for row in range(i.y_size):
            for column in range(i.x_size):
                entry = i.sram + row * i.x_size + column
                require(entry in self.pads[OUT], f"STORE of entry {entry}, which no GEMM or ALU step made")
                address = (i.dram + row * i.x_stride + column) * size
                require(4096 <= address and address + size <= len(self.dram), f"STORE to address {address}")
                scalars = (value & 255 for line in self.pads[OUT][entry] for value in line)
                self.dram[address : address + size] = bytes(scalars)

    # ---- GEMM and ALU (sections 3.4 and 3.5) ----

    def steps(self, i):
        """(dst, src, wgt) of every step."""
        widths = self.uop_fields[i.opcode]
        require(i.iter_out > 0 and i.iter_in > 0 and i.uop_end > i.uop_begin, "a loop without steps")
        uops = []
        for index in range(i.uop_begin, i.uop_end):
            require(index in self.pads[UOP], f"micro-op {index} was never loaded")
            word, parts = self.pads[UOP][index], []
            for width in widths:
                parts.append(word & ((1 << width) - 1))
                word >>= width
            uops.append(parts)
        wgt_out, wgt_in = (i.wgt_out, i.wgt_in) if i.opcode == GEMM else (0, 0)
        for outer in range(i.iter_out):
            for inner in range(i.iter_in):
                for dst, src, wgt in uops:
                    yield (dst + outer * i.dst_out + inner * i.dst_in, src + outer * i.src_out + inner * i.src_in,
                           wgt + outer * wgt_out + inner * wgt_in)

    def entry(self, pad, index):
        require(index in self.pads[pad], f"entry {index} of scratchpad {pad} is read before it is written")
        return self.pads[pad][index]

    def write(self, index, lines):
        require(index < self.depth[ACC], f"accumulator {index} of {self.depth[ACC]}")
        self.pads[ACC][index] = [[signed(value & 0xFFFFFFFF, 32) for value in line] for line in lines]
        self.pads[OUT][index] = self.pads[ACC][index]

    def gemm(self, i):
        for dst, src, wgt in self.steps(i):
            if i.reset:
                self.write(dst, [[0] * self.hw.block_out] * self.hw.batch)
                del self.pads[OUT][dst]
                continue
            acc, inp, weights = self.entry(ACC, dst), self.entry(INP, src), self.entry(WGT, wgt)
            self.write(dst, [[value + sum(map(operator.mul, line, channel)) for value, channel in zip(sums, weights)]
                             for sums, line in zip(acc, inp)])

    def alu(self, i):
        require(i.op <= (MOV if self.hw.plus else MUL), f"ALU operation {i.op}")
        zeros = [[0] * self.hw.block_out] * self.hw.batch
        for dst, src, _ in self.steps(i):
            # MOV does not look at its first operand.
            first = zeros if i.op == MOV else self.entry(ACC, src if i.use_imm and self.hw.plus else dst)
            second = [[signed(i.imm, 16)] * self.hw.block_out] * self.hw.batch if i.use_imm else self.entry(ACC, src)
            self.write(dst, [list(map(OPERATIONS[i.op], *lines)) for lines in zip(first, second)])

    def execute(self, i):
        if i.opcode in (LOAD, STORE) and i.x_size > 0:
            (self.load if i.opcode == LOAD else self.store)(i)
        elif i.opcode in (GEMM, ALU):
            (self.gemm if i.opcode == GEMM else self.alu)(i)


# Section 3.6: module, then the queues that pop_prev, pop_next, push_prev and push_next mean for it.
QUEUES = {
    "load": (None, "compute>load", None, "load>compute"),
    "compute": ("load>compute", "store>compute", "compute>load", "compute>store"),
    "store": ("compute>store", None, "store>compute", None),
}


def run(accelerator, program, priority):
    """Of the modules that can go on, the first in `priority` always does."""
    waiting = {module: [i for i in program if i.module() == module] for module in QUEUES}
    at = dict.fromkeys(QUEUES, 0)
    tokens = dict.fromkeys(("load>compute", "compute>load", "compute>store", "store>compute"), 0)

    def queues_of(module, prev, following, first):
        used = [queue for flag, queue in zip((prev, following), QUEUES[module][first : first + 2]) if flag]
        require(None not in used, f"{module} names a queue that it does not have")
        return used

    while True:
        for module in priority:
            if at[module] == len(waiting[module]):
                continue
            i = waiting[module][at[module]]
            pops = queues_of(module, i.pop_prev, i.pop_next, 0)
            if any(tokens[queue] == 0 for queue in pops):
                continue
            for queue in pops:
                tokens[queue] -= 1
            accelerator.execute(i)
            for queue in queues_of(module, i.push_prev, i.push_next, 2):
                tokens[queue] += 1
                require(tokens[queue] <= 255, f"queue {queue} overflows")
            at[module] += 1
            break
        else:
            raise BrokenRule("the modules wait for each other for ever")
        if i.opcode == FINISH:
            left = [module for module in QUEUES if at[module] != len(waiting[module])]
            require(not left, f"FINISH before {left} are done")
            require(not any(tokens.values()), f"tokens are left over: {tokens}")
            return


def first_difference(memory, expected):
    return next(i for i, (a, b) in enumerate(zip(memory, expected)) if a != b)


def check_layer(folder, hardware, layer):
    before = (folder / layer["before"]).read_bytes()
    after = (folder / layer["after"]).read_bytes()
    code, places = layer["instructions"], hardware.fields()
    for priority in (("load", "compute", "store"), ("store", "compute", "load")):
        dram = bytearray(before)
        words = [before[code["offset"] + 16 * i :][:16] for i in range(code["count"])]
        program = [Instruction(int.from_bytes(word, "little"), places) for word in words]
        run(Accelerator(hardware, dram), program, priority)
        if dram != after:
            at = first_difference(dram, after)
            raise BrokenRule(f"address {at:#x} holds {dram[at]}, expected {after[at]}")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[0])
    try:
        content = json.loads((folder / "layers.json").read_text())
        hardware = Hardware(content["hardware"], content["variant"])
        for layer in content["layers"]:
            try:
                check_layer(folder, hardware, layer)
            except BrokenRule as broken:
                print(f"layer {layer['index']} {layer['name']}: {broken}")
                return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"{folder}: cannot be read: {error!r}", file=sys.stderr)
        return 2
    print(f"all {len(content['layers'])} layers leave the memory as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
