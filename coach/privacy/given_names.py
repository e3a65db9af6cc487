"""The given names that people have, in many languages, as Faker lists them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules


@cache
def given_names() -> frozenset[str]:
    """About 30,000 given names in lower case. Raises ImportError where Faker is not installed."""
    from faker.providers import person

    names: set[str] = set()
    for module in iter_modules(person.__path__, f"{person.__name__}."):
        if not module.ispkg:
            continue
        provider = vars(import_module(module.name).Provider)
        for attribute, value in provider.items():
            if attribute.startswith("first_name") and isinstance(value, list | tuple | dict):
                names.update(name.lower() for listed in value for name in str(listed).split())
    return frozenset(name for name in names if len(name) > 2)
