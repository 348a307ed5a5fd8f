//! FHIR packages (npm form): reading a `.tgz` or single conformance resources from memory, under limits.
