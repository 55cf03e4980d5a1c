"""One message to an e-mail address or a webhook. A webhook reaches public addresses only."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import orjson
from django.conf import settings

__all__ = ["AlertFailed", "deliver"]

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
TIMEOUT_S: Final = 5.0


class AlertFailed(Exception):
    """The message did not arrive, and why."""


def deliver(to: str, subject: str, text: str, facts: dict[str, Any]) -> None:
    """``facts`` are what a webhook gets, as JSON. Raises AlertFailed."""
    try:
        if to.startswith(("https://", "http://")):
            _post(to, orjson.dumps({**facts, "text": text}))
        else:
            _send(to, subject, text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AlertFailed(f"{type(error).__name__}: {error}"[:300]) from error


def _send(to: str, subject: str, text: str) -> None:
    from django.core.mail import EmailMessage  # noqa: PLC0415 - no request needs it

    if settings.PRODUCTION and not settings.EMAIL_HOST:
        raise AlertFailed("EMAIL_HOST is not set: there is no way for e-mail")
    EmailMessage(subject, text, to=[to]).send()


def _post(url: str, body: bytes) -> None:
    """To the very address that was looked at: a name may mean another one the next time. No redirects."""
    place = urlsplit(url)
    if place.scheme != "https" and settings.PRODUCTION:
        raise AlertFailed("webhooks are https in production")
    host, port = place.hostname or "", place.port or (443 if place.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.sock = _connected(place, host, port)
        path = f"{place.path or '/'}{'?' + place.query if place.query else ''}"
        headers = {"Content-Type": "application/json", "User-Agent": "llm-tracer"}
        connection.request("POST", path, body=body, headers=headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:  # noqa: PLR2004 - the range is HTTP's
        raise AlertFailed(f"the webhook answered {status}")


def _connected(place: SplitResult, host: str, port: int) -> socket.socket:
    address = _allowed_address(host, port)
    plain = socket.create_connection((address, port), timeout=TIMEOUT_S)
    if place.scheme != "https":
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _allowed_address(host: str, port: int) -> str:
    """Never of this machine, its network or the cloud's metadata, except in development."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    inner = [one for one in addresses if not _is_public(one)]
    if settings.PRODUCTION and inner:
        raise AlertFailed(f"{host} is at {inner[0]}, which is no public address")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64 or address.sixtofour or address.teredo:
            return False  # an address of the inside may stand in it
        return (address.ipv4_mapped or address).is_global and not address.is_multicast
    return address.is_global and not address.is_multicast
