"""The probes among the documented routes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from quarterdeck.web.probes import ALIVE, read_metrics, readyz

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return ALIVE


router.get("/readyz")(readyz)
router.get("/metrics", response_class=Response)(read_metrics)
