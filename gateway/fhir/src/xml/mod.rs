//! FHIR XML to the tree and back (R4 §2.6.1).
