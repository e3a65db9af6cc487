"""Every setting, its default and its bounds: the only reader of the environment and of `coach.toml`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from coach.errors import SettingsError


def default_home() -> Path:
    """The platform's user-data folder for the coach; `COACH_HOME` overrides it."""
    chosen = os.environ.get("COACH_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("coach", False))


_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _retention(value: Any) -> Any:
    """`true` and `false`, as an earlier version had them, in today's words."""
    said = " ".join(str(value).lower().split())
    return "90 days" if said in _YES else "nothing" if said in _NO else said


def _several(value: Any) -> Any:
    """One name or word where there may be several."""
    if not isinstance(value, str):
        return value
    return (value,) if value.strip() else ()


Several = Annotated[tuple[str, ...], BeforeValidator(_several)]
Retention = Annotated[
    str, BeforeValidator(_retention), Field(pattern=r"^(forever|nothing|[1-9]\d{0,4} days?)$")
]


class Settings(BaseSettings):
    """Frozen. Order: arguments, `COACH_*` environment variables, `coach.toml` in the home folder, defaults."""

    model_config = SettingsConfigDict(env_prefix="COACH_", frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home, description="Where models, index and your data live.")
    backend: str = Field(
        "auto",
        description="Who speaks: a name that `coach ask --help` lists, such as `none` for the sources' own sentences.",
    )
    model: str | None = Field(
        None,
        description="Model name for Ollama or the server, or `provider:model` for LangChain; unset lets the coach pick.",
    )
    allow_hosted: bool = Field(
        False,
        description="Lets a model named with `model` run on somebody else's machine: questions, drafts and passages go there.",
    )
    thinking_tokens: Annotated[int, Field(ge=0, le=32768)] = Field(
        1024, description="Tokens for the thoughts of a model that cannot be told not to think."
    )
    ollama_host: str = Field(
        default_factory=lambda: os.environ.get("OLLAMA_HOST", "127.0.0.1:11434"),
        description="Where Ollama is; `OLLAMA_HOST` is honoured.",
    )
    openai_base_url: str = Field(
        "http://127.0.0.1:8000/v1", description="Where vLLM, LM Studio or llama-server is."
    )
    openai_api_key: str = Field("not-needed", description="For servers that ask for one.")
    chroma_url: str = Field(
        "", description="Of a Chroma server that keeps the vectors; unset keeps them in the home folder."
    )
    embedder: str = Field(
        "all-MiniLM-L6-v2",
        description="Or the folder of a sentence-transformers model; then run `coach ingest`.",
    )
    context_window: Annotated[int, Field(ge=2048, le=131072)] = Field(
        8192, description="Tokens that prompt and reply share."
    )
    max_tokens: Annotated[int, Field(ge=16, le=4096)] = Field(256, description="Tokens of the longest reply.")
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.0, description="How freely the model words its answer."
    )
    passages: Annotated[int, Field(ge=1, le=20)] = Field(8, description="Passages retrieved for a question.")
    collections: Several = Field(
        (),
        description='Which collections Ask searches where a question names none: `["own"]`; empty searches all.',
    )
    threads: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="Of the built-in model; 0: as many as there are cores."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8501, description="Of the app, on 127.0.0.1.")
    max_question_characters: Annotated[int, Field(ge=100, le=100_000)] = Field(
        4000, description="Of the longest question."
    )
    mask_personal: bool = Field(
        True,
        description="Mask names, mails, phones and addresses before text leaves this machine or is kept in traces.",
    )
    own_words: Several = Field(
        (), description='Words of yours to mask as well, such as an employer\'s code name: `["Bluebird"]`.'
    )
    history: Retention = Field(
        "90 days",
        description="How long conversations, drafts and thumbs are kept: `forever`, `90 days`, `nothing`.",
    )
    traces: Retention = Field(
        "90 days", description="How long it is kept how each answer came about, in the same words."
    )
    uploads: Retention = Field(
        "forever",
        description="How long copies of what you upload in the Library are kept, in the same words.",
    )

    @model_validator(mode="before")
    @classmethod
    def _earlier_names(cls, given: Any) -> Any:
        """What earlier versions called it: `keep_drafts`, and `retention_days` for both."""
        if isinstance(given, dict):
            given = dict(given)
            kept = given.pop("keep_drafts", os.environ.get("COACH_KEEP_DRAFTS"))
            days = given.pop("retention_days", os.environ.get("COACH_RETENTION_DAYS"))
            if days is not None:
                given = {"history": f"{days} days", "traces": f"{days} days", **given}
            if str(kept).lower() in _NO:
                given = {**given, "history": "nothing"}
        return given

    @property
    def models_folder(self) -> Path:
        return self.home / "models"

    @property
    def index_folder(self) -> Path:
        return self.home / "index"

    @property
    def states_folder(self) -> Path:
        """Saved prompt states of the embedded model."""
        return self.home / "states"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = default_home() / "coach.toml"
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=toml))


def load_settings(**overrides: Any) -> Settings:
    """Settings from environment, `coach.toml` and `overrides` (None means: not given).

    Raises SettingsError naming the first setting that is unknown or out of bounds.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The setting `{name}` is not usable ({first['msg'].lower()}): change it in "
            f"{default_home() / 'coach.toml'} or unset COACH_{name.upper()}, then run `coach doctor`."
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{default_home() / 'coach.toml'} cannot be read ({error}): mend or delete it, then run `coach doctor`."
        ) from error


def origin(name: str) -> Literal["environment", "file", "default"]:
    """Where the value of a setting comes from. Raises SettingsError as `load_settings`."""
    if any(variable.upper() == f"COACH_{name.upper()}" for variable in os.environ):
        return "environment"
    return "file" if name in load_settings().model_fields_set else "default"


def days_kept(retention: str) -> int | None:
    """A retention in days: 0 for `nothing`, None for `forever`."""
    if retention in ("forever", "nothing"):
        return 0 if retention == "nothing" else None
    return int(retention.split(maxsplit=1)[0])


def save_setting(name: str, value: Any) -> None:
    """Write one setting into `coach.toml`, the rest and its comments as they are; None takes it out.

    Raises SettingsError for an unknown name, a value out of bounds, and a file that cannot be written.
    """
    import tomlkit

    path = default_home() / "coach.toml"
    if name not in Settings.model_fields or name == "home":
        known = ", ".join(known for known in Settings.model_fields if known != "home")
        raise SettingsError(f"There is no setting `{name}`: name one of {known}.")
    if value is not None:
        value = _in_bounds(name, value)
    try:
        written = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        written.pop(name, None)
        if value is not None:
            written[name] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(written), encoding="utf-8")
    except (OSError, ValueError, tomlkit.exceptions.TOMLKitError) as error:
        raise SettingsError(
            f"{path} cannot be written ({error}): mend it, then run `coach doctor`."
        ) from error


def _in_bounds(name: str, value: Any) -> Any:
    """The value as the file holds it, or SettingsError with what is wrong with it."""
    try:
        checked = getattr(Settings(**{name: value}), name)
    except ValidationError as error:
        first = error.errors()[0]
        said = "say `forever`, `nothing` or a number of days, as in `30 days`"
        why = said if first["type"] == "string_pattern_mismatch" else first["msg"].lower()
        raise SettingsError(
            f"`{value}` is not usable for `{name}` ({why}): see `coach settings` for what it takes."
        ) from error
    return list(checked) if isinstance(checked, tuple) else checked


@cache
def corpus_folder() -> Path:
    """The bundled corpus: beside the packages in a checkout and in an installed wheel alike."""
    return Path(__file__).resolve().parent.parent / "corpus"
