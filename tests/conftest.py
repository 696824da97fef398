"""Fixtures that every test may ask for."""

from hypothesis import settings

pytest_plugins = ("servers.fixtures",)

# How long an example takes tells how crowded the machine is, not whether the code is right.
settings.register_profile("bongsu", deadline=None)
settings.load_profile("bongsu")
