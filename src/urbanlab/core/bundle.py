"""State for kernels: NamedTuples of arrays, handed over as one address.

A kernel that gets two hundred arrays as arguments compiles for minutes, since the compiler passes seven numbers an
array through every call. Here the arrays' addresses and lengths are written into one table, and
kernels get the address of the table. Inside compiled code a bundle reads like the NamedTuple itself
(`w.slots.pos[slot]`, `len(w.slots.pos)`); fields are one-dimensional arrays, numbers, or bundles.

What is asked of one vehicle or one lane together should stand together in memory: on a large city every array
that is touched is another line of the cache to wait for. A NamedTuple marked with `rows` says which of its
arrays are columns of one table; `pack` puts them into it. To whoever reads or writes them, with or without the
compiler, they stay arrays.

Indices are not checked and must not be negative. Short signed integers are read as int64. The table must not change while a kernel runs.
"""

from __future__ import annotations

import operator
import typing
from collections.abc import Callable
from functools import cache
from types import EllipsisType
from typing import Any, NamedTuple, NoReturn, TypeVar
from weakref import WeakValueDictionary

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_getattr_generic, models, register_model
from numpy.typing import NDArray

from urbanlab.core.memory import CACHE_LINE, Arena

__all__ = ["Handle", "pack", "prefetch", "rows", "viewer"]

C = TypeVar("C", bound=type)

WORD = 8
_BYTE_PTR = ir.IntType(8).as_pointer()


class _Field(NamedTuple):
    """Where a field stands in the table and what it is."""

    offset: int  # words
    kind: types.Type
    length: int = -1  # [words] offset of an array's length


class _Rows(NamedTuple):
    """Arrays of a class that are columns of one table."""

    names: tuple[str, ...]
    size: int  # [bytes] of a row
    places: dict[str, int]  # [bytes] of a column in the row


class FieldType(types.Type):
    """Numba's type of one array of a bundle, by itself or as a column: `place` and `row` in bytes."""

    def __init__(self, dtype: np.dtype[Any], place: int = 0, row: int = 0) -> None:
        self.array_dtype = dtype
        self.dtype = numba.from_dtype(dtype)
        self.place, self.row = place, row
        super().__init__(name=f"BundleField({dtype}, {place}, {row})")


class BundleType(types.Type):
    """Numba's type of a NamedTuple class."""

    def __init__(self, cls: type) -> None:
        self.fields, self.words = _layout(cls)
        super().__init__(name=f"Bundle({cls.__module__}.{cls.__qualname__})")


_groups: dict[type, tuple[tuple[str, ...] | EllipsisType, ...]] = {}


def rows(*groups: tuple[str, ...] | EllipsisType) -> Callable[[C], C]:
    """Mark arrays of a NamedTuple as columns of one table.

    Parameters
    ----------
    groups : names of the columns of each table in the order of the row, what is used most first; `...` stands for all arrays
    """

    def mark(cls: C) -> C:
        _groups[cls] = groups
        return cls

    return mark


@cache
def _tables(cls: type) -> tuple[_Rows, ...]:
    """Tables of a class. Rows longer than a line of the cache begin with a line."""
    hints = typing.get_type_hints(cls)
    found = []
    for group in _groups.get(cls, ()):
        names = tuple(name for name, hint in hints.items() if _scalar_of(hint)) if isinstance(group, EllipsisType) else group
        size, widest = 0, 1
        places: dict[str, int] = {}
        for name in names:
            width = np.dtype(_scalar_of(hints[name])).itemsize
            size += -size % width
            places[name] = size
            size, widest = size + width, max(widest, width)
        size += -size % (CACHE_LINE if size > CACHE_LINE else widest)
        found.append(_Rows(names, size, places))
    return tuple(found)


@cache
def _layout(cls: type) -> tuple[dict[str, _Field], int]:
    fields: dict[str, _Field] = {}
    hints = typing.get_type_hints(cls)
    tables = _tables(cls)
    words = len(tables)  # where each of them begins
    for name, hint in hints.items():
        kind: types.Type
        if hint is float:
            kind, size = types.float64, 1
        elif hint is int:
            kind, size = types.int64, 1
        elif isinstance(hint, type) and issubclass(hint, tuple):
            bundle = BundleType(hint)
            kind, size = bundle, bundle.words
        else:
            scalar = _scalar_of(hint)
            if scalar is None:
                raise TypeError(f"{cls.__name__}.{name}: {hint} is no number, no bundle and no array of NumPy's numbers")
            table = next((k for k, table in enumerate(tables) if name in table.places), -1)
            if table >= 0:
                kind = FieldType(np.dtype(scalar), tables[table].places[name], tables[table].size)
                fields[name] = _Field(table, kind, words)
                words += 1
                continue
            kind, size = FieldType(np.dtype(scalar)), 2
        fields[name] = _Field(words, kind, words + 1)
        words += size
    return fields, words


