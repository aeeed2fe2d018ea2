"""Traces in the formats of others: event logs for vidigi, FHIR bundles of the charts."""
