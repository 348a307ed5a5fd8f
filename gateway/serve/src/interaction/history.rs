//! `…/_history` of an instance, a type or everything, newest first (<https://hl7.org/fhir/R4/http.html#history>).

use hutong_commit::projection::HistoryOf;
use hutong_wire::limits::{Limits, size};

use crate::answer::Answer;
use crate::bundle::{Bundle, Change};
use crate::params::{self, Fields};
use crate::refusal::Refusal;
use crate::source::Source;

const SUPPORTED: &str = "_count, _since, _cursor, _format, _pretty";

pub(crate) fn answer(source: &dyn Source, of: HistoryOf<'_>, fields: &Fields, base: &str, limits: &Limits) -> Result<Answer, Refusal> {
    let address = match of {
        HistoryOf::Instance(kind, id) => format!("{base}/{kind}/{id}/_history"),
        HistoryOf::Type(kind) => format!("{base}/{kind}/_history"),
        HistoryOf::System => format!("{base}/_history"),
    };
    let mut honoured = fields.honoured();
    let (mut count, mut since, mut cursor) = (None, None, None);
    for (name, value) in &fields.list {
        let again = match name.as_str() {
            // a history of no changes would be of no use, so that 0 means 1
            "_count" => count.replace(params::count(value, limits)?.max(1)).is_some(),
            "_since" => since.replace(params::moment("_since", value)?).is_some(),
            "_cursor" => cursor.replace(value.as_str()).is_some(),
            // also under lenient handling: entries of a history are changes, none can say what was left out
            _ => return Err(Refusal::unknown_parameter(name, SUPPORTED)),
        };
        if again {
            return Err(Refusal::given_twice(name));
        }
        match (name.as_str(), count) {
            ("_cursor", _) => {}
            ("_count", Some(count)) => honoured.push("_count", count.to_string()),
            _ => honoured.push(name, value),
        }
    }
    let mark = honoured.mark(&address);
    let after = cursor
        .map(|c| params::open_cursor(c, &mark))
        .transpose()?
        .map(|c| c.parse::<u64>().map_err(|_| Refusal::bad_cursor()))
        .transpose()?;
    let count = count.unwrap_or_else(|| size(limits.search_count_default));
    let page = source.history(of, since, count, after)?;
    if page.rows.is_empty() && after.is_none() && since.is_none() && matches!(of, HistoryOf::Instance(..)) {
        return Err(Refusal::not_found());
    }

    let own = honoured.url(&address, cursor);
    let next = page.next.map(|after| honoured.url(&address, Some(&format!("{mark}.{after}"))));
    let links: Vec<(&str, &str)> = std::iter::once(("self", own.as_str())).chain(next.as_deref().map(|n| ("next", n))).collect();
    let bytes = page.rows.iter().map(|row| row.version.body.len() + 320).sum();
    let mut bundle = Bundle::new("history", None, &links, bytes);
    for row in &page.rows {
        let v = &row.version;
        bundle.changed(
            base,
            &Change {
                kind: row.resource_type,
                id: &row.id,
                version: v.version,
                last_updated_us: v.last_updated_us,
                deleted: v.deleted,
                body: &v.body,
            },
        );
    }
    Ok(Answer::fhir(bundle.finish()))
}
