#!/usr/bin/env python3
"""Writes segments.tsv, datatypes.tsv, structures.tsv, events.tsv and codes.tsv beside this file.

    pip download --no-deps --dest SOURCE hl7apy==1.3.5
    python3 generate.py SOURCE/hl7apy-1.3.5-py2.py3-none-any.whl

The source holds the tables of HL7 v2.1 to v2.8.2, one module a version. They are united: the latest definition of a
position wins, a type that an earlier version gave it stands beside it, and a position or segment that a later
version withdrew keeps its last definition. What 2.9 adds is in additions.tsv, what events share in shared_events.tsv,
and what is changed on purpose in `ADJUST` below.
"""

import hashlib
import importlib
import pathlib
import re
import sys
import tempfile
import zipfile

SHA256 = "c8b80ff5ad020bf9c1e68a6395cf45cb78db621f65569d1798c46eb1b657e27b"
VERSIONS = "2.1 2.2 2.3 2.3.1 2.4 2.5 2.5.1 2.6 2.7 2.8 2.8.1 2.8.2".split()
HERE = pathlib.Path(__file__).parent
WITHDRAWN = ("WD", "wd", "", None)
ANY_SEGMENT = ("ANYHL7SEGMENT", "HXX")  # no name to find it by

# (structures, regular expression, replacement) on the notation of a structure, each with its reason.
ADJUST = [
    # Prior results begin with their patient (2.7 on): otherwise the next order could always be a prior one.
    (r".*", r"PRIOR_RESULT\((\w*PATIENT_PRIOR)\(([^()]*)\)\?", r"PRIOR_RESULT(\1(\2)"),
    # 2.9 groups what belongs to a relative and to an observation; the notes are what senders add.
    (r"ADT_A\d\d", r"\bNK1\*", "NEXT_OF_KIN(NK1 OH2* OH3? NTE*)*"),
    (r"ADT_A\d\d", r"\bOBX\*", "OBSERVATION(OBX PRT* NTE*)*"),
    # 2.9: participation takes the place of role, employment follows the person, notes follow what they are about.
    (r"ADT_A\d\d", r"\bPD1\? ", "PD1? NTE* OH1* OH2* OH3? OH4* "),
    (r"ADT_A\d\d", r"\bROL\*", "ROL* PRT*"),
    (r"ADT_A\d\d", r"\bPV2\? ", "PV2? NTE* "),
    (r"ADT_A\d\d", r"\bAL1\* ", "AL1* IAM* "),
    (r"ADT_A0[156]", r"\bAUT\* RF1\*", "AUTHORIZATION(AUT PRT*)* REFERRAL(RF1 PRT*)*"),
    (r"ADT_A\d\d", r"\bDG1\* ", "DG1* NTE* "),
    # Laboratories send a specimen's or an order's notes, which only later versions or other structures allow.
    (r"ORU_R01", r"\bSPM ", "SPM NTE* "),
    (r"ORU_R01", r"\bPV2\? ", "PV2? NTE* "),
    (r"OR[MU]_[OR]01|OM[LGPI]_O\d\d|RDE_O11", r"\bORC ", "ORC NTE* "),
    # 2.5 brought timing segments and kept the old order.
    (r"ORM_O01", r"\bORC NTE\* ", "ORC NTE* TIMING(TQ1 TQ2*)* "),
    (r"ORM_O01|OM[LGPI]_O\d\d|RDE_O11|ORU_R01", r"\bPV2\?", "PV2? ROL*"),
]


def load(wheel):
    data = pathlib.Path(wheel).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        sys.exit(f"{wheel}: sha256 {found}, expected {SHA256}")
    unpacked = tempfile.mkdtemp()
    zipfile.ZipFile(wheel).extractall(unpacked)
    sys.path.insert(0, unpacked)
    modules = {}
    for version in VERSIONS:
        package = f"hl7apy.v{version.replace('.', '_')}"
        modules[version] = {}
        for part in ("messages", "groups", "segments", "fields", "datatypes", "tables"):
            try:
                modules[version][part] = importlib.import_module(f"{package}.{part}")
            except ModuleNotFoundError:
                modules[version][part] = None
    return modules