def _scalar_of(hint: Any) -> type[np.generic] | None:
    """What an array's annotation says of its elements; NumPy's `NDArray` has another form in each of its versions."""
    for part in typing.get_args(hint):
        found = part if isinstance(part, type) and issubclass(part, np.generic) else _scalar_of(part)
        if found is not None:
            return found
    return None


@register_model(FieldType)
class _FieldModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: FieldType) -> None:
        super().__init__(manager, kind, [("data", types.voidptr), ("length", types.int64)])


@register_model(BundleType)
class _BundleModel(models.OpaqueModel):  # type: ignore[misc]
    pass


@infer_getattr
class _BundleAttribute(AttributeTemplate):  # type: ignore[misc]
    key = BundleType

    def generic_resolve(self, kind: BundleType, name: str) -> types.Type | None:
        field = kind.fields.get(name)
        return field.kind if field is not None else None


def _load_word(builder: Any, table: Any, offset: int, kind: Any) -> Any:
    """A word of the table as a value; it does not change while a kernel runs, which the optimiser may use."""
    place = builder.gep(table, [ir.Constant(ir.IntType(64), offset * WORD)], source_etype=ir.IntType(8))
    value = builder.load(builder.bitcast(place, kind.as_pointer()), typ=kind)
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@lower_getattr_generic(BundleType)  # type: ignore[untyped-decorator]
def _bundle_getattr(context: Any, builder: Any, kind: BundleType, value: Any, name: str) -> Any:
    field = kind.fields[name]
    if isinstance(field.kind, FieldType):
        array = cgutils.create_struct_proxy(field.kind)(context, builder)
        start = _load_word(builder, value, field.offset, _BYTE_PTR)
        place = ir.Constant(ir.IntType(64), field.kind.place)
        array.data = builder.gep(start, [place], source_etype=ir.IntType(8)) if field.kind.row else start
        array.length = _load_word(builder, value, field.length, ir.IntType(64))
        return array._getvalue()
    if isinstance(field.kind, BundleType):
        return builder.gep(value, [ir.Constant(ir.IntType(64), field.offset * WORD)], source_etype=ir.IntType(8))
    return _load_word(builder, value, field.offset, context.get_value_type(field.kind))


def _read(kind: Any) -> Any:
    """What an element is once it is read: short integers become what arithmetic makes of them anyway.

    Otherwise each function that gets one would be compiled for each kind of integer.
    """
    return types.int64 if kind in types.signed_domain else kind


