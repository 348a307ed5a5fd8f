//! Map: source trees to FHIR resources by .hmap plans, with the line and bytes that wrote each element.
