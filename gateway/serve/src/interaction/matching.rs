//! `POST [base]/Patient/$match`: who a Patient may be, judged as the gateway judges what hospitals send
//! (<https://hl7.org/fhir/R4/patient-operation-match.html>). One entry a person; its other records are in `link`.

use hutong_fhir::{NodeRef, Tree};
use hutong_wire::limits::{Limits, size};

use crate::answer::Answer;
use crate::bundle::Bundle;
use crate::community::{Community, Grade};
use crate::document::Sent;
use crate::operation::Operation;
use crate::parameters;
use crate::params::Fields;
use crate::refusal::Refusal;
use crate::source::Source;

pub(crate) fn answer(
    (source, community): (&dyn Source, &dyn Community),
    body: Option<Sent>,
    fields: &Fields,
    base: &str,
    limits: &Limits,
) -> Result<Answer, Refusal> {
    let sent = body.ok_or_else(Refusal::no_patient)?;
    let mut tree = sent.read(limits)?.tree;
    // a Patient alone stands for Parameters with nothing else
    let alone = tree.root().resource_type() == Some("Patient");
    let mut asked = Asked::of(&parameters::of_address(Operation::Match, fields)?, limits)?;
    if !alone {
        tree = parameters::of_body(Operation::Match, tree, fields)?;
        asked = Asked::of(&tree, limits)?;
    }
    let patient = if alone { Some(tree.root()) } else { resource(&tree) };
    let patient = patient.filter(|p| p.resource_type() == Some("Patient")).ok_or_else(Refusal::no_patient)?;
    let mut likely = community.matches(patient);
    if asked.certain {
        likely.retain(|l| l.grade == Grade::Certain);
    }
    likely.truncate(asked.count);
    let mut found = Vec::with_capacity(likely.len());
    for one in likely {
        // deleted meanwhile: nobody to show
        if let Some(version) = source.read("Patient", &one.patient)?.filter(|v| !v.deleted) {
            found.push((one, version));
        }
    }
    let bytes = found.iter().map(|(_, v)| v.body.len() + 256).sum();
    let own = format!("{base}/Patient/$match");
    let mut bundle = Bundle::new("searchset", Some(found.len() as u64), &[("self", own.as_str())], bytes);
    for (one, version) in &found {
        bundle.matched(base, &one.patient, &version.body, one.grade.code(), one.score);
    }
    Ok(Answer::fhir(bundle.finish()))
}

fn resource(tree: &Tree) -> Option<NodeRef<'_>> {
    parameters::named(tree, "resource").find_map(|p| p.get("resource"))
}

struct Asked {
    certain: bool,
    count: usize,
}

impl Asked {
    fn of(tree: &Tree, limits: &Limits) -> Result<Asked, Refusal> {
        let one = |name: &str, value: &str| {
            let mut all = parameters::named(tree, name);
            let first = all.next().map(|p| p.at(value).unwrap_or_default().to_owned());
            if all.next().is_some() { Err(Refusal::given_twice(name)) } else { Ok(first) }
        };
        let certain = match one("onlyCertainMatches", "valueBoolean")?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Refusal::bad_value("onlyCertainMatches", "应为 true 或 false", "true or false is expected")),
        };
        let bad = || Refusal::bad_value("count", "应为正整数", "a positive whole number is expected");
        let count = match one("count", "valueInteger")? {
            None => size(limits.search_count_default),
            Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?,
        };
        Ok(Asked { certain, count: count.min(size(limits.search_count)) })
    }
}
