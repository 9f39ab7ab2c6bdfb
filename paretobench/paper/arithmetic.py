"""Small arithmetic that people write into claim files: parsed, checked, evaluated, shown.

Four operations, parentheses, numbers, names, and five functions. Nothing else of Python is
reachable: the expression is read as a syntax tree and every other node is refused.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping

from paretobench.errors import DataError

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

_FUNCTIONS: Mapping[str, Callable[[list[float]], float]] = {
    "mean": lambda numbers: math.fsum(numbers) / len(numbers),
    "min": min,
    "max": max,
    "sum": math.fsum,
    "sd": statistics.pstdev,
}

ALLOWED = f"+ - * / ( ), numbers, names of cells, and {', '.join(sorted(_FUNCTIONS))}"
"""What an expression may hold, for messages and documentation."""


def evaluate(expression: str, values: Mapping[str, float]) -> float:
    """The value of an expression over named values.

    Raises:
        DataError: if it cannot be read, names a value that is not given, uses anything else
            than `ALLOWED`, or divides by zero.

    >>> evaluate('(a + b) / 2', {'a': 1.0, 'b': 4.0}), evaluate('max(a, 3)', {'a': 1.0})
    (2.5, 3.0)
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise DataError(f"cannot read the arithmetic {expression!r}: use {ALLOWED}") from error
    try:
        return _value(tree, values)
    except ZeroDivisionError as error:
        shown = substitute(expression, values)
        raise DataError(f"the arithmetic {expression!r} divides by zero: {shown}") from error


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return float(values[name])
        case ast.Name(id=name):
            known = ", ".join(sorted(values)) or "none"
            raise DataError(f"the arithmetic uses {name!r}, which is no cell. Cells: {known}.")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
            name in _FUNCTIONS and args
        ):
            return float(_FUNCTIONS[name]([_value(argument, values) for argument in args]))
    raise DataError(f"the arithmetic may not use {ast.unparse(node)!r}: use {ALLOWED}")


def substitute(expression: str, values: Mapping[str, float]) -> str:
    """The expression with every name replaced by its value, for people.

    >>> substitute('theirs / ours', {'theirs': 14124.0, 'ours': 166.0})
    '14124 / 166'
    """
    return re.sub(
        r"[A-Za-z_]\w*",
        lambda match: f"{values[match[0]]:.10g}" if match[0] in values else match[0],
        " ".join(expression.split()),
    )
