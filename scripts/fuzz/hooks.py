"""Keeps a run from revoking, rotating or deleting the key that it works with, which it finds in the list of keys."""

import os

import schemathesis

OWN_KEY_ID = os.environ["LATCHKEY_FUZZ_KEY_ID"]


@schemathesis.hook
def before_call(context, case, kwargs):
    if (case.path_parameters or {}).get("keyId") == OWN_KEY_ID:
        case.path_parameters["keyId"] = "key_that_never_was"
