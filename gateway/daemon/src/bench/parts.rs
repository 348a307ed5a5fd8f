//! The stages by themselves, one thread: decode, map, validate.

use super::load::{Kind, message};
use super::{Plan, thread_ns};
use crate::cli::Failure;
use crate::pipeline::{Origin, Pipeline};
use hutong_decode::{charset, v2};
use hutong_fhir::definitions::Definitions;
use hutong_fhir::json;
use hutong_map::{CHINA_ZONE_MINUTES, Context, yardstick};
use hutong_validate::Validator;

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if plan.wants("decode.") {
        decode(plan);
    }
    if plan.wants("map.") {
        ratio_to_hand_written(plan)?;
    }
    if plan.wants("pipeline.") {
        pipeline(plan)?;
    }
    Ok(())
}

/// CPU nanoseconds of one call, over `plan.rounds` rounds.
pub(crate) fn rounds(plan: &Plan, mut once: impl FnMut()) -> Vec<f64> {
    (0..plan.rounds).filter_map(|_| one_round(plan, &mut once)).collect()
}

/// The same of one round, for what is measured in turns.
pub(crate) fn one_round(plan: &Plan, mut once: impl FnMut()) -> Option<f64> {
    let budget = u64::try_from(plan.time.as_nanos()).unwrap_or(u64::MAX);
    let (from, mut n) = (thread_ns(), 0u64);
    while thread_ns() - from < budget {
        (0..64).for_each(|_| once());
        n += 64;
    }
    (n > 0).then(|| (thread_ns() - from) as f64 / n as f64)
}

/// MB/s of a laboratory result with 60 of its values read.
fn decode(plan: &Plan) {
    let raw = message(Kind::Oru15, 7);
    let mut buffers = v2::Buffers::default();
    let mut read = 0usize;
    let ns = rounds(plan, || {
        let Ok(text) = charset::decode(&raw, None) else { return };
        let parsed = v2::parse_into(&text.text, &v2::Limits::default(), std::mem::take(&mut buffers));
        for segment in parsed.message.iter().take(15) {
            for n in [1, 3, 5, 11] {
                read += segment.field(n).component(1).value().text().len();
            }
        }
        buffers = parsed.message.into_buffers();
    });
    std::hint::black_box(read);
    plan.add("decode.mb_per_s", "MB/s", "≥ 400", ns.iter().map(|ns| raw.len() as f64 * 1000.0 / ns).collect());
}

/// A report of ten results by its mapping and by hand-written Rust for the same output, in turns; the ratio is what counts.
fn ratio_to_hand_written(plan: &Plan) -> Result<(), Failure> {
    let broken = |_| Failure::usage("基准映射无法加载", "the yardstick's mapping cannot be loaded");
    let mappings = yardstick::mappings().map_err(broken)?;
    let Ok(compiled) = mappings.for_sites(&[]) else { return Ok(()) };
    let parsed = v2::parse(yardstick::MESSAGE, &v2::Limits::default());
    let arrangement = v2::arrange(&parsed.message, v2::Grammar::get());
    let context = Context { namespace: "bench", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
    let turn = |once: &mut dyn FnMut()| {
        let from = thread_ns();
        (0..200).for_each(|_| once());
        (thread_ns() - from) as f64 / 200_000.0
    };
    let (mut by_plan, mut by_hand, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds.max(5) * 5 {
        let mapped = turn(&mut || {
            std::hint::black_box(compiled.apply(mappings.definitions(), &parsed.message, &arrangement, &context));
        });
        let written = turn(&mut || {
            std::hint::black_box(yardstick::by_hand(&parsed.message, &context, &compiled));
        });
        by_plan.push(mapped);
        by_hand.push(written);
        ratios.push(mapped / written);
    }
    plan.add("map.oru10.cpu_us", "us", "", by_plan);
    plan.add("map.oru10.hand_written_cpu_us", "us", "", by_hand);
    plan.add("map.oru10.ratio_to_hand_written", "1", "≤ 2", ratios);
    Ok(())
}

/// The pure part of the way, whole: decode, map, validate, and the bodies written out.
fn pipeline(plan: &Plan) -> Result<(), Failure> {
    let pipeline = Pipeline::load(None)?;
    let mut origin = Origin::local();
    origin.sites = vec!["cn".into()];
    for (kind, name) in [(Kind::Adt, "pipeline.adt.cpu_us"), (Kind::Oru10, "pipeline.oru10.cpu_us"), (Kind::Oru15, "pipeline.oru15.cpu_us")]
    {
        let raw = message(kind, 7);
        let ns = rounds(plan, || {
            for processed in pipeline.convert(&raw, &origin) {
                std::hint::black_box(processed.drafts());
            }
        });
        plan.add(name, "us", "", ns.iter().map(|ns| ns / 1000.0).collect());
    }
    stages(plan, &pipeline, &origin);
    Ok(())
}

/// Where the time of the ORU goes.
fn stages(plan: &Plan, pipeline: &Pipeline, origin: &Origin) {
    let raw = message(Kind::Oru10, 7);
    let Ok(text) = charset::decode(&raw, None) else { return };
    let us = |ns: Vec<f64>| ns.into_iter().map(|ns| ns / 1000.0).collect();
    let limits = v2::Limits::default();
    let ns = rounds(plan, || {
        let parsed = v2::parse(&text.text, &limits);
        std::hint::black_box(v2::check_header(&parsed.message, pipeline.grammar, None));
        std::hint::black_box(v2::arrange(&parsed.message, pipeline.grammar));
    });
    plan.add("pipeline.oru10.decode_us", "us", "", us(ns));
    let parsed = v2::parse(&text.text, &limits);
    let arrangement = v2::arrange(&parsed.message, pipeline.grammar);
    let context = Context { namespace: "bench", zone_minutes: CHINA_ZONE_MINUTES, sites: &origin.sites };
    let ns = rounds(plan, || {
        std::hint::black_box(pipeline.mappings.apply(&parsed.message, &arrangement, &context));
    });
    plan.add("pipeline.oru10.map_us", "us", "", us(ns));
    let mapped = pipeline.mappings.apply(&parsed.message, &arrangement, &context);
    let validator = Validator::new(Definitions::r4());
    let ns = rounds(plan, || {
        for r in &mapped.resources {
            std::hint::black_box(validator.validate(&r.tree));
        }
    });
    plan.add("pipeline.oru10.validate_us", "us", "", us(ns));
    let mut body = Vec::new();
    let ns = rounds(plan, || {
        for r in &mapped.resources {
            body.clear();
            json::write(r.tree.root(), &mut body);
        }
    });
    plan.add("pipeline.oru10.write_us", "us", "", us(ns));
    plan.add("pipeline.oru10.resources", "1", "", vec![mapped.resources.len() as f64]);
}
