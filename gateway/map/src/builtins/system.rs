//! `system(hd)`, `system(id, type)`, `system(name, code: c)`: the uri of an assigner, a coding system or a universal id.
//! An OID, a UUID, a uri and an HL7 table have one of their own; any other name gets one under the source's namespace,
//! so that two hospitals that both call their numbers "HIS" are not mixed up. An HL7 table that has not the code `c`
//! is not the one it is from: that too is the source's own.

use super::{Builtin, Gives, example, tablesystem, typed};
use crate::plan::Op;
use crate::run::{Exec, Origin, Val};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Where names stand that mean something to one institution only.
const LOCAL: &str = "http://fhir.med-community.cn/gw/NamingSystem/";

pub(super) const BUILTIN: Builtin = Builtin {
    name: "system",
    args: (1, 3),
    labels: &["type", "code"],
    gives: Gives::Text,
    run: |e, args, _| {
        let Some(v) = args.first().and_then(|a| e.one(*a)) else { return };
        let typed = args.get(1).filter(|a| !matches!(e.plan.op(**a), Op::Nothing));
        let kind = typed.map(|a| e.text(*a).map(|(t, _)| t.into_owned()).unwrap_or_default());
        let code = args.get(2).and_then(|a| e.text(*a)).map(|(t, _)| t.into_owned());
        if let Some((mut uri, origin)) = of_value(e, &v, kind.as_deref()) {
            if let Some(code) = code {
                uri = of_code(e, uri, &code);
            }
            e.vals.push(Val::Text(Cow::Owned(uri), origin));
        }
    },
    examples: &[
        typed("HD", "HIS^2.16.156.1^ISO", "system(x)", &["urn:oid:2.16.156.1"]),
        typed("HD", "CN^2.16.840.1.113883.2.23.1.19.1^ISO", "system(x)", &["urn:oid:2.16.156.10011.1.3"]),
        typed("HD", "HIS", "system(x)", &["http://fhir.med-community.cn/gw/NamingSystem/test/HIS"]),
        typed("CX", "1^^^HIS&2.16.156.1&ISO", "system(x.4)", &["urn:oid:2.16.156.1"]),
        typed("EI", "1^LIS", "system(x.3, x.4) | system(x.2)", &["http://fhir.med-community.cn/gw/NamingSystem/test/LIS"]),
        typed("HD", "a^his.hospital.cn^DNS", "system(x)", &["http://his.hospital.cn"]),
        example("C757873D-EC9A-4326-A141-556F43239520", "system(x)", &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
        example("http://loinc.org", "system(x)", &["http://loinc.org"]),
        example("HL70001", "system(x)", &["http://terminology.hl7.org/CodeSystem/v2-0001"]),
        typed("CWE", "M^^HL70001", "system(x.3, code: x.1)", &["http://terminology.hl7.org/CodeSystem/v2-0001"]),
        typed("CWE", "男^^HL70001", "system(x.3, code: x.1)", &["http://fhir.med-community.cn/gw/NamingSystem/test/v2-0001"]),
        example("本院 码", "system(x)", &["http://fhir.med-community.cn/gw/NamingSystem/test/%E6%9C%AC%E9%99%A2%20%E7%A0%81"]),
    ],
};

/// The uri of an assigner (HD) or of a name.
pub(super) fn of_value<'m>(e: &mut Exec<'m>, v: &Val<'m>, kind: Option<&str>) -> Option<(String, Origin)> {
    let assigner = match v {
        Val::View(view) if kind.is_none() => e.datatype(view.dt) == "HD",
        _ => false,
    };
    if assigner && let Val::View(view) = v {
        let part = |e: &mut Exec<'m>, n: u8| e.part_text(view, n);
        let (universal, kind) = (part(e, 2), part(e, 3).map(|(t, _)| t));
        if let Some((text, origin)) = universal {
            if let Some(uri) = universal_uri(&text, kind.as_deref().unwrap_or("")) {
                return Some((uri, origin));
            }
            return Some((local(e, &text), origin));
        }
        let (name, origin) = part(e, 1)?;
        return Some((universal_uri(&name, "").unwrap_or_else(|| local(e, &name)), origin));
    }
    let (text, origin) = e.text_of(v)?;
    if kind.is_none()
        && let Some((_, uri)) = e.locals.iter().find(|(name, _)| **name == *text)
    {
        return Some((uri.clone(), origin));
    }
    let uri = universal_uri(&text, kind.unwrap_or("")).or_else(|| tablesystem::uri(&text).filter(|_| text.starts_with("HL7")));
    let uri = uri.unwrap_or_else(|| local(e, &text));
    if kind.is_none() && e.locals.len() < MEMO_MAX {
        e.locals.push((text.into_owned(), uri.clone()));
    }
    Some((uri, origin))
}

/// How many answers are kept for the rest of a message; behind that it is quicker to work them out again.
const MEMO_MAX: usize = 16;

/// The system of a code that was said to be of an HL7 table: that table's, if it has the code.
pub(crate) fn of_code(e: &mut Exec<'_>, uri: String, code: &str) -> String {
    let Some(table) = uri.strip_prefix(tablesystem::SYSTEMS) else { return uri };
    if let Some((.., own)) = e.own_systems.iter().find(|(u, c, _)| c == code && *u == uri) {
        return own.clone();
    }
    let all = e.defs.code_systems();
    let own = match all.get(&uri) {
        Some(system) if all.concept(system, code).is_some() => uri.clone(),
        _ => local(e, table),
    };
    if e.own_systems.len() < MEMO_MAX {
        e.own_systems.push((uri, code.to_owned(), own.clone()));
    }
    own
}

/// The uri of an id that is unique by itself.
pub(super) fn universal_uri(id: &str, kind: &str) -> Option<String> {
    use hutong_fhir::identifier::{canonical_system, unaliased};
    use hutong_fhir::primitive::{Primitive, is_oid, is_uuid};
    let id = id.trim();
    // "1.4" or "2.1.1" is a version or a room, not an OID anybody was given; outside validators refuse them too
    if is_oid(id) && id.rfind('.').is_some_and(|at| at >= 5) {
        // 身份证 and 门诊号 have two OIDs each: one of them is written
        return Some(canonical_system(id).map_or_else(|| format!("urn:oid:{id}"), str::to_owned));
    }
    let bare = id.trim_matches(['{', '}']).to_ascii_lowercase();
    if is_uuid(bare.as_bytes()) {
        return Some(format!("urn:uuid:{bare}"));
    }
    let is_uri = |text: &str| Primitive::Uri.check_text(text).is_ok();
    if id.contains(':') && !id.contains('\\') && id.split_once(':').is_some_and(|(s, r)| !r.is_empty() && is_scheme(s)) && is_uri(id) {
        return Some(unaliased(id).to_owned());
    }
    let host = matches!(kind, "DNS") && id.contains('.') && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    host.then(|| format!("http://{id}"))
}

/// Schemes that systems name themselves by; `HIS:1` is none.
fn is_scheme(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "urn" | "mailto" | "ftp" | "tel" | "mllp" | "dicom")
}

fn local(e: &Exec<'_>, name: &str) -> String {
    let mut out = String::from(LOCAL);
    escape(&mut out, e.cx.namespace);
    out.push('/');
    escape(&mut out, name);
    out
}

/// RFC 3986 §2.1.
fn escape(out: &mut String, text: &str) {
    for b in text.trim().bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
}