@infer_global(operator.getitem)
class _FieldGetitem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Any:
        if len(args) == 2 and isinstance(args[0], FieldType) and isinstance(args[1], types.Integer):
            return signature(_read(args[0].dtype), args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _FieldSetitem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Any:
        if len(args) == 3 and isinstance(args[0], FieldType) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@infer_global(len)
class _FieldLen(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Any:
        if len(args) == 1 and isinstance(args[0], FieldType):
            return signature(types.intp, args[0])
        return None


def _place(context: Any, builder: Any, kind: FieldType, value: Any, index: Any) -> Any:
    array = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    element = context.get_data_type(kind.dtype)
    if kind.row:
        step = builder.mul(index, ir.Constant(ir.IntType(64), kind.row))
        return builder.bitcast(builder.gep(array.data, [step], source_etype=ir.IntType(8)), element.as_pointer())
    start = builder.bitcast(array.data, element.as_pointer())
    return builder.gep(start, [index], source_etype=element)


@lower_builtin(operator.getitem, FieldType, types.intp)  # type: ignore[untyped-decorator]
def _field_getitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind = sig.args[0]
    value = context.unpack_value(builder, kind.dtype, _place(context, builder, kind, args[0], args[1]))
    return context.cast(builder, value, kind.dtype, sig.return_type)


@lower_builtin(operator.setitem, FieldType, types.intp, types.Any)  # type: ignore[untyped-decorator]
def _field_setitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind = sig.args[0]
    context.pack_value(builder, kind.dtype, args[2], _place(context, builder, kind, args[0], args[1]))
    return context.get_dummy_value()


@lower_builtin(len, FieldType)  # type: ignore[untyped-decorator]
def _field_len(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return cgutils.create_struct_proxy(sig.args[0])(context, builder, value=args[0]).length


def _do_nothing(field: Any, index: int) -> None:
    """What fetching is without the compiler."""


def _prefetch_intrinsic() -> Callable[[Any, int], None]:
    if numba.config.DISABLE_JIT:
        return _do_nothing

    @intrinsic  # type: ignore[untyped-decorator]
    def fetch(typing_context: Any, field: types.Type, index: types.Type) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            place = builder.bitcast(_place(context, builder, sig.args[0], args[0], args[1]), _BYTE_PTR)
            number = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [_BYTE_PTR, number, number, number])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(function, [place, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.none(field, types.intp), codegen

    return fetch  # type: ignore[no-any-return]


prefetch = _prefetch_intrinsic()
"""prefetch(array, index): have the line of the cache with an element fetched while other work is done; changes nothing."""


class Handle:
    """Keeps a bundle's arrays and its table alive; `address` is what kernels get."""

    def __init__(self, value: Any, table: NDArray[np.int64]) -> None:
        self.value = value
        self.table = table
        self.address = int(table.ctypes.data)
        _live[self.address] = self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a running world can't be copied or pickled: its arrays go by their addresses (Simulation.save keeps it)")


_live: WeakValueDictionary[int, Handle] = WeakValueDictionary()


def pack(value: Any) -> Handle:
    """Write the table of a NamedTuple; `Handle.value` is the NamedTuple with its columns put into their tables.

    Raises
    ------
    TypeError : a field is not what the class says
    """
    value = _with_tables(value, Arena(_room_for_tables(value)))
    words: list[int] = []
    _pack_into(value, words)
    return Handle(value, np.array(words, np.int64))


def _room_for_tables(value: Any) -> int:
    """Bytes of the tables whose columns stand elsewhere."""
    size = 0
    for name, field in _layout(value.__class__)[0].items():
        if isinstance(field.kind, BundleType):
            size += _room_for_tables(getattr(value, name))
    for table in _tables(value.__class__):
        _check_columns(value, table)
        if not _is_table(value, table):
            size += Arena.rounded(_length(value, table) * table.size)
    return size


def _with_tables(value: Any, arena: Arena) -> Any:
    """The same values, where columns of one table stand in one."""
    parts = {}
    for name, field in _layout(value.__class__)[0].items():
        if isinstance(field.kind, BundleType):
            parts[name] = _with_tables(getattr(value, name), arena)
    for table in _tables(value.__class__):
        if not _is_table(value, table):
            parts |= _interleaved(value, table, arena)
    return value._replace(**parts) if parts else value


def _length(value: Any, table: _Rows) -> int:
    """Rows of a table; it has one even where it is empty, so that it stands somewhere."""
    return max(1, *(len(getattr(value, name)) for name in table.names))


def _check_columns(value: Any, table: _Rows) -> None:
    fields = _layout(value.__class__)[0]
    for name in table.names:
        item, kind = getattr(value, name), fields[name].kind
        wanted = kind.array_dtype if isinstance(kind, FieldType) else None
        if item.ndim != 1 or item.dtype != wanted:
            raise TypeError(f"{type(value).__name__}.{name} is {item.dtype} {item.shape}, expected one row of {wanted}")


def _is_table(value: Any, table: _Rows) -> bool:
    start = getattr(value, table.names[0]).ctypes.data
    columns = [(getattr(value, name), place) for name, place in table.places.items()]
    return all(item.strides[0] == table.size and item.ctypes.data == start + place for item, place in columns)


def _interleaved(value: Any, table: _Rows, arena: Arena) -> dict[str, NDArray[Any]]:
    """Copies of the columns in one table."""
    room = arena.piece(_length(value, table) * table.size)
    columns = {}
    for name in table.names:
        item = getattr(value, name)
        column = np.ndarray(item.shape, item.dtype, room, table.places[name], (table.size,))
        column[:] = item
        columns[name] = column
    return columns


def _pack_into(value: Any, words: list[int]) -> None:
    tables = _tables(value.__class__)
    words += [getattr(value, table.names[0]).ctypes.data for table in tables]
    for name, field in _layout(value.__class__)[0].items():
        item = getattr(value, name)
        if isinstance(field.kind, BundleType):
            _pack_into(item, words)
        elif isinstance(field.kind, FieldType):
            if field.kind.row:
                words.append(len(item))
                continue
            wanted = field.kind.array_dtype
            if not item.flags.c_contiguous or item.ndim != 1 or item.dtype != wanted:
                raise TypeError(f"{type(value).__name__}.{name} is {item.dtype} {item.shape}, expected one row of {wanted} without gaps")
            words += [int(item.ctypes.data), len(item)]
        elif field.kind == types.float64:
            words.append(int(np.float64(item).view(np.int64)))
        else:
            words.append(operator.index(item))


def viewer(cls: type) -> Callable[[int], Any]:
    """Function that turns an address into the bundle inside compiled code (and interpreted, for coverage)."""
    if numba.config.DISABLE_JIT:
        return lambda address: _live[address].value
    kind = BundleType(cls)

    @intrinsic  # type: ignore[untyped-decorator]
    def view(typing_context: Any, address: types.Type) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], _BYTE_PTR)

        return kind(types.int64), codegen

    return view  # type: ignore[no-any-return]
