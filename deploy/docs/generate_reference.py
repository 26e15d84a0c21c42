#!/usr/bin/env python3
"""Makes deploy/docs/reference.md from the comments of proto/causeway/v1. Python's standard library and
protoc only.

usage: generate_reference.py [--check] [--protoc PATH] [--root DIR]

  --check   write nothing; exit 1 where reference.md, or the table of reasons in proto/README.md, is
            not what the proto says
"""

import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

# Field numbers of google/protobuf/descriptor.proto.
FILE, FILE_MESSAGES, FILE_ENUMS, FILE_SERVICES, FILE_SOURCE = 1, 4, 5, 6, 9
SCALARS = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string",
           12: "bytes", 13: "uint32", 17: "sint32", 18: "sint64"}
ENUM_TYPE, REPEATED = 14, 3

# In the order of the page.
SERVICES = ["RelayService", "RecordingService", "EventService", "NodeService", "InterceptService"]
FILES = [("session.proto", "Sessions and connections"), ("leg.proto", "Legs"),
         ("common.proto", "Addresses and codecs"), ("recording.proto", "Recordings"),
         ("report.proto", "Reports"), ("event_service.proto", "Events"),
         ("relay_service.proto", "Views and descriptions"), ("node_service.proto", "Nodes"),
         ("intercept_service.proto", "Intercept")]
STATUSES = ["INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED",
            "RESOURCE_EXHAUSTED", "UNAVAILABLE", "PERMISSION_DENIED", "OUT_OF_RANGE",
            "UNIMPLEMENTED", "INTERNAL"]

INTRODUCTION = """\
# API reference

The API of Causeway, package `causeway.v1`, as its proto files have it. Made by
`deploy/docs/generate_reference.py` from their comments; change those, not this page.

In JSON a request may have field names in lowerCamelCase or as they stand here; answers have the latter from
`causeway`, the former from others (grpcurl). Enums are their full names, `bytes` are base64,
durations are `"1.5s"`, times are RFC 3339, 64-bit integers are strings, and what has its default is left out.
[The API by example](api-by-example.md) has requests and answers as they are.

A whole call in one request: an endpoint with SRTP and Opus, another with plain G.711, both ways,
recorded (`deploy/docs/examples/create_session.json`). The response has the addresses to give to the
endpoints, the key that the relay sends to `legs/a` with, and what the relay does in words.

```json
{example}
```
"""


class Wire:
    """One protobuf message as its raw fields: number -> list of values (ints or bytes)."""

    def __init__(self, data):
        self.fields = {}
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            number, kind = key >> 3, key & 7
            if kind == 0:
                value, at = varint(data, at)
            elif kind == 2:
                size, at = varint(data, at)
                value, at = data[at:at + size], at + size
            else:
                size = {1: 8, 5: 4}[kind]
                value, at = data[at:at + size], at + size
            self.fields.setdefault(number, []).append(value)

    def messages(self, number):
        return [Wire(value) for value in self.fields.get(number, [])]

    def text(self, number):
        return self.fields.get(number, [b""])[-1].decode()

    def number(self, number, default=0):
        return self.fields.get(number, [default])[-1]

    def packed(self, number):
        numbers = []
        for value in self.fields.get(number, []):
            if isinstance(value, int):
                numbers.append(value)
                continue
            at = 0
            while at < len(value):
                item, at = varint(value, at)
                numbers.append(item)
        return tuple(numbers)


def varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        value |= (octet & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if octet < 0x80:
            return value, at


class Comments:
    """What stands before each declaration of a file, by the path of its numbers."""

    def __init__(self, file):
        self.leading, self.detached = {}, {}
        for source in file.messages(FILE_SOURCE):
            for location in source.messages(1):
                path = location.packed(1)
                if location.text(3):
                    self.leading[path] = location.text(3)
                for text in location.fields.get(6, []):
                    self.detached.setdefault(path, []).append(text.decode())

    def of(self, *path):
        return paragraphs(self.leading.get(path, ""))


def paragraphs(comment):
    """A comment as one line a paragraph; `Errors:` begins one of its own."""
    found = [[]]
    for line in comment.splitlines():
        line = line.strip()
        if not line:
            found.append([])
        elif line.startswith("Errors:"):
            found.append([line])
        else:
            found[-1].append(line)
    text = [" ".join(lines) for lines in found if lines]
    return [re.sub(r" (Errors: [A-Z][A-Z_]+)", r"\n\1", line) for line in text]


def lines_of(texts):
    """Paragraphs as they are printed: `Errors:` apart from what comes before."""
    return [part for text in texts for part in text.split("\n")]


class Api:
    """All messages, enums and services of the files, with their comments."""

    def __init__(self, descriptors):
        self.messages, self.enums, self.services, self.about = {}, {}, {}, []
        for file in Wire(descriptors).messages(FILE):
            name = file.text(1)
            if not name.startswith("causeway/v1/"):
                continue
            comments = Comments(file)
            short = name.removeprefix("causeway/v1/")
            for texts in comments.detached.values():
                self.about += [part for text in texts for part in paragraphs(text)]
            for index, message in enumerate(file.messages(FILE_MESSAGES)):
                self.messages[message.text(1)] = Message(short, message, comments, index)
            for index, enum in enumerate(file.messages(FILE_ENUMS)):
                self.enums[enum.text(1)] = Enum(short, enum, comments, index)
            for index, service in enumerate(file.messages(FILE_SERVICES)):
                self.services[service.text(1)] = Service(service, comments, index)


class Message:
    def __init__(self, file, wire, comments, index):
        self.file, self.name = file, wire.text(1)
        self.comment = comments.of(FILE_MESSAGES, index)
        oneofs = [oneof.text(1) for oneof in wire.messages(8)]
        oneof_comments = [comments.of(FILE_MESSAGES, index, 8, i) for i in range(len(oneofs))]
        entries = {"." + "causeway.v1." + self.name + "." + nested.text(1): nested
                   for nested in wire.messages(3)}
        self.fields, self.oneofs = [], {}
        for place, field in enumerate(wire.messages(2)):
            comment = comments.of(FILE_MESSAGES, index, 2, place)
            is_optional = field.number(17) == 1
            oneof = None
            if 9 in field.fields and not is_optional:
                oneof = oneofs[field.number(9)]
                self.oneofs[oneof] = oneof_comments[field.number(9)]
            self.fields.append(Field(field, comment, oneof, is_optional, entries))

    def types(self):
        return [kind for field in self.fields for kind in field.names]


class Field:
    def __init__(self, wire, comment, oneof, is_optional, entries):
        self.name, self.comment, self.oneof = wire.text(1), comment, oneof
        self.names = []  # of the messages and enums in its type
        entry = entries.get(wire.text(6))
        if entry:
            key, value = entry.messages(2)
            self.type = f"map of {self.single(key)} to {self.single(value)}"
        elif wire.number(4) == REPEATED:
            self.type = "repeated " + self.single(wire)
        else:
            self.type = ("optional " if is_optional else "") + self.single(wire)

    def single(self, wire):
        if wire.number(5) in SCALARS:
            return SCALARS[wire.number(5)]
        name = wire.text(6).rsplit(".", 1)[-1]
        if wire.text(6).startswith(".google."):
            return name
        self.names.append(name)
        return link(name)


class Enum:
    def __init__(self, file, wire, comments, index):
        self.file, self.name = file, wire.text(1)
        self.comment = comments.of(FILE_ENUMS, index)
        self.values = [(value.text(1), value.number(2), comments.of(FILE_ENUMS, index, 2, place))
                       for place, value in enumerate(wire.messages(2))]


class Service:
    def __init__(self, wire, comments, index):
        self.name = wire.text(1)
        self.comment = comments.of(FILE_SERVICES, index)
        self.methods = []
        for place, method in enumerate(wire.messages(2)):
            self.methods.append((method.text(1), method.text(2).rsplit(".", 1)[-1],
                                 method.text(3).rsplit(".", 1)[-1], method.number(6) == 1,
                                 comments.of(FILE_SERVICES, index, 2, place)))


def link(name):
    return f"[{name}](#{name.lower()})"


def cell(texts):
    return "<br>".join(lines_of(texts)).replace("|", "\\|")


def first_sentence(texts):
    return re.split(r"(?<=[.]) ", lines_of(texts)[0], maxsplit=1)[0]


def wrapped(texts):
    out = []
    for text in lines_of(texts):
        out += textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False) + [""]
    return out


def fields_table(message):
    if not message.fields:
        return ["*empty*", ""]
    out = ["| field | type | meaning |", "|---|---|---|"]
    oneof = None
    for field in message.fields:
        if field.oneof and field.oneof != oneof:
            out.append(f"| *one of* | | *{field.oneof}*: {cell(message.oneofs[field.oneof])} |")
        oneof = field.oneof
        name = ("&nbsp;&nbsp;" if oneof else "") + f"`{field.name}`"
        out.append(f"| {name} | {field.type} | {cell(field.comment)} |")
    return out + [""]


def reasons(api):
    """(status, reason, rest of the comment) of each reason that is sent."""
    found = []
    for name, number, comment in api.enums["ErrorReason"].values:
        if number == 0:
            continue
        match = re.match(r"([A-Z_]+)(, with RetryInfo)?: (.*)", " ".join(comment))
        if not match or match[1] not in STATUSES:
            raise ValueError(f"{name}: its comment does not begin with a status")
        found.append((match[1], name.removeprefix("ERROR_REASON_"), match[3], bool(match[2])))
    return found


