"""The envelopes of answers that the router gives itself."""

from __future__ import annotations

from typing import Any

from errors import ApiError
from reads import dumps
from wire import TEXT, Response

NOWHERE = ApiError(404, "", plain=True)


def ok(result: Any) -> Response:
    return Response(200, b'{"result":%s,"status":"ok","time":0.0}' % dumps(result))


def accepted() -> Response:
    return Response(202, b'{"status":"accepted","time":0.0}')


def refusal(failure: ApiError, seconds: float) -> Response:
    headers = {} if failure.retry_after is None else {"retry-after": str(failure.retry_after)}
    if failure.plain:
        return Response(failure.status, failure.message.encode(), TEXT if failure.message else None, headers)
    return Response(failure.status, dumps({"status": {"error": failure.message}, "time": seconds}), headers=headers)
