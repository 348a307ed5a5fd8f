//! Figures as FHIR: one MeasureReport each, in a Bundle of type collection.

use hutong_count::indicators::Figure;
use hutong_count::indicators::fhir::{About, measure_report};
use hutong_count::period::{date_of, day_of};
use hutong_fhir::id::from_identity;
use serde_json::{Map, Value, json};

use super::Made;
use crate::ingest::now_us;

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
    let place = figure.institution.as_deref().unwrap_or(&made.indicators.setting.area);
    let id = from_identity("measure", "MeasureReport", [figure.indicator.as_str(), &figure.period, place]);
    let reporter = format!("Organization/{}", from_identity("measure", "Organization", [place]));
    let about = About { id: &id, reporter: &reporter, date, subjects: None };
    let tree = measure_report(&made.indicators.library, figure, &about)?;
    let mut text = Vec::new();
    hutong_fhir::json::write(tree.root(), &mut text);
    let resource: Map<String, Value> = serde_json::from_slice(&text).ok()?;
    Some(json!({ "fullUrl": format!("{BASE}/MeasureReport/{id}"), "resource": resource }))
}
