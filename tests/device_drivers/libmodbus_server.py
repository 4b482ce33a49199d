"""A unit on Debian's libmodbus through ctypes, in a process of its own: `libmodbus_server.py tcp PORT` or `rtu PATH UNIT`.

16 coils, 32 discrete inputs (0 closed door, 1 exit button), 16 holding and 400 input registers; input registers 342 and 343
hold 1234.5 as a big-endian float. Each write it was sent is printed as hexadecimal, one a line. "open" and "close" on the
standard input move the door.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import threading


class Mapping(ctypes.Structure):
    """modbus_mapping_t."""

    _fields_ = [
        *[
            (f"{what}_{table}", ctypes.c_int)
            for table in ("bits", "input_bits", "inputs", "holding")
            for what in ("nb", "start")
        ],
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_inputs", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_holding", ctypes.POINTER(ctypes.c_uint16)),
    ]


def library() -> ctypes.CDLL:
    lib = ctypes.CDLL("libmodbus.so.5", use_errno=True)
    lib.modbus_new_tcp.restype = lib.modbus_new_rtu.restype = ctypes.c_void_p
    lib.modbus_new_rtu.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char, ctypes.c_int, ctypes.c_int]
    lib.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
    for name in ("modbus_tcp_listen", "modbus_tcp_accept", "modbus_receive", "modbus_reply", "modbus_set_slave"):
        getattr(lib, name).argtypes = {
            "modbus_tcp_listen": [ctypes.c_void_p, ctypes.c_int],
            "modbus_tcp_accept": [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)],
            "modbus_receive": [ctypes.c_void_p, ctypes.c_char_p],
            "modbus_reply": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(Mapping)],
            "modbus_set_slave": [ctypes.c_void_p, ctypes.c_int],
        }[name]
    lib.modbus_connect.argtypes = [ctypes.c_void_p]
    return lib


def listen_to_orders(mapping: Mapping) -> None:
    for line in sys.stdin:
        mapping.tab_input_bits[0] = line.strip() == "open"


def main(kind: str, where: str, unit: str = "1") -> None:
    lib = library()
    mapping = lib.modbus_mapping_new(16, 32, 16, 400).contents
    for n, word in enumerate(struct.unpack(">2H", struct.pack(">f", 1234.5))):
        mapping.tab_inputs[342 + n] = word
    threading.Thread(target=listen_to_orders, args=(mapping,), daemon=True).start()
    query = ctypes.create_string_buffer(260)
    if kind == "tcp":
        context = lib.modbus_new_tcp(b"127.0.0.1", int(where))
        socket = ctypes.c_int(lib.modbus_tcp_listen(context, 1))
    else:
        context = lib.modbus_new_rtu(where.encode(), 9600, b"N", 8, 1)
        lib.modbus_set_slave(context, int(unit))
        assert lib.modbus_connect(context) == 0
    print("ready", flush=True)
    head = 7 if kind == "tcp" else 1
    while True:
        if kind == "tcp":
            lib.modbus_tcp_accept(context, ctypes.byref(socket))
        while (length := lib.modbus_receive(context, query)) >= 0:
            if length and query.raw[head] in (5, 6, 15, 16):
                print(query.raw[head : length - (0 if kind == "tcp" else 2)].hex(), flush=True)
            if length:
                lib.modbus_reply(context, query, length, ctypes.byref(mapping))


if __name__ == "__main__":
    main(*sys.argv[1:])
