"""The tools through which agents act on the hospital, one module per group; importing this registers toolset `live`."""

from clinsim.hospital.tools import (
    live_assessment,
    live_chart,
    live_disposition,
    live_dosing,
    live_lookup,
    live_orders,
    live_pharmacist,
    live_radiologist,
    live_reconciliation,
    live_screening,
    live_shared,
)

__all__ = [
    "live_assessment",
    "live_chart",
    "live_disposition",
    "live_dosing",
    "live_lookup",
    "live_orders",
    "live_pharmacist",
    "live_radiologist",
    "live_reconciliation",
    "live_screening",
    "live_shared",
]
