"""``python -m jaxgrad`` is the command ``jaxgrad``."""

from __future__ import annotations

from .cli import main

raise SystemExit(main())
