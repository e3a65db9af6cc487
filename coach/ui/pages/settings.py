"""What can be changed, what each change does, and where the value comes from that holds now; and erasing everything."""

from __future__ import annotations

import logging
from typing import Any

import streamlit as st

from coach.errors import CoachError
from coach.jobs.reading import UNFORESEEN
from coach.settings import Settings, load_settings, origin, save_setting
from coach.store.retention import left_alone
from coach.ui import components, session
from coach.ui.format import as_label, setting_html, step_html

RETENTIONS = ("forever", "90 days", "30 days", "nothing")
PICKED_BY_THE_COACH = "picked by the coach"
NO_MODEL_TO_NAME = ("embedded", "none")  # backends that know of no names
WHAT_GOES = (
    "your conversations, drafts, critiques, thumbs and traces, copies of your documents and all that was read from them, your "
    "rubrics, and these settings"
)

_log = logging.getLogger(__name__)


def render() -> None:
    """Draw every field with its description; write what is changed into `coach.toml`."""
    st.html(
        '<header class="coach-welcome"><h1>Settings</h1>'
        "<p>They are kept in <code>coach.toml</code> on this machine, and count from the next question.</p></header>"
    )
    if st.session_state.pop("erase_now", False):
        _erase()
    try:
        settings = load_settings()
    except CoachError as error:
        components.draw_error(str(error))
        st.button("Try again", key="load_again")
        return
    _draw_who_answers(settings)
    asked = _section("What is asked")
    with _section("How much is read and written"):
        for name, label in (
            ("context_window", "Context window"),
            ("max_tokens", "Longest reply"),
            ("passages", "Passages"),
        ):
            _draw(name, label, st.number_input, value=getattr(settings, name), step=1)
    with _section("How long things are kept"):
        for name, label in (
            ("history", "Conversations and drafts"),
            ("traces", "How answers came about"),
            ("uploads", "Uploaded documents"),
        ):
            _draw_choice(name, label, getattr(settings, name), RETENTIONS)
    with _section("Personal data"):
        _draw("mask_personal", "Mask personal data", st.toggle, value=settings.mask_personal)
        words = list(settings.own_words)
        _draw(
            "own_words",
            "Your own words",
            st.multiselect,
            options=words,
            default=words,
            accept_new_options=True,
            placeholder="Write a word, then press Enter",
        )
    _draw_erasing(settings)
    with asked:  # last: the index is opened for it where nobody has opened it yet
        _draw_collections(settings)


def _draw_collections(settings: Settings) -> None:
    """Those there are, and those that the setting still names."""
    labels = {one.name: one.label for one in session.collections()}
    held = [
        *dict.fromkeys(
            next((name for name in labels if name.casefold() == one.casefold()), one)
            for one in settings.collections
        )
    ]
    _draw(
        "collections",
        "Collections",
        st.multiselect,
        options=[*dict.fromkeys([*labels, *held])],
        default=held,
        format_func=lambda name: labels.get(name, f"{name}: not in the library"),
        placeholder="All of them",
    )


def _section(title: str) -> Any:
    st.html(f'<h2 class="coach-part coach-section">{title}</h2>')
    return st.container()


def _draw_who_answers(settings: Settings) -> None:
    from coach.coach import who_may_speak

    speakers = who_may_speak(settings)
    with _section("Who answers"):
        _draw_choice(
            "backend",
            "Who speaks",
            settings.backend,
            tuple(speakers),
            lambda name: f"{name}: {speakers[name]}" if name in speakers else name,
            others=False,
        )
        if settings.backend not in NO_MODEL_TO_NAME:
            _draw_choice(
                "model",
                "Model",
                settings.model or PICKED_BY_THE_COACH,
                (PICKED_BY_THE_COACH, *_models(settings)),
            )
        _draw("allow_hosted", "Allow hosted models", st.toggle, value=settings.allow_hosted)


def _models(settings: Settings) -> tuple[str, ...]:
    """The names that a user of Ollama can choose among; any other can be typed."""
    from coach.coach import list_chat_models

    if settings.backend not in ("auto", "ollama"):
        return ()
    try:
        return tuple(model.name for model in list_chat_models(settings).models if model.provider == "Ollama")
    except CoachError:
        return ()


def _draw_choice(
    name: str,
    label: str,
    value: str,
    choices: tuple[str, ...],
    format_func: Any = str,
    *,
    others: bool = True,
) -> None:
    """One of `choices`, or with `others` whatever is typed."""
    options = list(dict.fromkeys([*choices, value]))
    _draw(
        name,
        label,
        st.selectbox,
        options=options,
        index=options.index(value),
        format_func=format_func,
        accept_new_options=others,
    )


def _draw(name: str, label: str, widget: Any, **given: Any) -> None:
    """One field. Its key changes with the value that holds, so that a value which was refused gives way to it."""
    held, tries = getattr(load_settings(), name), st.session_state.get(f"refused_{name}", 0)
    key, whence = f"setting_{name}_{hash(held)}_{tries}", origin(name)
    with st.container(gap="xxsmall"):
        widget(label, key=key, disabled=whence == "environment", on_change=_save, args=(name, key), **given)
        st.html(setting_html(Settings.model_fields[name].description or "", name, whence))
    if note := st.session_state.get(f"note_{name}"):
        components.draw_error(note)


def _save(name: str, key: str) -> None:
    value = st.session_state[key]
    given = None if value in (PICKED_BY_THE_COACH, "") else value
    st.session_state.pop(f"note_{name}", None)
    try:
        save_setting(name, given)
        session.settings_changed()
    except CoachError as error:
        st.session_state[f"note_{name}"] = str(error)
        st.session_state[f"refused_{name}"] = st.session_state.get(f"refused_{name}", 0) + 1


def _draw_erasing(settings: Settings) -> None:
    with _section("Erase everything"):
        st.html(
            f'<p class="coach-note">Deletes {WHAT_GOES}. The downloaded models stay, and the article is read again. '
            "It cannot be brought back.</p>"
        )
        if not st.session_state.get("erasing"):
            st.button("Erase everything", key="erase", on_click=_ask_whether_to_erase, args=(True,))
            return
        with st.container(horizontal=True, key="erase_row"):
            st.button("Erase it for good", key="erase_for_good", type="primary", on_click=_erase_next)
            st.button("Keep it", key="erase_not", on_click=_ask_whether_to_erase, args=(False,))


def _ask_whether_to_erase(whether: bool) -> None:
    st.session_state["erasing"] = whether


def _erase_next() -> None:
    st.session_state["erasing"], st.session_state["erase_now"] = False, True


def _erase() -> None:
    place = st.empty()

    place.html(step_html("Erasing, then reading the article again"))
    try:
        session.erase_everything()
    except CoachError as error:
        with place:
            components.draw_error(str(error))
    except Exception:
        _log.exception("Not everything could be erased.")
        with place:
            components.draw_error(UNFORESEEN)
    else:
        others = ", ".join(left_alone(load_settings()))
        alone = f" Left alone, for the coach did not put it there: {others}." if others else ""
        place.success(as_label(f"Everything is erased, and the article has been read again.{alone}"))


if __name__ == "__main__":
    render()
