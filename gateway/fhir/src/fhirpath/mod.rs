//! FHIRPath over the tree: expressions compiled once, judged against nodes (<http://hl7.org/fhirpath/N1/>).
