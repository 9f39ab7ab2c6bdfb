"""Run a saved Core ML program in torch: what a conversion does, checked without a Mac.

`run_package` reads an `.mlpackage` from disk as Core ML would (the program's protobuf and its
weight file, through coremltools' own reader) and executes each operation by its definition in
the MIL specification. Nothing of the converter's result in memory is used, so what is checked
is what a Mac is given.

Arithmetic is fp32 on the stored weights. With `rounds=True` every intermediate result is
rounded to the type the program declares for it, as a device that keeps fp16 between operations
would: it shows overflows, which fp32 hides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Inputs = Mapping[str, Any]
Operation = Callable[[Inputs], Any]

OPERATIONS: dict[str, Operation] = {}
"""What each MIL operation type computes, from its named inputs."""


class UnknownOperationError(Exception):
    """The program has an operation that the interpreter does not know."""


def run_package(
    package: Path, inputs: Mapping[str, np.ndarray], rounds: bool = False
) -> dict[str, np.ndarray]:
    """The outputs of an `.mlpackage` for these inputs, in fp32.

    Args:
        rounds: round each intermediate result to the type the program declares.
    """
    return run_program(load_program(package), inputs, rounds)


def load_program(package: Path) -> Any:
    """The program of an `.mlpackage` as coremltools reads it back from its files."""
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import load_spec

    spec = load_spec(str(package))
    weights = package / "Data" / "com.apple.CoreML" / "weights"
    return load(spec, spec.specificationVersion, str(weights))


def operation_types(program: Any) -> list[str]:
    """The type of every operation but constants, in order."""
    return [op.op_type for op in program.functions["main"].operations if op.op_type != "const"]


def run_program(
    program: Any, inputs: Mapping[str, np.ndarray], rounds: bool = False
) -> dict[str, np.ndarray]:
    """Execute a program's main function; see `run_package`."""
    function = program.functions["main"]
    values = {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in
              inputs.items()}  # fmt: skip
    missing = set(function.inputs) - set(values)
    if missing:
        raise KeyError(f"the program wants inputs {sorted(function.inputs)}, not {sorted(inputs)}")
    last_use = _last_uses(function)
    with torch.no_grad():
        for index, op in enumerate(function.operations):
            if op.op_type == "const":
                continue
            _execute(op, values, rounds)
            for name in last_use.get(index, ()):
                values.pop(name, None)
    return {var.name: values[var.name].numpy() for var in function.outputs}


def _execute(op: Any, values: dict[str, Any], rounds: bool) -> None:
    if op.op_type not in OPERATIONS:
        raise UnknownOperationError(f"{op.op_type} ({op.name})")
    given = {name: _value(var, values) for name, var in op.inputs.items() if var is not None}
    result = OPERATIONS[op.op_type](given)
    results = result if isinstance(result, tuple) else (result,)
    for var, tensor in zip(op.outputs, results, strict=True):
        if rounds and var.is_tensor_or_scalar_of(dtype="fp16"):
            tensor = tensor.half().float()
        assert tuple(tensor.shape) == tuple(var.shape), (op.op_type, tensor.shape, var.shape)
        values[var.name] = tensor


