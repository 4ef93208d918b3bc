"""The interface of the old model zoo (official SSD, research SSDLite), and what becomes of each part of it.

One table of keys (`keys`), one rule a concern (`datasets`, `rules`), one translation (`translate`). Configuration
files (`files`), Python entry points (`commands`) and shell scripts (`scripts`) all go through it, and
docs/migrate.md is printed from it. Nothing here imports MindSpore, and no old file is ever executed.
"""
