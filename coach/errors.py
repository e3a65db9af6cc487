"""What can go wrong, said to the person in front of the screen: one sentence, ending in the next command."""


class CoachError(Exception):
    """Base of every error a user can meet. `str(error)` is one clear sentence that ends in a next step."""


class UsageError(CoachError):
    """The input itself is off (too long, empty, malformed file): the command line exits 2."""


class SettingsError(CoachError):
    """A setting is unknown or out of bounds."""


class ModelMissingError(CoachError):
    """A model file is not there, is incomplete, or has the wrong checksum."""


class BackendError(CoachError):
    """The chat model cannot be reached, is not pulled, or failed while speaking."""


class IndexMissingError(CoachError):
    """There is no index yet, or it is unreadable."""


class IndexOutdatedError(IndexMissingError):
    """The index was written by a version of the coach that keeps it in other files."""


class IndexMismatchError(CoachError):
    """The index was made by another embedding model than the one in use."""


class IngestError(CoachError):
    """Ingest could not go on (nothing to read, disk full)."""


class StoppedError(Exception):
    """What was going on was stopped, by a person or for something more urgent: nothing went wrong."""