def _value(var: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(var, (tuple, list)):
        return [_value(one, values) for one in var]
    return values[var.name] if var.name in values else constant(var.val)


def constant(value: Any) -> Any:
    """A constant as the operations want it: floating arrays as fp32 tensors, the rest plain."""
    if isinstance(value, np.ndarray):
        is_floating = np.issubdtype(value.dtype, np.floating)
        return torch.from_numpy(np.array(value, np.float32)) if is_floating else value
    if isinstance(value, np.generic):
        return value.item()
    return value


def _last_uses(function: Any) -> dict[int, list[str]]:
    """Which values are not needed after which operation, to bound the memory."""
    kept = {var.name for var in function.outputs}
    last: dict[str, int] = {}
    for index, op in enumerate(function.operations):
        for var in op.inputs.values():
            for one in var if isinstance(var, (tuple, list)) else (var,):
                if one is not None:
                    last[one.name] = index
    uses: dict[int, list[str]] = {}
    for name, index in last.items():
        if name not in kept:
            uses.setdefault(index, []).append(name)
    return uses


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Register what operations of these types compute."""

    def register(compute: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, compute))
        return compute

    return register


def _elementwise(compute: Callable[..., torch.Tensor]) -> Operation:
    return lambda given: compute(_tensor(given["x"]), _tensor(given["y"]))


def _tensor(value: Any) -> torch.Tensor:
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(value)


def _ints(value: Any) -> list[int]:
    return [int(one) for one in np.asarray(value).reshape(-1)]


for _name, _compute in {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "real_div": torch.true_divide,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}.items():
    OPERATIONS[_name] = _elementwise(_compute)

for _name, _function in {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "exp": torch.exp,
    "sqrt": torch.sqrt,
    "identity": lambda x: x,
}.items():
    OPERATIONS[_name] = lambda given, function=_function: function(given["x"])


@operation("rsqrt")
def _rsqrt(given: Inputs) -> torch.Tensor:
    return torch.rsqrt(given["x"] + given.get("epsilon", 0.0))


@operation("clip")
def _clip(given: Inputs) -> torch.Tensor:
    return torch.clamp(given["x"], given["alpha"], given["beta"])


@operation("gelu")
def _gelu(given: Inputs) -> torch.Tensor:
    mode, x = given.get("mode", "EXACT"), given["x"]
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return functional.gelu(x, approximate="none" if mode == "EXACT" else "tanh")


@operation("cast")
def _cast(given: Inputs) -> torch.Tensor:
    kind, x = given["dtype"], given["x"]
    if kind in ("fp16", "fp32"):
        return x.half().float() if kind == "fp16" else x.float()
    return x.to({"int32": torch.int32, "bool": torch.bool}[kind])


@operation("conv")
def _conv(given: Inputs) -> torch.Tensor:
    x, weight = given["x"], given["weight"]
    padding = _padding(given.get("pad_type", "valid"), given.get("pad"), weight.shape[2:])
    x = functional.pad(x, padding)
    convolve = {3: functional.conv1d, 4: functional.conv2d}[x.ndim]
    return convolve(
        x,
        weight,
        given.get("bias"),
        stride=_ints(given.get("strides", [1] * (x.ndim - 2))),
        dilation=_ints(given.get("dilations", [1] * (x.ndim - 2))),
        groups=int(given.get("groups", 1)),
    )


def _padding(kind: str, pad: Any, kernel: Any) -> list[int]:
    """Padding in torch's order (last dimension first) from MIL's."""
    if kind == "valid":
        return [0, 0] * len(kernel)
    if kind != "custom":
        raise UnknownOperationError(f"padding {kind}")
    pairs = np.asarray(pad).reshape(-1, 2)[::-1]
    return _ints(pairs)


@operation("avg_pool")
def _avg_pool(given: Inputs) -> torch.Tensor:
    kernel, x = _ints(given["kernel_sizes"]), given["x"]
    pad = _padding(given.get("pad_type", "valid"), given.get("pad"), kernel)

    def average(values: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(values, pad)
        return functional.avg_pool2d(padded, kernel, _ints(given["strides"]))

    if given.get("exclude_padding_from_average", False):
        return average(x) / average(torch.ones_like(x[:1, :1]))
    return average(x)


@operation("max_pool")
def _max_pool(given: Inputs) -> torch.Tensor:
    kernel = _ints(given["kernel_sizes"])
    pad = _padding(given.get("pad_type", "valid"), given.get("pad"), kernel)
    padded = functional.pad(given["x"], pad, value=float("-inf"))
    return functional.max_pool2d(padded, kernel, _ints(given["strides"]))


@operation("linear")
def _linear(given: Inputs) -> torch.Tensor:
    return functional.linear(given["x"], given["weight"], given.get("bias"))


@operation("matmul")
def _matmul(given: Inputs) -> torch.Tensor:
    x, y = given["x"], given["y"]
    x = x.transpose(-1, -2) if given.get("transpose_x", False) else x
    y = y.transpose(-1, -2) if given.get("transpose_y", False) else y
    return x @ y


@operation("scaled_dot_product_attention")
def _attention(given: Inputs) -> torch.Tensor:
    return functional.scaled_dot_product_attention(
        given["query"], given["key"], given["value"], given.get("attn_mask")
    )


@operation("softmax")
def _softmax(given: Inputs) -> torch.Tensor:
    return torch.softmax(given["x"], int(given.get("axis", -1)))


@operation("layer_norm")
def _layer_norm(given: Inputs) -> torch.Tensor:
    x, axes = given["x"], _ints(given["axes"])
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, keepdim=True, unbiased=False)
    normal = (x - mean) * torch.rsqrt(variance + given.get("epsilon", 1e-5))
    shape = [size if axis in {a % x.ndim for a in axes} else 1 for axis, size in enumerate(x.shape)]
    if given.get("gamma") is not None:
        normal = normal * given["gamma"].reshape(shape)
    if given.get("beta") is not None:
        normal = normal + given["beta"].reshape(shape)
    return normal


@operation("batch_norm")
def _batch_norm(given: Inputs) -> torch.Tensor:
    return functional.batch_norm(
        given["x"],
        given["mean"],
        given["variance"],
        given.get("gamma"),
        given.get("beta"),
        eps=given.get("epsilon", 1e-5),
    )


@operation("reduce_mean")
def _reduce_mean(given: Inputs) -> torch.Tensor:
    return given["x"].mean(_ints(given["axes"]), keepdim=bool(given.get("keep_dims", False)))


@operation("reduce_sum")
def _reduce_sum(given: Inputs) -> torch.Tensor:
    return given["x"].sum(_ints(given["axes"]), keepdim=bool(given.get("keep_dims", False)))


@operation("reduce_l2_norm")
def _reduce_l2_norm(given: Inputs) -> torch.Tensor:
    keep = bool(given.get("keep_dims", False))
    return torch.linalg.vector_norm(given["x"], dim=_ints(given["axes"]), keepdim=keep)


@operation("transpose")
def _transpose(given: Inputs) -> torch.Tensor:
    return given["x"].permute(_ints(given["perm"]))


@operation("reshape")
def _reshape(given: Inputs) -> torch.Tensor:
    return given["x"].reshape(_ints(given["shape"]))


@operation("squeeze")
def _squeeze(given: Inputs) -> torch.Tensor:
    return given["x"].squeeze(_ints(given["axes"]))


@operation("expand_dims")
def _expand_dims(given: Inputs) -> torch.Tensor:
    x = given["x"]
    for axis in sorted(_ints(given["axes"])):
        x = x.unsqueeze(axis)
    return x


@operation("split")
def _split(given: Inputs) -> tuple[torch.Tensor, ...]:
    x, axis = given["x"], int(given["axis"])
    if given.get("split_sizes") is not None:
        return x.split(_ints(given["split_sizes"]), axis)
    return x.chunk(int(given["num_splits"]), axis)


@operation("concat")
def _concat(given: Inputs) -> torch.Tensor:
    return torch.cat([_tensor(one) for one in given["values"]], int(given["axis"]))


@operation("stack")
def _stack(given: Inputs) -> torch.Tensor:
    return torch.stack([_tensor(one) for one in given["values"]], int(given["axis"]))


@operation("tile")
def _tile(given: Inputs) -> torch.Tensor:
    return given["x"].repeat(_ints(given["reps"]))


@operation("pad")
def _pad(given: Inputs) -> torch.Tensor:
    pairs = np.asarray(given["pad"]).reshape(-1, 2)[::-1]
    mode = {"constant": "constant", "reflect": "reflect", "replicate": "replicate"}[given["mode"]]
    value = float(given.get("constant_val", 0.0)) if mode == "constant" else None
    return functional.pad(given["x"], _ints(pairs), mode, value)


@operation("slice_by_index")
def _slice_by_index(given: Inputs) -> torch.Tensor:
    x, axes = given["x"], range(given["x"].ndim)
    begin, end = _ints(given["begin"]), _ints(given["end"])
    stride = _ints(given["stride"]) if given.get("stride") is not None else [1 for _ in axes]
    masks = {name: _mask(given.get(name), x.ndim) for name in
             ("begin_mask", "end_mask", "squeeze_mask")}  # fmt: skip
    index: list[Any] = []
    for axis in axes:
        if masks["squeeze_mask"][axis]:
            index.append(begin[axis])
            continue
        start = None if masks["begin_mask"][axis] else begin[axis]
        stop = None if masks["end_mask"][axis] else end[axis]
        index.append(slice(start, stop, stride[axis]))
    return x[tuple(index)]


def _mask(value: Any, size: int) -> list[bool]:
    return [False] * size if value is None else [bool(one) for one in np.asarray(value)]


@operation("slice_by_size")
def _slice_by_size(given: Inputs) -> torch.Tensor:
    starts, sizes = _ints(given["begin"]), _ints(given["size"])
    ends = [None if size == -1 else start + size for start, size in zip(starts, sizes, strict=True)]
    return given["x"][tuple(slice(*pair) for pair in zip(starts, ends, strict=True))]


@operation("gather")
def _gather(given: Inputs) -> torch.Tensor:
    indices = torch.as_tensor(np.asarray(given["indices"]), dtype=torch.long)
    x, axis = given["x"], int(given["axis"])
    taken = torch.index_select(x, axis, indices.reshape(-1))
    return taken.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


@operation("upsample_bilinear", "resize_bilinear", "upsample_nearest_neighbor")
def _resize(given: Inputs) -> torch.Tensor:
    raise UnknownOperationError("resizing inside an encoder: its grid should be static")


@operation("constexpr_affine_dequantize")
def _affine_dequantize(given: Inputs) -> torch.Tensor:
    """scale * (quantised - zero point), along one axis."""
    data = torch.from_numpy(np.asarray(given["quantized_data"]).astype(np.float32))
    shape = [1] * data.ndim
    shape[int(given["axis"])] = -1

    def along(value: Any) -> torch.Tensor:
        tensor = torch.as_tensor(np.asarray(value, np.float32))
        return tensor.reshape(shape) if tensor.ndim else tensor

    return along(given["scale"]) * (data - along(given["zero_point"]))


@operation("constexpr_lut_to_dense")
def _lut_to_dense(given: Inputs) -> torch.Tensor:
    """Indices of log2(len(lut)) bits, packed from the lowest bit of each byte upwards."""
    lut = torch.as_tensor(np.asarray(given["lut"], np.float32))
    bits = int(np.log2(len(lut)))
    shape = _ints(given["shape"])
    packed = np.unpackbits(np.asarray(given["indices"], np.uint8), bitorder="little")
    wanted = packed[: int(np.prod(shape)) * bits].reshape(-1, bits)
    indices = wanted @ (1 << np.arange(bits))
    return lut[torch.from_numpy(indices.astype(np.int64))].reshape(shape)
