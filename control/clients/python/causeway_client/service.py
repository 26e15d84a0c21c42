"""What the generated services have in common."""

import uuid

import grpc

from causeway_client.errors import CausewayError


class Service:
    """The methods of one service. Safe to use from several threads, as the channel is."""

    NAME = ""

    def __init__(self, channel, deadline):
        """`deadline`: seconds that a call may take where it says nothing itself."""
        self._channel, self._deadline, self._methods = channel, deadline, {}

    def _method(self, kind, name, request_type, answer_type):
        if name not in self._methods:
            self._methods[name] = getattr(self._channel, kind)(
                "/%s/%s" % (self.NAME, name), request_serializer=request_type.SerializeToString,
                response_deserializer=answer_type.FromString)
        return self._methods[name]

    def _call(self, name, request_type, answer_type, fields, timeout):
        request = request_of(request_type, fields)
        method = self._method("unary_unary", name, request_type, answer_type)
        try:
            return method(request, timeout=self._deadline if timeout is None else timeout)
        except grpc.RpcError as error:
            raise CausewayError(name, error) from None

    def _stream(self, name, request_type, answer_type, fields, timeout):
        method = self._method("unary_stream", name, request_type, answer_type)
        return method(request_of(request_type, fields), timeout=timeout)


def request_of(request_type, fields):
    """The request with the fields that were given. Where it has a request_id it gets one, so that a
    repeat by the channel (see client.py) changes nothing twice."""
    fields = {name: value for name, value in fields.items() if value is not None}
    if "request_id" in request_type.DESCRIPTOR.fields_by_name:
        fields.setdefault("request_id", str(uuid.uuid4()))
    return request_type(**fields)
