"""What makes a hub start quickly and ask others quickly leaves nothing out: garbage is sought, strangers are not believed."""

from __future__ import annotations

import gc
import ssl
import string
import sys

import pytest

from hub.ids import random_text
from hub.opening import loading
from hub.trust import trusted


def test_garbage_is_sought_again_once_the_modules_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hub.services")
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled(), "also where a module could not be loaded"
    gc.unfreeze()


def test_a_process_that_is_under_way_goes_on_seeking_garbage() -> None:
    assert "hub.services" in sys.modules
    with loading():
        assert gc.isenabled()


@pytest.mark.parametrize("trust_env", [False, True])
def test_who_is_asked_must_prove_who_it_is(trust_env: bool) -> None:
    known = trusted(trust_env=trust_env)
    assert known is trusted(trust_env=trust_env), "read once"
    assert (known.verify_mode, known.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert known.get_ca_certs(), "nobody would be believed"


def test_random_texts_have_their_length_and_every_character_at_every_place() -> None:
    texts = [random_text(12) for _ in range(2_000)]
    assert {len(text) for text in texts} == {12}
    assert all(set(column) == set(string.ascii_lowercase + string.digits) for column in zip(*texts, strict=True))
    assert len(set(texts)) == len(texts)