def rows(name):
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def title(name):
    """PATIENT_IDENTIFIER_LIST → Patient identifier list"""
    small = name.replace("_", " ").lower()
    small = re.sub(r"\b(id|oid|dea|drg|url|ssn|hpc|dna|us)\b", lambda m: m.group(1).upper(), small)
    return small[:1].upper() + small[1:]


def positions(modules, part_of):
    """{owner: {number: [(type, minimum, maximum, table, name), oldest first]}}"""
    owners = {}
    for version in VERSIONS:
        for owner, number, entry in part_of(modules[version]):
            owners.setdefault(owner, {}).setdefault(number, []).append(entry)
    return owners


def fields_of(module):
    for segment, definition in module["segments"].SEGMENTS.items():
        if definition[0] != "sequence":
            continue  # any segment; and ORO of 2.1, which no message holds and which is written in another form
        for name, _, (low, high), _ in definition[1] if len(definition) > 1 else ():
            # by its name: the reference beside it is a neighbour's in one place
            definition = module["fields"].FIELDS[name]
            yield segment, int(name.rsplit("_", 1)[1]), (definition[2], low, high, definition[4], definition[3])


def components_of(module):
    for datatype, parts in module["datatypes"].DATATYPES_STRUCTS.items():
        for name, definition, (low, high), _ in parts:
            yield datatype, int(name.rsplit("_", 1)[1]), (definition[2], low, high, definition[4], definition[3])


def unite(entries):
    """One position over the versions."""
    valid = [e for e in entries if e[0] not in WITHDRAWN]
    if not valid:
        return None
    last = valid[-1]
    types = []
    for entry in reversed(valid):
        if entry[0] not in types:
            types.append(entry[0])
    withdrawn = entries[-1][0] in WITHDRAWN or entries[-1][2] == 0
    low = 0 if withdrawn else last[1]
    repeats = any(e[2] not in (0, 1) for e in valid)
    table = next((e[3] for e in reversed(valid) if e[3]), "") or ""
    return types, low, "*" if repeats else "1", table.replace("HL7", ""), title(last[4])


def write(name, header, lines):
    text = "".join(line + "\n" for line in ["# " + header, *lines])
    (HERE / name).write_text(text, encoding="utf-8")


def write_positions(modules):
    additions = list(rows("additions.tsv"))
    for name, part_of, kind in (("segments.tsv", fields_of, "field"), ("datatypes.tsv", components_of, "component")):
        owners = positions(modules, part_of)
        for what, owner, number, types, low, high, table, item in additions:
            if what == kind:
                entry = (types, int(low), -1 if high == "*" else 1, table, item.upper().replace(" ", "_"))
                owners.setdefault(owner, {})[int(number)] = [entry]
        lines = []
        for owner in sorted(owners):
            for number in sorted(owners[owner]):
                united = unite(owners[owner][number])
                if united:
                    types, low, high, table, item = united
                    lines.append("\t".join([owner, str(number), types[0], ",".join(types[1:]), str(low), high, table, item]))
        write(name, f"owner	{kind}	type	earlier types	minimum	maximum	table	name", lines)


class Group:
    def __init__(self, name, suffix, children):
        self.name, self.suffix, self.children = name, suffix, children

    def text(self):
        if not self.children:
            return self.name + self.suffix
        return f"{self.name}({' '.join(child.text() for child in self.children)}){self.suffix}"


def suffix(low, high):
    return {(True, True): "*", (True, False): "?", (False, True): "+", (False, False): ""}[(low == 0, high != 1)]


