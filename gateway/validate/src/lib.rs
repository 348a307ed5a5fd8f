//! Validate: FHIR R4 resources against definitions, profiles and terminology.
