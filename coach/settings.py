"""Every setting, its default and its bounds: the only reader of the environment and of `coach.toml`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import Field, ValidationError
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


class Settings(BaseSettings):
    """Frozen. Order: arguments, `COACH_*` environment variables, `coach.toml` in the home folder, defaults."""

    model_config = SettingsConfigDict(env_prefix="COACH_", frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home, description="Where models, index and your data live.")
    backend: str = Field(
        "auto",
        description="Who speaks: `auto`, `ollama`, `embedded`, `openai`, `langchain`, or `none` for the sources' own sentences.",
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
    own_words: tuple[str, ...] = Field(
        (), description='Words of yours to mask as well, such as an employer\'s code name: `["Bluebird"]`.'
    )
    traces: bool = Field(
        True, description="Keep how each answer came about, in `traces.sqlite3` in the home folder."
    )
    keep_drafts: bool = Field(
        True, description="Keep drafts, critiques and overrides, in `critiques.sqlite3` in the home folder."
    )
    retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="Traces and drafts older than this are deleted when the coach starts."
    )

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


@cache
def corpus_folder() -> Path:
    """The bundled corpus: beside the packages in a checkout and in an installed wheel alike."""
    return Path(__file__).resolve().parent.parent / "corpus"
