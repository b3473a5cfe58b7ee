"""Addresses of the Internet Protocol, in their usual notations."""

import ipaddress
from collections.abc import Iterator

from forebay.guards.validators.pii.form import Form, alone

MAX_IPV6 = 45
MIN_GROUPS = 2


def _ipv4(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """One that may be somebody's, and is no part of a longer dotted number."""
    dotted = (text[start - 1 : start] == "." and start > 0) or (
        text[end : end + 1] == "." and text[end + 1 : end + 2].isdecimal()
    )
    if dotted or not alone(text, start, end):
        return
    if not _is_nobodys(ipaddress.IPv4Address(text[start:end])):
        yield start, end


def _ipv6(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """One with a digit and two groups at least: ``face::cafe`` is rather C++."""
    while end > start and text[end - 1] in ":." and text[end - 2 : end] != "::":
        end -= 1
    candidate = text[start:end]
    groups = [group for group in candidate.split(":") if group]
    if len(groups) < MIN_GROUPS or not any(each.isdecimal() for each in candidate) or not alone(text, start, end):
        return
    try:
        address = ipaddress.IPv6Address(candidate)
    except ValueError:
        return
    if not _is_nobodys(address):
        yield start, end


def _is_nobodys(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback or address.is_unspecified or str(address) == "255.255.255.255"


BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = Form(rf"\b({BYTE}(?:\.{BYTE}){{3}})\b", 16, _ipv4)
IPV6 = Form(rf"([0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:]{{1,{MAX_IPV6}}}(?:\.[0-9]{{1,3}}){{0,3}})", MAX_IPV6 + 20, _ipv6)
