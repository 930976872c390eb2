"""Says what a checkpoint's pickle would build, without building it.

A pickle is a program. This runs the few instructions that a file of tensors needs on a machine of its own, which calls
nothing, imports nothing and allocates nothing but its stack. What it finds (tensors with their dtypes, shapes and
places in the file's storages) is checked against the bytes that are there before torch sees the file: torch's own
`weights_only` machine lets a file declare a storage, a view or a bytearray of any size, and hashes any key.

Instructions: Python's pickletools; those that `torch.save` writes, which are of protocol 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Bytes of an element, by the name of torch's storage class or dtype.
STORAGES: Mapping[str, int] = {
    "UntypedStorage": 1, "BoolStorage": 1, "ByteStorage": 1, "CharStorage": 1, "ShortStorage": 2, "IntStorage": 4,
    "LongStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2, "FloatStorage": 4, "DoubleStorage": 8,
    "ComplexFloatStorage": 8,
}  # fmt: skip
DTYPES: Mapping[str, int] = {
    "bool": 1, "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint16": 2, "uint32": 4, "uint64": 8,
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "complex64": 8, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
}  # fmt: skip

_RANK_LIMIT = 64
_STEP_LIMIT = 20_000_000  # instructions; a file of 100,000 tensors has five million


class Refused(ValueError):
    """The pickle is damaged, or would do more than build tensors; the message says what."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle refers to; one of the few allowed."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A stretch of the file that tensors are views of: its key, its elements, the bytes of one."""

    key: str
    elements: int
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes in all."""
        return self.elements * self.width


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage, known to lie within it and to show none of it twice."""

    storage: Storage
    shape: tuple[int, ...]
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes of a contiguous copy."""
        count = self.width
        for length in self.shape:
            count *= length
        return count


_ORDERED_DICT = "collections.OrderedDict"
_REBUILD = {
    "torch._utils._rebuild_tensor": (4, 4),
    "torch._utils._rebuild_tensor_v2": (6, 7),
    "torch._utils._rebuild_tensor_v3": (7, 8),
}
# What is its own first argument, to whom only tensors matter, and that argument's type.
_WRAPPERS: Mapping[str, type] = {"torch._utils._rebuild_parameter": Tensor, "torch.Size": tuple}
_CALLABLES = frozenset((_ORDERED_DICT, *_WRAPPERS, *_REBUILD))
_GLOBALS = _CALLABLES | {f"torch.{name}" for name in (*STORAGES, *DTYPES)} | {"torch.storage.UntypedStorage"}

_MARK = object()


def interpret(
    data: bytes | memoryview, position: int, resolve: Callable[[tuple[Any, ...]], object]
) -> tuple[object, int]:
    """What the pickle at `position` of `data` would build, and the position behind it.

    Dicts (also ordered ones), lists, tuples, strings, bytes, numbers and None come as themselves, all else as `Global`,
    `Storage`, `Tensor`.

    Args:
        data: the file, or the part of it that holds pickles.
        position: of the first instruction.
        resolve: gives the object that a persistent id, always a tuple, stands for; raises Refused.

    Raises:
        Refused: it is damaged, or does anything else.
    """
    try:
        return _Machine(data, position, resolve).run()
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise Refused(f"its pickle is damaged ({type(error).__name__})") from None


