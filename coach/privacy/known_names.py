"""The names that people have, in many languages, as Faker lists them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules


@cache
def given_names() -> frozenset[str]:
    """About 30,000 given names in lower case. Raises ImportError where Faker is not installed."""
    return _listed("first_name")


@cache
def family_names() -> frozenset[str]:
    """About 30,000 family names in lower case. Raises ImportError where Faker is not installed."""
    return _listed("last_name")


def _listed(what: str) -> frozenset[str]:
    from faker.providers import person

    names: set[str] = set()
    for module in iter_modules(person.__path__, f"{person.__name__}."):
        if not module.ispkg:
            continue
        for attribute, listed in vars(import_module(module.name).Provider).items():
            if attribute.startswith(what) and isinstance(listed, list | tuple | dict):
                names.update(name.lower() for entry in listed for name in str(entry).split())
    return frozenset(name for name in names if len(name) > 2)
