"""Every refusal the front can give, with the status and the wording a Qdrant server uses for it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import orjson


class ApiError(Exception):
    """An answer other than 200. `plain` ones carry bare text instead of the JSON envelope."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None, plain: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        self.plain = plain


def wrong_input(text: str) -> ApiError:
    return ApiError(400, f"Wrong input: {text}")


def bad_request(text: str) -> ApiError:
    return ApiError(400, f"Bad request: {text}")


def format_error(text: str) -> ApiError:
    return ApiError(400, f"Format error in JSON body: {text}")


def invalid(where: str, text: str) -> ApiError:
    return ApiError(422, f"Validation error in {where}: [{text}]")


def not_found(text: str) -> ApiError:
    return ApiError(404, f"Not found: {text}")


def no_collection(name: str) -> ApiError:
    return not_found(f"Collection `{name}` doesn't exist!")


def internal(text: str) -> ApiError:
    return ApiError(500, f"Service internal error: {text}")


def forbidden(text: str = "Global manage access is required", *, plain: bool = False) -> ApiError:
    return ApiError(403, f"Forbidden: {text}", plain=plain)


def bad_id(value: Any) -> ApiError:
    shown = "Unit" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, float):
        shown = format(Decimal(repr(value)), "f")
    return format_error(f"value {shown} is not a valid point ID, valid values are either an unsigned integer or a UUID")


_ENGINE_TEXTS: tuple[tuple[str, int, str], ...] = (
    ("Vector dimension error", 400, "Wrong input: "),
    ("Not existing vector name", 400, "Wrong input: "),
    ("No range index for", 400, "Wrong input: "),
    ("Validation failed", 400, "Wrong input: "),
    ("No point with id", 404, "Not found: "),
)


def from_engine(failure: BaseException) -> ApiError:
    """The engine raises bare exceptions with a text: the text alone says whose fault it was."""
    text = str(failure)
    if isinstance(failure, (TypeError, ValueError, OverflowError)):
        return format_error(text)
    for start, status, prefix in _ENGINE_TEXTS:
        if start in text:
            found = re.fullmatch(r"No point with id (\S+)", text)
            return ApiError(status, prefix + (f"{text} found" if found else text))
    return internal(text)


# What the parser says, and what a Qdrant server says of the same fault. Everything else is `expected value`.
_PARSER_TEXTS = {
    "trailing comma is not allowed": ("trailing comma", 1),
    "Input is a zero-length, empty document": ("EOF while parsing a value", None),
    "unexpected end of data": ("EOF while parsing a value", 0),
    "unexpected content after document": ("trailing characters", 0),
    "unexpected character, expected ':' after key": ("expected `:`", 0),
}


Raw = bytes | bytearray | memoryview


def parse_json(raw: Raw) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as failure:
        raise _unparsable(bytes(raw), failure) from None


def _unparsable(raw: bytes, failure: orjson.JSONDecodeError) -> ApiError:
    if "UTF-8" in failure.msg:
        try:
            raw.decode()
        except UnicodeDecodeError as broken:
            line, column = _position(raw, broken.start)
            return format_error(f"invalid unicode code point at line {line} column {column + 2}")
    text, shift = _PARSER_TEXTS.get(failure.msg, ("expected value", 0))
    if shift is None:
        return format_error(f"{text} at line 1 column 0")
    if text.startswith("EOF"):
        shift = -1
    return format_error(f"{text} at line {failure.lineno} column {failure.colno + shift}")


def _position(raw: bytes, offset: int) -> tuple[int, int]:
    return raw.count(b"\n", 0, offset) + 1, offset - raw.rfind(b"\n", 0, offset) - 1


def parse_object(raw: Raw, struct: str) -> dict[str, Any]:
    value = parse_json(raw)
    if isinstance(value, dict):
        return value
    kind = "sequence" if isinstance(value, list) else "null" if value is None else type(value).__name__
    raise format_error(f"invalid type: {kind}, expected struct {struct} at line 1 column 0")


def at_value(raw: Raw, key: str, past: int = 0) -> str:
    """Where the value of a top-level key ends: a Qdrant server points there when it refuses the value."""
    text = bytes(raw).decode()
    found = re.search(rf'"{re.escape(key)}"\s*:\s*', text)
    end = json.JSONDecoder().raw_decode(text, found.end())[1] if found else len(text)
    line, column = _position(text.encode(), len(text[:end].encode()))
    return f" at line {line} column {column + past}"


def refuse_variant(given: str, known: tuple[str, ...], where: str = "") -> str:
    return f"unknown variant `{given}`, expected one of {', '.join(f'`{name}`' for name in known)}{where}"


def lacking(what: str) -> NoReturn:
    """Says openly that this front does not have something, instead of pretending."""
    raise ApiError(501, f"Not implemented: the sandbox's Qdrant front does not have {what}")