def errors_section(api):
    out = ["## Errors", "", *wrapped(api.enums["ErrorReason"].comment),
           "| reason | status | when |", "|---|---|---|"]
    for status, reason, when, has_retry in reasons(api):
        status += " with RetryInfo" if has_retry else ""
        out.append(f"| `{reason}` | {status} | {cell([when[0].upper() + when[1:]])} |")
    return out + [""]


def service_section(api, service):
    out = [f"## {service.name}", "", *wrapped(service.comment), "| method | |", "|---|---|"]
    out += [f"| [{name}](#{name.lower()}) | {cell([first_sentence(comment)])} |"
            for name, _, _, _, comment in service.methods]
    out.append("")
    for name, request, response, is_stream, comment in service.methods:
        out += [f"### {name}", "", *wrapped(comment)]
        out += [f"**{request}**", "", *fields_table(api.messages[request])]
        stream = "a stream of " if is_stream else ""
        out += [f"returns {stream}**{response}**", "", *fields_table(api.messages[response])]
    return out


def types_section(api, file, title):
    envelopes = {kind for service in api.services.values() for _, request, response, _, _
                 in service.methods for kind in (request, response)}
    out = []
    for message in api.messages.values():
        if message.file == file and message.name not in envelopes:
            out += [f"### {message.name}", "", *wrapped(message.comment), *fields_table(message)]
            for name in message.types():
                enum = api.enums.get(name)
                if enum and enum.file == file and enum not in types_section.printed:
                    types_section.printed.append(enum)
                    out += enum_section(enum)
    for enum in api.enums.values():
        if enum.file == file and enum not in types_section.printed and enum.name != "ErrorReason":
            types_section.printed.append(enum)
            out += enum_section(enum)
    return [f"## {title}", "", *out] if out else []


def enum_section(enum):
    out = [f"### {enum.name}", "", *wrapped(enum.comment), "| value | | meaning |", "|---|---|---|"]
    out += [f"| `{name}` | {number} | {cell(comment)} |" for name, number, comment in enum.values]
    return out + [""]


def reference(api, example):
    types_section.printed = []
    sections = [["## Common rules", "", *wrapped(api.about)], errors_section(api)]
    sections += [service_section(api, api.services[name]) for name in SERVICES]
    sections += [types_section(api, file, title) for file, title in FILES]
    missing = set(api.services) - set(SERVICES)
    missing |= {thing.file for kind in (api.messages, api.enums) for thing in kind.values()}
    missing -= {file for file, _ in FILES} | {"recording_service.proto"}
    if missing:
        raise ValueError(f"not in the page's order: {', '.join(sorted(missing))}")
    titles = [section[0].removeprefix("## ") for section in sections if section]
    contents = [f"- [{title}](#{title.lower().replace(' ', '-')})" for title in titles]
    out = [INTRODUCTION.replace("{example}", example.strip()), *contents, ""]
    for section in sections:
        out += section
    return "\n".join(out).rstrip("\n") + "\n"


def breaches_of_readme(api, readme):
    """Where the table of reasons in proto/README.md differs from ErrorReason."""
    stated = {}
    for line in readme.splitlines():
        columns = [column.strip() for column in line.strip("|").split("|")]
        if columns[0] in STATUSES and len(columns) == 3:
            for reason in re.findall(r"[A-Z_]+", columns[1]):
                stated[reason] = columns[0]
    true = {reason: status for status, reason, _, _ in reasons(api)}
    return [f"proto/README.md: {reason} is {stated.get(reason, 'absent')}, and "
            f"{true.get(reason, 'absent')} in ErrorReason"
            for reason in sorted(stated | true) if stated.get(reason) != true.get(reason)]


def load(root, protoc):
    files = sorted(file.relative_to(root / "proto").as_posix()
                   for file in (root / "proto/causeway/v1").glob("*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([protoc, "-I.", "--include_source_info", f"--descriptor_set_out={out.name}",
                        *files], cwd=root / "proto", check=True)
        return Api(pathlib.Path(out.name).read_bytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    parser.add_argument("--protoc", default="protoc", help="the protobuf compiler")
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2], help="the checkout")
    options = parser.parse_args()

    api = load(options.root, options.protoc)
    page = options.root / "deploy/docs/reference.md"
    example = options.root / "deploy/docs/examples/create_session.json"
    text = reference(api, example.read_text(encoding="utf-8"))
    if not options.check:
        page.write_text(text, encoding="utf-8")
        print(f"wrote {page.relative_to(options.root)}")
        return 0

    breaches = breaches_of_readme(api, (options.root / "proto/README.md").read_text(encoding="utf-8"))
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if old != text:
        breaches.append("deploy/docs/reference.md is not current: run "
                        "deploy/docs/generate_reference.py")
        breaches += list(difflib.unified_diff(old.splitlines(), text.splitlines(), "is", "should be",
                                              lineterm="", n=0))[:20]
    print("\n".join(breaches) or "reference.md and the table of reasons are current")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
