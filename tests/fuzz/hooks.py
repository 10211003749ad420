import schemathesis

UNKNOWN_HEADER = "x-schemathesis-unknown-property"


@schemathesis.hook
def filter_case(context, case):
    """Headers that no contract names are allowed; schemathesis expects a request to be rejected for one."""
    return UNKNOWN_HEADER not in (case.headers or {})
