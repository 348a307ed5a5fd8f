//! `$evaluate-measure` and `$collect-data`: what is asked is read whole, and what is not offered is refused.

use hutong_fhir::calendar::{CHINA_US, DAY_US};
use hutong_fhir::{Key, Tree};
use hutong_wire::limits::Limits;
use serde_json::json;

use super::{AREA, COLLECTED_MAX, CollectAsk, Collected, MeasureAsk, Measures, NotMeasured, ReportOf, measure_id, reporter_code, when};
use crate::answer::Answer;
use crate::document::Sent;
use crate::library::Edition;
use crate::operation::Operation;
use crate::parameters;
use crate::params::Fields;
use crate::refusal::Refusal;
use crate::time;

/// A request for a figure.
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
    /// Of the Measure in the address.
    pub(crate) id: Option<&'a str>,
    pub(crate) body: Option<Sent>,
    pub(crate) fields: &'a Fields,
    /// The only institution whose figures may be told.
    pub(crate) only: Option<&'a str>,
}

/// Answers `$evaluate-measure`.
pub(crate) fn evaluate(measures: &dyn Measures, edition: &Edition, request: Request<'_>, limits: &Limits) -> Result<Answer, Refusal> {
    let asked = Asked::read(edition, request, limits)?;
    asked.none_of_practitioner()?;
    if asked.get("lastReceivedOn")?.is_some() {
        let (zh, en) = ("每次都给出全部，没有“自上次以来”", "all is told every time, nothing is told since the last time");
        return Err(Refusal::measure_unsupported("lastReceivedOn", zh, en));
    }
    let of = match (asked.get("reportType")?, asked.subject()?) {
        (None | Some("subject" | "individual"), Some(patient)) => ReportOf::One(patient),
        (Some("subject" | "individual"), None) => {
            return Err(Refusal::measure_parameter("subject", "个人报告须写明患者", "a report of one patient needs the patient"));
        }
        (Some("population" | "summary" | "subject-list"), Some(_)) => {
            return Err(Refusal::measure_parameter("subject", "只用于个人报告（reportType=subject）", "it is for reportType=subject only"));
        }
        (None | Some("population" | "summary"), None) => ReportOf::Summary,
        (Some("subject-list"), None) => ReportOf::Subjects,
        (Some(_), _) => return Err(Refusal::unsupported_value("reportType", "subject, subject-list, population")),
    };
    let tree = measures.evaluate(&asked.ask(), of).map_err(Refusal::of_measures)?;
    Ok(Answer::fhir(written(&tree)))
}

/// Answers `$collect-data`: Parameters with the report, the resources, the messages they came with, and where to go on.
pub(crate) fn collect(measures: &dyn Measures, edition: &Edition, request: Request<'_>, limits: &Limits) -> Result<Answer, Refusal> {
    let asked = Asked::read(edition, request, limits)?;
    asked.none_of_practitioner()?;
    let since_us = match asked.get("lastReceivedOn")? {
        None => None,
        Some(text) => Some(moment(text).ok_or_else(|| {
            let en = "a date, or a moment with its zone is expected, such as 2026-11-22T08:00:00+08:00";
            Refusal::measure_parameter("lastReceivedOn", "应为日期，或带时区的时刻，如 2026-11-22T08:00:00+08:00", en)
        })?),
    };
    let part = CollectAsk { subject: asked.subject()?, since_us, after: asked.whole("after")?, count: asked.count()? };
    Ok(Answer::fhir(parameters_of(&measures.collect(&asked.ask(), &part).map_err(Refusal::of_measures)?)))
}

/// A moment, or the beginning of a day in China.
fn moment(text: &str) -> Option<i64> {
    time::parse_instant(text).or_else(|| Some(when::days_of(text)?.0 * DAY_US - CHINA_US))
}

