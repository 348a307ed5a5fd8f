//! Helpers of the unit tests: small mappings over small messages.

use hutong_decode::v2::{Grammar, Limits, arrange, parse};
use hutong_fhir::definitions::Definitions;

use crate::{CHINA_ZONE_MINUTES, Context, Lang, Mapped, Mappings, SourceFile, render};

pub(crate) fn load(files: &[(&str, &str)]) -> Result<Mappings, String> {
    let files = files.iter().map(|(p, t)| SourceFile { path: (*p).to_owned(), text: (*t).to_owned() }).collect();
    Mappings::load(files, Definitions::r4(), Grammar::get())
        .map_err(|r| r.diagnostics.iter().map(|d| render(d, &r.files, Lang::En)).collect::<String>())
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
        "absent \"-\" as unknown\nmap b(x, OBX) -> Basic\nidentity = (\"1\")\nmap t(OBX) -> Basic\nidentity = (\"1\")\nextension(\"u\") += {} as string\nmessage ORU^R01\nr = t(OBX)\n",
        call.replace("x.", "OBX-5.").replace("(x", "(OBX-5").replace(" x)", " OBX-5)").replace("(x,", "(OBX-5,")
    );
    let m = load(&[("a.hmap", &map)]).unwrap_or_else(|e| panic!("{e}"));
    let mapped = self::map(&m, &format!("MSH|^~\\&|A|B|||20200101||ORU^R01|1|P|2.5\nOBX|1|{datatype}|a||{input}"), &[]);
    let Some(r) = mapped.resources.first() else { return Vec::new() };
    r.tree.root().children().filter(|c| c.name() == "extension").filter_map(|c| c.at("valueString").map(str::to_owned)).collect()
}
