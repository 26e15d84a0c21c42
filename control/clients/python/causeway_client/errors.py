"""Errors of the relay as exceptions."""

from google.rpc import error_details_pb2, status_pb2


class CausewayError(Exception):
    """The relay has refused a request, or could not be reached.

    `status`: the grpc.StatusCode. `reason`: the stable word for programs, a value of
    causeway.v1.ErrorReason without its prefix, such as `SDP_INVALID`; empty where the error is not the
    relay's. `metadata`: what the reason is about. `fields`: what is wrong with each field, by its path
    from the request; `field`: the first of these paths. `retry_delay`: seconds to wait at least before
    the next try, or None.
    """

    def __init__(self, method, error):
        self.method = method
        self.status = error.code()
        self.reason, self.metadata, self.fields, self.retry_delay = "", {}, {}, None
        for detail in details_of(error):
            self._take(detail)
        self.field = next(iter(self.fields), "")
        words = [method, self.reason or self.status.name, error.details() or ""]
        words += ["%s: %s" % each for each in self.fields.items()]
        super().__init__(": ".join(word for word in words if word))

    def _take(self, detail):
        info = error_details_pb2.ErrorInfo()
        request = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            self.fields = {each.field: each.description for each in request.field_violations}
        elif detail.Unpack(retry):
            delay = retry.retry_delay
            self.retry_delay = delay.seconds + delay.nanos / 1e9


def details_of(error):
    """The google.protobuf.Any messages that came with an error of gRPC."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value).details
    return []
