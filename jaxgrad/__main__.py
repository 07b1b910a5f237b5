"""``python -m jaxgrad`` is the command ``jaxgrad``."""

from __future__ import annotations

from jaxgrad.claims.entry import main

raise SystemExit(main())