fn parameters_of(collected: &Collected) -> Vec<u8> {
    let bytes: usize = collected.resources.iter().map(|r| r.len() + 32).sum();
    let mut out = Vec::with_capacity(bytes + 1024);
    out.extend_from_slice(br#"{"resourceType":"Parameters","parameter":[{"name":"measureReport","resource":"#);
    out.extend_from_slice(&written(&collected.report));
    for resource in &collected.resources {
        out.extend_from_slice(br#"},{"name":"resource","resource":"#);
        out.extend_from_slice(resource);
    }
    out.push(b'}');
    for message in &collected.messages {
        let resources = message.resources.iter().map(|r| json!({"name": "resource", "valueReference": {"reference": r}}));
        let mut part = vec![
            json!({"name": "receipt", "valueString": message.receipt}),
            json!({"name": "case", "valueString": message.case.to_string()}),
        ];
        part.extend(resources);
        out.push(b',');
        out.extend_from_slice(json!({"name": "message", "part": part}).to_string().as_bytes());
    }
    if let Some(next) = collected.next {
        out.push(b',');
        out.extend_from_slice(json!({"name": "next", "valueInteger": next}).to_string().as_bytes());
    }
    out.extend_from_slice(b"]}");
    out
}

pub(super) fn written(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    hutong_fhir::json::write(tree.root(), &mut out);
    out
}

/// The parameters that both operations share, checked.
struct Asked {
    parameters: Tree,
    measure: String,
    first: i64,
    last: i64,
    reporter: Option<String>,
}

impl Asked {
    fn read(edition: &Edition, request: Request<'_>, limits: &Limits) -> Result<Asked, Refusal> {
        let Request { operation, id, body, fields, only } = request;
        let parameters = match body {
            Some(sent) => parameters::of_body(operation, sent.read(limits)?.tree, fields)?,
            None => parameters::of_address(operation, fields)?,
        };
        let known = operation.parameters();
        for parameter in parameters.root().all(Key::of("parameter")) {
            let name = parameter.at("name").unwrap_or_default();
            if !known.iter().any(|(n, _)| *n == name) {
                let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
                return Err(Refusal::unknown_parameter(name, &names.join(", ")));
            }
        }
        let mut asked = Asked { parameters, measure: String::new(), first: 0, last: 0, reporter: None };
        asked.measure = match (id, asked.get("measure")?) {
            (Some(_), Some(_)) => return Err(Refusal::given_twice("measure")),
            (Some(id), None) => measure_id(edition, id).ok_or_else(Refusal::not_found)?,
            (None, Some(named)) => measure_id(edition, named).ok_or_else(Refusal::unknown_measure)?,
            (None, None) => return Err(Refusal::measure_parameter("measure", "缺少指标", "the measure is missing")),
        };
        (asked.first, asked.last) = (asked.day("periodStart")?.0, asked.day("periodEnd")?.1);
        if asked.first > asked.last {
            return Err(Refusal::measure_parameter("periodEnd", "不能早于 periodStart", "it must not be before periodStart"));
        }
        let named = asked.get("reporter")?.map(reporter_code);
        asked.reporter = match (only, named) {
            (Some(own), Some(named)) if own != named => return Err(Refusal::measure_not_yours()),
            (Some(own), _) => Some(own.to_owned()),
            (None, named) => named.filter(|n| *n != AREA).map(str::to_owned),
        };
        Ok(asked)
    }

    fn ask(&self) -> MeasureAsk<'_> {
        MeasureAsk { measure: &self.measure, first: self.first, last: self.last, reporter: self.reporter.as_deref() }
    }

    /// The text of a parameter that may be given once.
    fn get(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut all = parameters::named(&self.parameters, name);
        let Some(first) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Refusal::given_twice(name));
        }
        let empty = || Refusal::measure_parameter(name, "缺少值", "it has no value");
        parameters::text(first).filter(|t| !t.is_empty()).map(Some).ok_or_else(empty)
    }

    /// Id of the Patient.
    fn subject(&self) -> Result<Option<&str>, Refusal> {
        let Some(named) = self.get("subject")? else { return Ok(None) };
        let id = named.strip_prefix("Patient/").unwrap_or(named);
        let others = || Refusal::measure_unsupported("subject", "只接受 Patient/[id]", "only Patient/[id] is taken");
        (!id.contains('/')).then_some(Some(id)).ok_or_else(others)
    }

    /// Indicators know no doctor in charge of a patient.
    fn none_of_practitioner(&self) -> Result<(), Refusal> {
        let (zh, en) = ("指标不按签约医师计算", "figures are not told by the patients' practitioner");
        self.get("practitioner")?.map_or(Ok(()), |_| Err(Refusal::measure_unsupported("practitioner", zh, en)))
    }

    fn whole(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let bad = || Refusal::measure_parameter(name, "应为非负整数", "a whole number, 0 or more, is expected");
        self.get(name)?.map(|n| n.parse::<u32>().map_err(|_| bad())).transpose()
    }

    fn count(&self) -> Result<usize, Refusal> {
        let count = self.whole("count")?.map_or(COLLECTED_MAX, |n| n as usize);
        let (zh, en) =
            (format!("应为 1 到 {COLLECTED_MAX} 例，其余由 next 续取"), format!("1 to {COLLECTED_MAX} cases at once; go on by next"));
        (1..=COLLECTED_MAX).contains(&count).then_some(count).ok_or_else(|| Refusal::measure_parameter("count", &zh, &en))
    }

    fn day(&self, name: &'static str) -> Result<(i64, i64), Refusal> {
        let missing = || Refusal::measure_parameter(name, "缺少日期", "the date is missing");
        let bad =
            || Refusal::measure_parameter(name, "应为日期：2026、2026-11 或 2026-11-22", "a date is expected: 2026, 2026-11 or 2026-11-22");
        when::days_of(self.get(name)?.ok_or_else(missing)?).ok_or_else(bad)
    }
}

impl Refusal {
    /// What [`Measures`] has to say.
    pub(crate) fn of_measures(why: NotMeasured) -> Refusal {
        match why {
            NotMeasured::Unavailable => Refusal::unavailable(),
            NotMeasured::TooMany { found, max } => Refusal::too_many_subjects(found, max),
            NotMeasured::NotHere => Refusal::unmeasured(
                "measure.area",
                "网关不计算这个指标，或它的文件不适用于本地（配置 [indicators] area、documents）",
                "the gateway does not compute this measure, or its document does not apply here ([indicators] area, documents in the configuration)",
            ),
            NotMeasured::Future => Refusal::unmeasured("measure.future", "统计期尚未开始", "the period has not begun"),
            NotMeasured::Reporter => {
                Refusal::unmeasured("measure.reporter", "机构登记册中没有这个机构", "the registry knows no such institution")
            }
            NotMeasured::NotCounted => Refusal::unmeasured(
                "measure.counted",
                "这个指标不由病例计数，没有患者名单和病例数据；请用 reportType=population",
                "this measure is not counted from cases: it has neither subjects nor data behind it; ask for reportType=population",
            ),
            NotMeasured::Months => Refusal::unmeasured(
                "measure.period",
                "病例按整月统计：请用月、季、年，或其他整月的起止日期（2026-07-01 至 2026-09-30）",
                "cases are counted by whole months: ask for a month, a quarter, a year, or from the first of a month to the last of one (2026-07-01 to 2026-09-30)",
            ),
            NotMeasured::Patient => Refusal::not_found(),
        }
    }
}
