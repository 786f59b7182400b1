"""Carries out faults: a wrong answer, or a connection that breaks."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.sandbox.faults import Breakage, Fault, Faults

DRIP_EVERY_S = 0.1
_CUT_AFTER_BYTES = 2000
# Closing with this sends a reset, and throws away what was not sent yet (socket(7), SO_LINGER).
_NO_LINGER = struct.pack("ii", 1, 0)


class Protocol(H11Protocol):
    """uvicorn's own, that lets an application get at its connection: `scope["state"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Also called, with the same state, for a connection that becomes a WebSocket."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def transport_of(scope: Any) -> asyncio.Transport:
    """The connection that a request or a WebSocket came by."""
    transport: asyncio.Transport = scope["state"]["transport"]
    return transport


def reset(transport: asyncio.Transport) -> None:
    """End a connection as a crashed machine or a firewall does."""
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


async def met(faults: Faults, method: str, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The real answer, after the wait that was ordered, or the fault in its place."""
    interference = faults.meet(method)
    await asyncio.sleep(interference.delay_s)
    fault = interference.fault
    if fault is None:
        return await answer()
    real = await answer() if fault.is_taken or fault.breakage is Breakage.CUT else None
    response = _faulty(fault, real)
    if fault.status == HTTPStatus.TOO_MANY_REQUESTS:
        response.background = BackgroundTask(_tell, faults, method)
    return response


async def _tell(faults: Faults, method: str) -> None:
    # On the loop: a thread may be a while in coming.
    faults.told(method)


def _faulty(fault: Fault, real: Response | None) -> Response:
    headers = dict(fault.headers)
    if fault.breakage is not None:
        assert not isinstance(fault.body, dict)
        body = fault.body.encode() if isinstance(fault.body, str) else fault.body
        if not body and real is not None:
            body = bytes(real.body)
            headers.setdefault("content-type", real.headers.get("content-type", ""))
        return _Broken(fault.breakage, body, headers)
    if isinstance(fault.body, bytes):
        return Response(fault.body, status_code=fault.status, headers=headers)
    if isinstance(fault.body, str):
        return PlainTextResponse(fault.body, status_code=fault.status, headers=headers)
    return JSONResponse(fault.body, status_code=fault.status, headers=headers)


class _Broken(Response):
    """Writes past uvicorn, which lets nobody break HTTP."""

    def __init__(self, how: Breakage, body: bytes, headers: dict[str, str]) -> None:
        super().__init__()
        self._how = how
        self._data = body or b" " * 2 * _CUT_AFTER_BYTES
        self._named = {"content-type": "application/json", **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        transport = transport_of(scope)
        match self._how:
            case Breakage.RESET:
                reset(transport)
            case Breakage.CUT:
                length = len(self._data)
                transport.write(self._head(length) + self._data[: min(length // 2, 10**6)])
                transport.close()
            case Breakage.DRIP:
                transport.write(self._head(10**6))
                for byte in self._data:
                    if transport.is_closing():
                        break
                    transport.write(bytes([byte]))
                    await asyncio.sleep(DRIP_EVERY_S)
                reset(transport)
        # Else uvicorn would see a request that nobody answered.
        while (await receive())["type"] != "http.disconnect":
            pass

    def _head(self, length: int) -> bytes:
        lines = [f"{name}: {value}" for name, value in self._named.items()]
        head = ["HTTP/1.1 200 OK", *lines, f"content-length: {length}", "", ""]
        return "\r\n".join(head).encode()
