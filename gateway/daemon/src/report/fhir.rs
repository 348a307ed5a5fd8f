//! Figures as FHIR: one MeasureReport each, as `$evaluate-measure` gives it, in a Bundle of type collection.

use hutong_count::indicators::Figure;
use hutong_count::indicators::fhir::{About, Of, Reporter, measure_report};
use hutong_count::period::{date_of, day_of};
use hutong_serve::MeasureAsk;
use serde_json::{Map, Value, json};

use super::Made;
use crate::indicators::names;
use crate::ingest::now_us;
use crate::measures::id_of;

const BASE: &str = "http://fhir.med-community.cn/gw";

/// The Bundle's bytes.
pub(super) fn bundle(made: &Made<'_>, figures: &[Figure]) -> Vec<u8> {
    let date = date_of(day_of(now_us()));
    let entries: Vec<Value> = figures.iter().filter_map(|figure| entry(made, figure, &date)).collect();
    let position = figures.first().map_or(0, |f| f.journal_position);
    let bundle = json!({
        "resourceType": "Bundle", "meta": { "versionId": position.to_string() }, "language": "zh-CN", "type": "collection", "entry": entries,
    });
    bundle.to_string().into_bytes()
}

fn entry(made: &Made<'_>, figure: &Figure, date: &str) -> Option<Value> {
    let reporter = figure.institution.as_deref();
    let id = id_of(&MeasureAsk { measure: &figure.indicator, first: figure.days.first, last: figure.days.last, reporter });
    let name = match reporter {
        Some(code) => names::institution(&made.community.read().registry, code, figure.days).zh.into_owned(),
        None => made.indicators.setting.name.clone(),
    };
    let reporter = Reporter { code: reporter.unwrap_or_default(), name: if name.is_empty() { "全域" } else { &name } };
    let tree = measure_report(&made.indicators.library, figure, &About { id: &id, reporter, date, of: Of::All })?;
    let mut text = Vec::new();
    hutong_fhir::json::write(tree.root(), &mut text);
    let resource: Map<String, Value> = serde_json::from_slice(&text).ok()?;
    Some(json!({ "fullUrl": format!("{BASE}/MeasureReport/{id}"), "resource": resource }))
}
