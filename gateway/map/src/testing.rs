//! Helpers of the unit tests: small mappings over small messages.

use hutong_decode::v2::{Grammar, Limits, arrange, parse};
use hutong_fhir::definitions::Definitions;

use crate::{CHINA_ZONE_MINUTES, Context, Lang, Mapped, Mappings, SourceFile, render};

/// Loads small mappings, which need not write all that R4 demands.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<Mappings, String> {
    load_strictly(files, &["element.missing"])
}

/// The same with these checks left out.
pub(crate) fn load_strictly(files: &[(&str, &str)], without: &[&str]) -> Result<Mappings, String> {
    let files = files.iter().map(|(p, t)| SourceFile { path: (*p).to_owned(), text: (*t).to_owned() }).collect();
    let (m, faults) = Mappings::judged(files, Definitions::r4(), Grammar::get());
    let faults: Vec<_> = faults.into_iter().filter(|d| !without.contains(&d.code)).collect();
    if faults.is_empty() { Ok(m) } else { Err(faults.iter().map(|d| render(d, m.files(), Lang::En)).collect()) }
}

/// Maps a message (segments separated by line ends).
pub(crate) fn map(m: &Mappings, message: &str, sites: &[&str]) -> Mapped {
    let text = message.trim().replace('\n', "\r");
    let parsed = parse(&text, &Limits::default());
    let arrangement = arrange(&parsed.message, Grammar::get());
    let sites: Vec<String> = sites.iter().map(|s| (*s).to_owned()).collect();
    m.apply(&parsed.message, &arrangement, &Context { namespace: "test", zone_minutes: CHINA_ZONE_MINUTES, sites: &sites })
}

/// What an expression over `x`, the value of OBX-5 in that data type, gives.
pub(crate) fn eval(datatype: &str, input: &str, call: &str) -> Vec<String> {
    let map = format!(
        "absent \"-\" as unknown\nmap t(OBX) -> Basic\nidentity = (\"1\")\nextension(\"u\"):all += each split(join({}, \"¦\"), \"¦\") as y {{ $ = string(y) }}\nmessage ORU^R01\neach OBX {{ r = t(OBX) }}\n",
        over_field(call)
    );
    let m = load(&[("a.hmap", &map)]).unwrap_or_else(|e| panic!("{e}"));
    let mapped = self::map(&m, &format!("MSH|^~\\&|A|B|||20200101||ORU^R01|1|P|2.5\nOBX|1|{datatype}|a||{input}"), &[]);
    let Some(r) = mapped.resources.first() else { return Vec::new() };
    r.tree.root().children().filter(|c| c.name() == "extension").filter_map(|c| c.at("valueString").map(str::to_owned)).collect()
}

/// `x` becomes the path of the field, outside of quotes.
fn over_field(call: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut before = ' ';
    let chars: Vec<char> = call.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        quoted ^= *c == '"';
        let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        if *c == 'x' && !(quoted || before.is_alphanumeric() || before == '_' || word(chars.get(i + 1))) {
            out.push_str("OBX-5");
        } else {
            out.push(*c);
        }
        before = *c;
    }
    out
}
