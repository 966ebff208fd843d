"""The emulator, with one thing mended: what `stack` starts in the place of `python -m ministack`.

Of what a function answers to records of a table's stream, the emulator only sees whether it failed: a
record that the answer names as not dealt with is never handed over again. In AWS the stream goes back to
the first such record. Here it goes back to the first record of the batch, as after a failure: whatever
was dealt with comes again too, as it may in AWS.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import json

from ministack.app import main
from ministack.services import lambda_svc

_execute = lambda_svc._execute_function


def _execute_and_look_at_the_answer(function: dict, event: dict, *more, **other) -> dict:
    result = _execute(function, event, *more, **other)
    records = event.get("Records") if isinstance(event, dict) else None
    of_stream = bool(records) and records[0].get("eventSource") == "aws:dynamodb"
    if not of_stream or result.get("error"):
        return result
    body = result.get("body")
    answer = json.loads(body) if isinstance(body, str | bytes) and body else body
    if not (answer or {}).get("batchItemFailures"):
        return result
    return result | {"error": True, "body": {"errorType": "BatchItemFailures", "errorMessage": json.dumps(answer)}}


if __name__ == "__main__":
    lambda_svc._execute_function = _execute_and_look_at_the_answer
    main()
