"""Bencode, the encoding of rtpengine's ng protocol: integers, octet strings, lists, dictionaries."""


def encode(value):
    """Octets of an int, str, bytes, list or dict; the keys of a dict in order, as bencode wants."""
    if isinstance(value, bool):
        raise TypeError("bencode has no booleans")
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    raise TypeError("bencode has no " + type(value).__name__)


def decode(octets):
    """The value that `octets` hold; strings as str, with octets that are not UTF-8 replaced.

    Raises ValueError where they are no bencode, or more than one value."""
    value, end = _decode(octets, 0)
    if end != len(octets):
        raise ValueError("octets after the value")
    return value


def _decode(octets, at):
    kind = octets[at:at + 1]
    if kind == b"i":
        end = octets.index(b"e", at)
        return int(octets[at + 1:end]), end + 1
    if kind == b"l":
        items, at = [], at + 1
        while octets[at:at + 1] != b"e":
            item, at = _decode(octets, at)
            items.append(item)
        return items, at + 1
    if kind == b"d":
        items, at = {}, at + 1
        while octets[at:at + 1] != b"e":
            key, at = _decode(octets, at)
            items[key], at = _decode(octets, at)
        return items, at + 1
    if not kind.isdigit():
        raise ValueError("no bencode at octet %d" % at)
    colon = octets.index(b":", at)
    end = colon + 1 + int(octets[at:colon])
    if end > len(octets):
        raise ValueError("a string that ends before its length")
    return octets[colon + 1:end].decode(errors="replace"), end
