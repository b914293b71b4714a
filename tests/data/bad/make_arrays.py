#!/usr/bin/env python3
"""Writes the broken .npy and .npz files beside it (array/, archive/); needs nothing but Python's own library.

The network they are given to, network.textproto, takes one float32 input 'x' of shape 1x3x8x8.
"""
import io
import pathlib
import struct
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SHAPE = "(1, 3, 8, 8)"
COUNT = 3 * 8 * 8
FLOATS = struct.pack(f"<{COUNT}f", *[0.01 * i for i in range(COUNT)])


def header(descr="'<f4'", order="False", shape=SHAPE):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def npy(text=None, data=FLOATS, version=(1, 0), magic=b"\x93NUMPY", length=None):
    text = (header() if text is None else text).encode() + b"\n"
    size = len(text) if length is None else length
    return magic + bytes(version) + struct.pack("<H" if version[0] == 1 else "<I", size) + text + data


ARRAYS = {
    "empty": b"",
    "text": b"0.1 0.2 0.3\n0.4 0.5 0.6\n",
    "image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "wrong_magic": npy(magic=b"\x93NUMPI"),
    "version_9": npy(version=(9, 0)),
    "cut_off_in_magic": npy()[:7],
    "cut_off_in_header": npy()[:40],
    "cut_off_in_elements": npy()[:-5],
    "longer_than_its_shape": npy(data=FLOATS + b"more"),
    "header_of_4_gigabytes": npy(version=(2, 0), length=0xFFFFFFF0),
    "header_is_no_dictionary": npy("shape: 1, 3, 8, 8"),
    "header_without_shape": npy("{'descr': '<f4', 'fortran_order': False}"),
    "header_with_repeated_key": npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"),
    "header_with_misspelt_key": npy("{'descr': '<f4', 'fortan_order': False, 'shape': (1, 3, 8, 8)}"),
    "pickled_objects": npy(header(descr="'|O'"), data=b"\x80\x04K\x01."),
    "structured": npy(header(descr="[('r', '<f4'), ('g', '<f4')]")),
    "texts": npy(header(descr="'<U5'"), data=b"\0" * 20 * COUNT),
    "complex_numbers": npy(header(descr="'<c8'"), data=FLOATS * 2),
    "half_floats": npy(header(descr="'<f2'"), data=FLOATS[: 2 * COUNT]),
    "big_endian": npy(header(descr="'>f4'")),
    "whole_numbers": npy(header(descr="'<i4'")),
    "fortran_order_of_another_shape": npy(header(order="True", shape="(8, 8, 3, 1)")),
    "fortran_order_is_a_number": npy(header(order="1")),
    "channels_last": npy(header(shape="(1, 8, 8, 3)")),
    "flat": npy(header(shape=f"({COUNT},)")),
    "size_0": npy(header(shape="(0, 3, 8, 8)"), data=b""),
    "negative_dimension": npy(header(shape="(-1, 3, 8, 8)")),
    "dimension_of_2_70": npy(header(shape="(1180591620717411303424, 3)")),
    "product_overflows": npy(header(shape="(4294967296, 4294967296)")),
    "claims_a_terabyte": npy(header(shape="(1099511627776,)")),
    "forty_dimensions": npy(header(shape="(" + "1, " * 40 + ")")),
}


def npz(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), data)
    return out.getvalue()


def claiming(data, size):
    """The directory's record of the first member says that it unpacks to `size` bytes."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def damaged(data, find, replace):
    assert find in data and len(find) == len(replace)
    return data.replace(find, replace)


ARCHIVES = {
    "empty": b"",
    "no_archive": npy(),
    "without_members": npz(),
    "cut_off": npz(x__npy=npy())[:-40],
    "claims_4_gigabytes": claiming(npz(x__npy=npy()), 0xFFFFFFF0),
    "member_of_another_kind": npz(x__npy=npy(), readme__txt=b"how these were made"),
    "member_damaged": damaged(npz(x__npy=npy()), FLOATS[400:410], b"0123456789"),
    "member_cut_off": npz(x__npy=npy()[:-8]),
    "member_pickled": npz(x__npy=ARRAYS["pickled_objects"]),
    "members_of_other_shapes": npz(x__npy=ARRAYS["channels_last"], x_1__npy=ARRAYS["flat"]),
    "not_finite": npz(x__npy=npy(data=FLOATS[:-8] + struct.pack("<2f", float("nan"), float("inf")))),
    "encrypted": damaged(npz(x__npy=npy()), b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
    "packed_by_another_method": damaged(
        npz(x__npy=npy()), b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x0e\x00"),
}


def main():
    for folder, files, suffix in (("array", ARRAYS, ".npy"), ("archive", ARCHIVES, ".npz")):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in files.items():
            (HERE / folder / (name + suffix)).write_bytes(data)


if __name__ == "__main__":
    main()
