"""Reads request bodies, one a line, and parses each with OpenTelemetry's own schema, which refuses unknown fields.

The schema's parser decodes some things more loosely than receivers do, so the values that matter are looked at as well.
"""

import sys

from google.protobuf.json_format import Parse, ParseError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def records(body):
    request = Parse(body, ExportLogsServiceRequest())
    for resource in request.resource_logs:
        names = {pair.key for pair in resource.resource.attributes}
        assert "service.name" in names and not names & {"service.instance.id", "host.name"}, names
        for scope in resource.scope_logs:
            yield from scope.log_records


def main():
    bodies = [line for line in sys.stdin if line.startswith('{"resourceLogs"')]
    found = [record for body in bodies for record in records(body)]
    assert found, "no record at all"
    erasures = [record for record in found if record.event_name == "candor.erasure"]
    found = [record for record in found if record.event_name != "candor.erasure"]
    sent = {pair.value.string_value for record in found for pair in record.attributes if pair.key == "log.record.uid"}
    for record in erasures:
        assert [pair.key for pair in record.attributes] == ["candor.erasure.uids", "log.record.uid"], record
        assert record.attributes[1].value.string_value not in sent, "an id of its own"
        uids = {value.string_value for value in record.attributes[0].value.array_value.values}
        assert uids and uids <= sent, "it names what was not sent"
        assert record.time_unix_nano == record.observed_time_unix_nano > 0, record
        assert record.time_unix_nano % (86400 * 10**9) == 0, "a time finer than a day"
    assert erasures, "no request for erasure"
    for record in found:
        assert record.event_name and record.severity_number == 9, record
        assert record.time_unix_nano % (86400 * 10**9) == 0, "a time finer than a day"
        assert record.time_unix_nano == record.observed_time_unix_nano > 0, record
        keys = [pair.key for pair in record.attributes]
        assert len(keys) == len(set(keys)) and "log.record.uid" in keys, keys
    try:
        list(records(bodies[0].replace('"eventName"', '"eventNames"', 1)))
    except ParseError:
        seen = f"{len(found)} records and {len(erasures)} requests for erasure in {len(bodies)} bodies"
        print(f"{seen} read with OpenTelemetry's schema; an unknown field is refused")
        return
    raise AssertionError("the parser takes unknown fields: this check proves nothing")


main()