def tree(structure, node, choice=False):
    children = []
    for name, ref, (low, high), kind in node[1]:
        low = 0 if choice else low
        if name.upper() in ANY_SEGMENT:
            continue
        if kind == "SEG":
            children.append(Group(name, suffix(low, high), []))
            continue
        short = name.removeprefix(structure + "_")
        inner = tree(structure, ref, ref[0] == "choice")
        if ref[0] == "choice" and high == 1:
            # one of several segments: each may be there, where the choice stands
            children.extend(inner)
        elif inner:
            children.append(Group(short, suffix(low, high), inner))
    return children


def groups(children, path=()):
    yield path, children
    for child in children:
        if child.children:
            yield from groups(child.children, (*path, child.name))


def unite_groups(children, older):
    """What a group of the same name held or did not demand in an earlier version: segments are added after the one they
    followed, and what was optional or absent once is optional."""
    here = {path[-1:]: list_ for path, list_ in groups(children)}
    known = {segment.name for list_ in here.values() for segment in list_}
    for path, list_ in groups(older):
        target = here.get(path[-1:])
        if target is None:
            continue
        demanded = {child.name for child in list_ if child.suffix in ("", "+")}
        for child in target:
            # but never the last thing that tells that the group is there
            others = [c for c in target if c is not child and c.suffix in ("", "+")]
            if child.name not in demanded and others:
                child.suffix = {"": "?", "+": "*"}.get(child.suffix, child.suffix)
        after = -1
        for child in list_:
            names = [c.name for c in target]
            if child.name in names:
                after = names.index(child.name)
            elif not child.children and child.name not in known:
                after += 1
                optional = "*" if child.suffix in "*+" and child.suffix else "?"
                target.insert(after, Group(child.name, optional, []))


def structures(modules, events):
    shared = {(code, event): structure for code, event, structure in events}
    found = {}
    for version in reversed(VERSIONS):
        for name, node in modules[version]["messages"].MESSAGES.items():
            code, _, event = name.partition("_")
            if shared.get((code, event), name) != name or name.endswith("nn"):
                continue
            children = tree(name, node)
            if name not in found:
                found[name] = children
            elif version >= "2.3":
                unite_groups(found[name], children)
    lines = {}
    for name, children in found.items():
        text = " ".join(child.text() for child in children)
        for pattern, old, new in ADJUST:
            if re.fullmatch(pattern, name):
                text = re.sub(old, new, text)
        lines[name] = text
    return lines


def shared_events():
    for code, structure, list_ in rows("shared_events.tsv"):
        for event in list_.split():
            yield code, event, structure


def main():
    modules = load(sys.argv[1])
    write_positions(modules)
    events = list(shared_events())
    lines = structures(modules, events)
    write("structures.tsv", "structure	segments and groups: ? optional, * optional and repeating, + repeating",
          [f"{name}\t{lines[name]}" for name in sorted(lines)])
    known = {(code, event) for code, event, _ in events}
    for name in lines:
        code, _, event = name.partition("_")
        if event and (code, event) not in known:
            events.append((code, event, name))
    missing = sorted({s for _, _, s in events} - set(lines))
    if missing:
        sys.exit(f"events of unknown structures: {missing}")
    write("events.tsv", "code	event	structure", ["\t".join(e) for e in sorted(events)])
    codes = {"0003": set(), "0076": set(), "0104": set()}
    for version in VERSIONS:
        tables = getattr(modules[version]["tables"], "TABLES", {})
        for table, values in codes.items():
            values.update(tables.get("HL7" + table, ("", ()))[1])
    codes["0104"].update(VERSIONS, ("2.0", "2.0D", "2.3.2", "2.7.1", "2.9", "2.9.1"))
    codes["0104"].discard("2")
    codes["0076"].update(code for code, _, _ in events)
    codes["0003"].update(event for _, event, _ in events if event != "*")
    write("codes.tsv", "table	values", [f"{t}\t{' '.join(sorted(v))}" for t, v in sorted(codes.items())])


if __name__ == "__main__":
    main()
