"""What users ask: contradictions and nonsense are refused by name, and nothing leaks."""

import traceback

import numpy as np
import pytest

from stegafield import Engine, Request
from stegafield.errors import ConfigError, StegafieldError
from stegafield.pipeline.request import BatchRequest, CapacityRequest, SampleRequest
from stegafield.progress import watched

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
GIVEN = {"carrier": "image", "cover": PICTURE}


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"seed": -1}, ["seed", "negative"]),
        ({"seed": True}, ["seed", "whole number"]),
        ({"seed": "5"}, ["seed", "whole number"]),
        ({"rng": 5}, ["rng", "default_rng"]),
        ({"preset": ["paper"]}, ["preset", "paper"]),
        ({"name": b"x" * 300}, ["name", "bytes"]),
        ({"name": "x" * 300}, ["name", "255"]),
        ({"set": 3}, ["set", "dictionary"]),
        ({"bpp": True}, ["bpp", "number"]),
        ({"size": "91x180"}, ["size"]),
        ({"bpp": 1, "bps": 1}, ["bpp", "bps"]),
    ],
)
def test_wishes_that_cannot_be_met_are_named(wishes, words):
    with pytest.raises(ConfigError) as caught:
        Request(**{"carrier": "image", **wishes})
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({}, "messages"),
        ({"messages": 3}, "messages"),
        ({"messages": b"one"}, "messages"),
        ({"messages": [b"a"], "message": b"b"}, "message"),
        ({"messages": [b"a"], "covers": 5}, "covers"),
        ({"messages": [b"a"], "cover": PICTURE, "covers": [PICTURE]}, "cover"),
    ],
)
def test_batches_that_contradict_themselves_are_refused(wishes, word):
    with pytest.raises(ConfigError, match=word):
        BatchRequest(carrier="image", **wishes)


def test_unknown_and_missing_arguments_are_type_errors():
    with pytest.raises(TypeError, match="raet"):
        Request(carrier="image", raet=1)
    with pytest.raises(TypeError, match="did you mean carrier"):
        Request(carier="image")


def test_a_request_is_as_good_as_its_arguments(engine, key):
    request = Request(message=b"m", key=key, bpp=1, **GIVEN)
    assert engine.reveal(engine.hide(request), key=key) == b"m"
    for wrong in (
        lambda: engine.hide(request, bpp=1),
        lambda: engine.hide(BatchRequest(messages=[b"m"], **GIVEN)),
        lambda: engine.hide(SampleRequest(carrier="era5")),
        lambda: engine.hide(b"m", b"n", **GIVEN),
        lambda: engine.hide(b"m", message=b"n", **GIVEN),
        lambda: engine.capacity("image"),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_nothing_of_a_message_is_in_errors():
    secret = "".join(reversed("t3rc3s"))  # so that no line of a traceback has it
    said = []
    for wishes in (
        {"message": secret + "\udcff", "carrier": "image"},
        {"message": secret, "carrier": "image", "bpp": 1, "bps": 1},
        {"message": secret, "carrier": 7},
    ):
        with pytest.raises(ConfigError) as caught:
            Request(**wishes)
        assert caught.value.__context__ is None and caught.value.__cause__ is None
        said += traceback.format_exception(caught.value)
    with pytest.raises(ValueError, match="bpp") as caught:
        Request.model_validate({"message": secret, "carrier": "image", "bpp": 1, "bps": 1})
    said += [str(caught.value), repr(Request(message=secret, carrier="image"))]
    assert secret not in "".join(said)


def test_a_drawn_cover_is_no_source_of_a_function(engine):
    cover = next(engine.sample(carrier="era5", size=(19, 36)))[0]
    with pytest.raises(ConfigError):
        list(engine.sample(carrier="image", cover=cover, as_function=True))
    with pytest.raises(ConfigError):
        engine.hide(b"m", carrier="image", cover=cover, as_function=True)


def test_capacity_refuses_what_hide_refuses(engine):
    for act in (engine.hide, engine.capacity):
        with pytest.raises(ConfigError, match="optimizer"):
            act(optimizer="lbfgs", **GIVEN)


def test_who_waits_may_stop_it(engine):
    class Cancelled(Exception):
        pass

    def show(stage, done, of):
        raise Cancelled

    with watched(show), pytest.raises(Cancelled):
        engine.hide(b"m", **GIVEN)


def test_all_fields_say_what_they_are():
    for model in (Request, BatchRequest, SampleRequest, CapacityRequest):
        described = model.model_json_schema()["properties"] if model is CapacityRequest else {}
        for name, field in model.model_fields.items():
            assert field.description, name
            assert described.get(name, {}).get("description", field.description)
    assert issubclass(ConfigError, StegafieldError) and Engine.hide.__doc__.count("message:") == 1
