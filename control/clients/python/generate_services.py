#!/usr/bin/python3
"""Writes causeway_services.py, and causeway_services_aio.py for asyncio: a class a service with a typed
method for each of the API's methods.

usage: generate_services.py FOLDER      (the stubs that protoc made are there, and they go there)
"""

import keyword
import pathlib
import re
import sys

HEADER = '''"""The services of causeway.v1 as Python methods. Made by generate_services.py."""

from typing import Any, %(typing)s, Iterable, Mapping, Optional, Union

from %(base)s import Service
'''
# By file: where its methods come from, and what they return where they answer once or many times.
KINDS = {
    "causeway_services.py": ("causeway_client.service", "%s", "Iterator"),
    "causeway_services_aio.py": ("causeway_client.aio", "Awaitable[%s]", "AsyncIterator"),
}
SCALARS = {"string": "str", "bytes": "bytes", "bool": "bool", "float": "float", "double": "float"}


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def module_of(descriptor):
    """The module of the stubs that a message or enum is in."""
    return descriptor.file.name[:-len(".proto")].replace("/", ".") + "_pb2"


def type_of(field):
    """What a field takes, as an annotation. Messages may be given as mappings, enums by name."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        key, value = (type_of(each) for each in field.message_type.fields)
        return "Mapping[%s, %s]" % (key, value)
    if field.message_type:
        message = field.message_type
        one = "Union[%s.%s, Mapping[str, Any]]" % (module_of(message), message.name)
    elif field.enum_type:
        one = "Union[int, str]"
    else:
        kind = {9: "string", 12: "bytes", 8: "bool", 2: "float", 1: "double"}.get(field.type)
        one = SCALARS.get(kind, "int")
    return "Iterable[%s]" % one if field.label == field.LABEL_REPEATED else one


def comment_of(path, *names):
    """The comment above `rpc NAME` or `service NAME` in its proto file, as one text."""
    lines = path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if re.match(r"\s*(rpc|service) %s\b" % names[-1], line))
    begin = at
    while lines[begin - 1].strip().startswith("//"):
        begin -= 1
    return [line.strip()[2:].strip() for line in lines[begin:at]]


def method_text(method, proto, once, many):
    request, answer = method.input_type, method.output_type
    is_stream = method.name.startswith("Watch")
    fields = []
    for field in request.fields:
        assert not keyword.iskeyword(field.name), field.name
        fields.append("%s: Optional[%s] = None" % (field.name, type_of(field)))
    answer_type = "%s.%s" % (module_of(answer), answer.name)
    result = "%s[%s]" % (many, answer_type) if is_stream else once % answer_type
    head = "    def %s(self, *, %stimeout: Optional[float] = None) -> %s:" % (
        snake_case(method.name), "".join(each + ", " for each in fields), result)
    sent = ", ".join("%s=%s" % (f.name, f.name) for f in request.fields)
    return "\n".join([
        head, '        """' + "\n        ".join(comment_of(proto, method.name)) + '"""',
        "        return self._%s(%r, %s.%s, %s, dict(%s), timeout)" % (
            "stream" if is_stream else "call", method.name, module_of(request), request.name,
            answer_type, sent)])


def main():
    folder = pathlib.Path(sys.argv[1])
    protos = pathlib.Path(__file__).resolve().parents[3] / "proto"
    sys.path.insert(0, str(folder))
    files = [path for path in sorted(folder.glob("causeway/v1/*_pb2.py"))
             if not path.stem.startswith("intercept")]  # Served elsewhere, to others.
    modules = ["causeway.v1." + path.stem for path in files]
    modules += ["google.protobuf.%s_pb2" % each for each in ("duration", "field_mask")]
    imports = "".join("import %s\n" % each for each in sorted(modules))
    descriptors = [__import__("causeway.v1." + path.stem, fromlist=["DESCRIPTOR"]).DESCRIPTOR for path in files]
    services = [(service, protos / file.name) for file in descriptors for service in file.services_by_name.values()]
    for name, (base, once, many) in KINDS.items():
        classes = ['class %s(Service):\n    """%s"""\n\n    NAME = "%s"\n\n%s\n' % (
            service.name, "\n    ".join(comment_of(proto, service.name)), service.full_name,
            "\n\n".join(method_text(each, proto, once, many) for each in service.methods))
            for service, proto in services]
        typing = many if once == "%s" else "%s, Awaitable" % many
        (folder / name).write_text(
            HEADER % {"base": base, "typing": typing} + imports + "\n\n" + "\n\n".join(classes))


if __name__ == "__main__":
    main()
