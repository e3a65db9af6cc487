"""What one visitor's page remembers, and the one Coach and Worker that all pages share."""

from __future__ import annotations

import atexit
import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.jobs.daily import Daily
from coach.jobs.reading import UNFORESEEN
from coach.jobs.worker import Worker
from coach.library import drop_uploads, old_uploads
from coach.settings import load_settings
from coach.store.retention import EraseError, apply_retention

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.types import Collection

CONVERSATION = "conversation"  # in the page's address, so that a refresh and a second window come back to it

_log = logging.getLogger(__name__)


class Server:
    """The Coach, loaded by whoever needs it first, and the Worker that uses it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        settings = load_settings()
        self.worker = Worker(settings.home, self.coach)
        self._coach: Coach | None = None
        self._loading = threading.Lock()
        # Here and not with the coach, which may be opened again in the middle of a conversation.
        apply_retention(settings)
        atexit.register(_apply_retention)  # what is to be kept for no time is gone when the app is
        self.daily = Daily(self._keep_no_longer, clock)
        self.daily.start()

    @property
    def is_open(self) -> bool:
        return self._coach is not None

    def coach(self) -> Coach:
        """Raises CoachError when it cannot be loaded; the next call tries again."""
        with self._loading:
            if self._coach is None:
                self._coach = _open_coach()
            return self._coach

    def _keep_no_longer(self) -> bool:
        """Delete what has grown too old since the server was started, unless a job goes on; whether it was done.

        What is to be kept for no time stays for a day: somebody may be reading it.
        """
        return self.worker.while_idle(self._delete_what_is_old)

    def _delete_what_is_old(self) -> None:
        settings = load_settings()
        apply_retention(settings, at_least_days=1)
        old, coach = old_uploads(settings, at_least_days=1), self._coach
        if old and coach is not None:  # else they go when it is opened
            self.worker.library.start(lambda _: drop_uploads(settings, old, coach.ingest_apart))

    def reopen(self) -> None:
        """Let the next who needs the coach open it anew, with the settings of then. What is under way ends with the one it has."""
        with self._loading:
            before, self._coach = self._coach, None
        if before is not None:
            threading.Thread(
                target=self._close_after_its_jobs, args=(before,), name="coach-close", daemon=True
            ).start()

    def _close_after_its_jobs(self, coach: Coach) -> None:
        self.worker.wait()
        coach.close()

    def erase(self) -> None:
        """Stop what is under way, delete everything in the coach's folder but the downloaded models, and read the article again.

        Raises EraseError, having deleted nothing, where a job does not end, and what `erase_everything` raises.
        """
        from coach.coach import erase_everything

        if not self.worker.stop_all():
            raise EraseError(
                "Nothing was erased: an answer that was stopped has not ended yet. Wait a minute, then press again."
            )
        with self._loading:
            before, self._coach = self._coach, None
            if before is not None:
                before.close()
            erase_everything(load_settings())


@st.cache_resource(show_spinner=False)
def _server() -> Server:
    return Server()


def _open_coach() -> Coach:
    from coach.coach import Coach  # here, so that the page is drawn before the models' libraries are read

    coach = Coach.load(load_settings(), prunes=False)
    threading.Thread(target=_warm, args=(coach,), name="coach-warm", daemon=True).start()
    return coach


def _warm(coach: Coach) -> None:
    """Get the slow parts ready while the visitor is still reading the page."""
    try:
        coach.warm()
    except Exception:
        # A question asked later meets the same trouble and reports it where someone is looking.
        _log.warning("Warming up failed; the first answer will take longer.", exc_info=True)


def _apply_retention() -> None:
    """As the settings say now. Wrong ones are reported by whoever reads them next."""
    with suppress(CoachError):
        apply_retention(load_settings())


def coach_that_may_send() -> Coach | None:
    """The Coach, where by the settings a chat model elsewhere could read what is asked; else None, and nothing is loaded."""
    if "coach" not in st.session_state:
        from coach.coach import may_leave

        if not may_leave(load_settings()):
            return None
    return current_coach()


def settings_changed() -> None:
    """Make the settings count from now on."""
    _apply_retention()
    _server().reopen()


def erase_everything() -> None:
    """As `Server.erase`; then this window knows nothing any more either."""
    try:
        _server().erase()
    finally:  # also where reading the article again fails; where nothing was erased, the store has what the window knew
        for name in list(st.session_state):
            if name != "coach":
                del st.session_state[name]
        st.query_params.clear()


def current_coach() -> Coach:
    """The Coach of this session: the one placed in the session, else the one this server shares.

    Raises CoachError when it cannot be loaded; the next call tries again.
    """
    placed: Coach | None = st.session_state.get("coach")
    if placed is not None:
        return placed
    server = _server()
    if server.is_open:
        return server.coach()
    with st.spinner("Opening your sources and choosing who answers…"):
        return server.coach()


def collections() -> tuple[Collection, ...]:
    """What the library holds, without opening the Coach for it; nothing where there is no index yet."""
    placed: Coach | None = st.session_state.get("coach")
    if placed is None and _server().is_open:
        placed = _server().coach()
    from coach.coach import list_collections

    with suppress(CoachError):
        return list_collections(load_settings()) if placed is None else placed.collections()
    return ()


def coach_or_trouble() -> tuple[Coach | None, str]:
    """The Coach, or None and what to tell the visitor."""
    try:
        return current_coach(), ""
    except CoachError as error:
        return None, str(error)
    except Exception:
        _log.exception("The coach could not be loaded.")
        return None, UNFORESEEN


def current_worker() -> Worker:
    """Who answers and judges for this session."""
    placed: Coach | None = st.session_state.get("coach")
    if placed is None:
        return _server().worker
    if st.session_state.get("worker_of") is not placed:
        st.session_state["worker"] = Worker(load_settings().home, lambda: placed)
        st.session_state["worker_of"] = placed
    worker: Worker = st.session_state["worker"]
    return worker


def visitor() -> str:
    """A name for this window: visitors are served in turn."""
    name: str = st.session_state.setdefault("visitor", secrets.token_hex(4))
    return name


def conversation() -> str:
    """The conversation on the page; empty for a new one. One that was left for another page is there on return."""
    named = st.query_params.get(CONVERSATION) or st.session_state.get(CONVERSATION, "")
    if named:
        st.query_params[CONVERSATION] = st.session_state[CONVERSATION] = named
    return named


def open_conversation(identity: str) -> None:
    """Show another conversation, or with an empty `identity` a new one."""
    st.session_state[CONVERSATION] = identity
    if identity:
        st.query_params[CONVERSATION] = identity
    else:
        st.query_params.pop(CONVERSATION, None)


def ask_next(question: str) -> None:
    """Let `question` be asked when the page is next drawn."""
    st.session_state["waiting_question"] = question


def waiting_question() -> str | None:
    """The question put down by `ask_next`, once."""
    question: str | None = st.session_state.pop("waiting_question", None)
    return question
