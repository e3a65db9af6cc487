"""Draw a part of the page again and again while something goes on in it, and nothing else of the page meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx


def look_again(draw: Callable[[], float | None]) -> None:
    """Call `draw` now, and again after as many seconds as it says, until it says None. What it draws stays in its place.

    `st.fragment(run_every=...)` says so once, where the whole page is drawn, and Streamlit 1.67 loses what the end of such a run
    said when the browser asks for a fragment in that moment (`AppSession` ignores the events of a runner that it has replaced):
    under load a page then never looked again. Here every look orders the next one, at the pace of that moment.
    """
    st.fragment(_drawn)(draw)


def _drawn(draw: Callable[[], float | None]) -> None:
    pace = draw()
    context, fragment = get_script_run_ctx(), ThreadState.get().fragment_id
    if context is None or fragment is None:
        return
    message = ForwardMsg()
    if pace is None:
        message.stop_auto_rerun.fragment_ids.append(fragment)
    else:
        message.auto_rerun.fragment_id, message.auto_rerun.interval = fragment, pace
    context.enqueue(message)
