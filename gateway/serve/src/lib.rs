//! Serve: the FHIR REST API, health and metrics.
