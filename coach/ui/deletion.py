"""Ask before something is deleted: first a button, then one that does it and one that leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

_ASKED = "deletion_asked"  # the key of what the visitor is asked about


def draw_deletion(
    key: str,
    label: str,
    delete: Callable[..., object],
    *args: Any,
    sure: str = "Delete it for good",
    keep: str = "Keep it",
    what: str | None = None,
    width: Literal["content", "stretch"] = "content",
    kind: Literal["secondary", "tertiary"] = "secondary",
) -> None:
    """A button named `label`; pressed, the buttons `sure`, which calls `delete(*args)`, and `keep`. `what` says what goes with it.

    The buttons' keys are `key`, and `key` with `_now` and `_not`.
    """
    if st.session_state.get(_ASKED) != key:
        st.button(label, key=key, type=kind, width=width, on_click=_ask, args=(key,))
        return
    st.button(
        sure, key=f"{key}_now", type="primary", width=width, help=what, on_click=_delete, args=(delete, *args)
    )
    st.button(keep, key=f"{key}_not", width=width, on_click=_ask, args=("",))


def _ask(key: str) -> None:
    st.session_state[_ASKED] = key


def _delete(delete: Callable[..., object], *args: Any) -> None:
    _ask("")
    delete(*args)