class _Machine:
    def __init__(self, data: bytes | memoryview, position: int, resolve: Callable[[tuple[Any, ...]], object]) -> None:
        self._data = data
        self._position = position
        self._resolve = resolve
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> tuple[object, int]:
        for _ in range(_STEP_LIMIT):
            operation = self._take(1)[0]
            if operation == 0x2E:  # STOP
                return self._pop(), self._position
            step = _STEPS.get(operation)
            if step is None:
                raise Refused(_unknown(operation))
            step(self)
        raise Refused(f"its pickle has more than {_STEP_LIMIT} instructions")

    def _take(self, count: int) -> bytes:
        end = self._position + count
        if count < 0 or end > len(self._data):
            raise Refused("its pickle ends in the middle of an instruction")
        piece = bytes(self._data[self._position : end])
        self._position = end
        return piece

    def _unpack(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        # A name of a module or a class: a kilobyte is generous.
        piece = bytes(self._data[self._position : self._position + 1024])
        length = piece.index(b"\n") if b"\n" in piece else -1
        if length < 0:
            raise Refused("its pickle ends in the middle of a name")
        self._position += length + 1
        return piece[:length].decode()

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise Refused("its pickle is damaged (a mark where a value is expected)")
        return value

    def _top(self) -> Any:
        return self._stack[-1]

    def _pop_to_mark(self) -> list[Any]:
        for index in range(len(self._stack) - 1, -1, -1):
            if self._stack[index] is _MARK:
                values = self._stack[index + 1 :]
                del self._stack[index:]
                return values
        raise Refused("its pickle is damaged (no mark)")

    def protocol(self) -> None:
        version = self._take(1)[0]
        if version != 2:
            raise Refused(f"its pickle has protocol {version}, torch.save writes 2")

    def push(self, value: object) -> None:
        self._stack.append(value)

    def global_(self) -> None:
        module, name = self._line(), self._line()
        found = f"{module}.{name}"
        if found not in _GLOBALS:
            raise Refused(f"its pickle refers to {found}, which is code or no plain tensor")
        self.push(Global(found))

    def string(self, count: int, encoding: str) -> None:
        self.push(self._take(count).decode(encoding))

    def long(self, count: int) -> None:
        if count > 16:
            raise Refused(f"its pickle has an integer of {count} bytes")
        self.push(int.from_bytes(self._take(count), "little", signed=True))

    def tuple_(self, count: int) -> None:
        self.push(tuple(reversed([self._pop() for _ in range(count)])))

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    def put(self, index: int) -> None:
        value = self._top()
        if value is _MARK:
            raise Refused("its pickle is damaged (a mark where a value is expected)")
        self._memo[index] = value

    def append(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise Refused("its pickle appends to what is no list")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(values) % 2:
            raise Refused("its pickle sets items of what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Nothing else: the hash of nested tuples can take for ever.
            if not isinstance(key, str | int):
                raise Refused(f"its pickle has a {type(key).__name__} as a key")
            target[key] = value

    def persistent(self) -> None:
        identity = self._pop()
        if not isinstance(identity, tuple):
            raise Refused("its pickle has a persistent id that is no tuple")
        self.push(self._resolve(identity))

    def reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Global) or function.name not in _CALLABLES or not isinstance(arguments, tuple):
            name = function.name if isinstance(function, Global) else type(function).__name__
            raise Refused(f"its pickle calls {name}")
        if function.name == _ORDERED_DICT and not arguments:
            self.push({})
        elif function.name in _WRAPPERS and arguments and isinstance(arguments[0], _WRAPPERS[function.name]):
            self.push(arguments[0])
        elif function.name in _REBUILD:
            least, most = _REBUILD[function.name]
            if not least <= len(arguments) <= most:
                raise Refused(f"its pickle calls {function.name} with {len(arguments)} arguments")
            self.push(_tensor(function.name, arguments))
        else:
            raise Refused(f"its pickle calls {function.name} with arguments that torch.save does not write")

    def build(self) -> None:
        state, target = self._pop(), self._top()
        # `torch.nn.Module.state_dict()` carries one attribute, the versions of its modules.
        if not isinstance(target, dict) or not isinstance(state, dict) or set(state) - {"_metadata"}:
            raise Refused("its pickle sets the state of an object")


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > _RANK_LIMIT:
        raise Refused(f"its pickle has a shape that is no tuple of at most {_RANK_LIMIT} sizes")
    if not all(type(length) is int and 0 <= length < 1 << 63 for length in value):
        raise Refused("its pickle has a shape with a dimension that is no size")
    return value


def _tensor(function: str, arguments: tuple[Any, ...]) -> Tensor:
    """The tensor that a call of torch's rebuild function makes: its storage, offset, shape, strides, …"""
    storage, offset, shape, strides = arguments[0], arguments[1], _sizes(arguments[2]), _sizes(arguments[3])
    if not isinstance(storage, Storage) or type(offset) is not int or offset < 0 or len(shape) != len(strides):
        raise Refused("its pickle has a tensor that is no view of a storage")
    width = storage.width
    version_3 = function.endswith("_v3")
    if version_3:
        dtype = arguments[6]
        name = dtype.name.removeprefix("torch.") if isinstance(dtype, Global) else ""
        if name not in DTYPES:
            raise Refused("its pickle has a tensor whose dtype is no dtype")
        width = DTYPES[name]
    if len(arguments) == (8 if version_3 else 7) and arguments[-1]:
        raise Refused("its pickle has a lazily conjugated or negated tensor")
    tensor = Tensor(storage, shape, width)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if 0 not in shape and (last + 1) * width > storage.nbytes:
        raise Refused(f"its pickle has a tensor of shape {list(shape)} that reaches beyond its storage")
    if tensor.nbytes > storage.nbytes:
        raise Refused(f"its pickle has a tensor of shape {list(shape)} that shows its storage more than once")
    return tensor


def _unknown(operation: int) -> str:
    import pickletools

    names = {ord(entry.code): entry.name for entry in pickletools.opcodes}
    return f"its pickle has the instruction {names.get(operation, hex(operation))}, which torch.save does not write"


_STEPS: Mapping[int, Callable[[_Machine], None]] = {
    0x80: _Machine.protocol,
    ord("c"): _Machine.global_,
    ord("X"): lambda m: m.string(m._unpack("<I"), "utf-8"),
    ord("U"): lambda m: m.string(m._take(1)[0], "ascii"),
    ord("K"): lambda m: m.push(m._take(1)[0]),
    ord("M"): lambda m: m.push(m._unpack("<H")),
    ord("J"): lambda m: m.push(m._unpack("<i")),
    0x8A: lambda m: m.long(m._take(1)[0]),
    ord("G"): lambda m: m.push(m._unpack(">d")),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord(")"): lambda m: m.push(()),
    0x85: lambda m: m.tuple_(1),
    0x86: lambda m: m.tuple_(2),
    0x87: lambda m: m.tuple_(3),
    ord("("): lambda m: m.push(_MARK),
    ord("t"): lambda m: m.push(tuple(m._pop_to_mark())),
    ord("]"): lambda m: m.push([]),
    ord("}"): lambda m: m.push({}),
    ord("a"): lambda m: m.append([m._pop()]),
    ord("e"): lambda m: m.append(m._pop_to_mark()),
    ord("s"): lambda m: m.set_items([m._pop(), m._pop()][::-1]),
    ord("u"): lambda m: m.set_items(m._pop_to_mark()),
    ord("h"): lambda m: m.get(m._take(1)[0]),
    ord("j"): lambda m: m.get(m._unpack("<I")),
    ord("q"): lambda m: m.put(m._take(1)[0]),
    ord("r"): lambda m: m.put(m._unpack("<I")),
    ord("Q"): _Machine.persistent,
    ord("R"): _Machine.reduce,
    ord("b"): _Machine.build,
}
