//! The items of a QuestionnaireResponse against those of its form: known, in place, in order, asked, answered.

use super::form::{Form, items};
use super::{extension, link_of};
use crate::place::Frame;
use crate::text::Rule;
use crate::walk::{DEPTH_MAX, Walk};
use hutong_fhir::{NodeId, NodeRef, Severity};
use std::collections::HashMap;

/// Response items that conditions look at, all together.
const BUDGET: u32 = 2_000_000;

const LINK: Rule = Rule { id: "fhir.questionnaire.item", issue: "structure", hl7: 102 };
const TEXT: Rule = Rule { id: "fhir.questionnaire.text", issue: "invalid", hl7: 102 };
const ENABLED: Rule = Rule { id: "fhir.questionnaire.not_enabled", issue: "invalid", hl7: 102 };
const REQUIRED: Rule = Rule { id: "fhir.questionnaire.required", issue: "required", hl7: 101 };
const REPEATS: Rule = Rule { id: "fhir.questionnaire.repeats", issue: "invalid", hl7: 102 };
const NESTING: Rule = Rule { id: "fhir.questionnaire.nesting", issue: "structure", hl7: 102 };

const MIN_OCCURS: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs";
const MAX_OCCURS: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs";

/// A response being checked.
pub(super) struct Answering<'w, 't> {
    pub(super) walk: &'w mut Walk<'t>,
    pub(super) form: Form<'t>,
    pub(super) root: NodeRef<'t>,
    /// What is missing from a response that is still being filled in is only warned of.
    is_complete: bool,
    pub(super) budget: u32,
}

/// An item of the form with the response item that answers it, and those around it.
pub(super) struct Level<'l, 't> {
    pub(super) up: Option<&'l Level<'l, 't>>,
    pub(super) item: NodeRef<'t>,
    pub(super) answer: NodeRef<'t>,
}

pub(super) fn check<'t>(walk: &mut Walk<'t>, at: &Frame<'_, 't>, form: Form<'t>) {
    let is_complete = matches!(at.node.at("status"), Some("completed" | "amended"));
    let root = form.root;
    let mut answering = Answering { walk, form, root: at.node, is_complete, budget: BUDGET };
    answering.items(at, root, None);
}

impl<'t> Answering<'_, 't> {
    /// The items in a response, item or answer against those that the form has there.
    pub(super) fn items(&mut self, at: &Frame<'_, 't>, holder: NodeRef<'t>, level: Option<&Level<'_, 't>>) {
        if at.depth > DEPTH_MAX {
            return;
        }
        let expected: Vec<NodeRef<'t>> = items(holder).collect();
        let places: HashMap<&str, usize> = expected.iter().enumerate().rev().filter_map(|(i, e)| Some((e.at("linkId")?, i))).collect();
        let mut given: HashMap<NodeId, Vec<(u32, NodeRef<'t>)>> = HashMap::new();
        let mut last = 0;
        for (index, node) in items(at.node).enumerate() {
            let frame = self.walk.step(at, node, index as u32);
            let Some(link) = node.at("linkId").filter(|l| !l.is_empty()) else { continue };
            match places.get(link).and_then(|p| Some((*p, expected.get(*p)?))) {
                Some((place, item)) => {
                    if place < last {
                        self.walk.error(
                            &frame,
                            &LINK,
                            "题目的次序与问卷不同；请按问卷的次序排列",
                            "the items are not in the order of the form; put them in that order",
                        );
                    }
                    last = place;
                    given.entry(item.id()).or_default().push((index as u32, node));
                }
                None => self.stray(&frame, link, level),
            }
        }
        for item in expected {
            match given.get(&item.id()) {
                Some(nodes) => self.present(at, item, nodes, level),
                None => self.absent(at, item, level),
            }
        }
    }

    /// An item that the form does not have at this place.
    fn stray(&mut self, at: &Frame<'_, 't>, link: &str, level: Option<&Level<'_, 't>>) {
        let Some(item) = self.form.item(link) else {
            return self.walk.error(
                at,
                &LINK,
                "问卷中没有这个 linkId；请改正 linkId，或删去该题目",
                "the form has no item with this linkId; correct it or remove the item",
            );
        };
        let link = link_of(item);
        self.walk.error(
            at,
            &LINK,
            format!("题目 {link} 不在问卷规定的位置；请放到它在问卷中的上级题目之下"),
            format!("the item {link} is not where the form has it; put it under the item that holds it there"),
        );
        self.item(at, item, level, Some(true));
    }

    fn present(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, nodes: &[(u32, NodeRef<'t>)], level: Option<&Level<'_, 't>>) {
        let enabled = self.is_enabled(item, level);
        let repeats = item.at("repeats") == Some("true");
        for (n, (index, node)) in nodes.iter().enumerate() {
            let frame = self.walk.step(at, *node, *index);
            if enabled == Some(false) && (node.get("answer").is_some() || node.get("item").is_some()) {
                let link = link_of(item);
                self.walk.error(
                    &frame,
                    &ENABLED,
                    format!("按前面的回答，题目 {link} 不应作答；请删去其回答，或改正它所取决于的回答"),
                    format!("by the other answers the item {link} is not asked; remove its answer or correct the one it depends on"),
                );
            }
            if n == 1 && !repeats {
                let link = link_of(item);
                self.walk.error(
                    &frame,
                    &REPEATS,
                    format!("题目 {link} 不可重复；请只保留一个"),
                    format!("the item {link} does not repeat; keep one"),
                );
            }
            self.item(&frame, item, level, enabled);
        }
    }

    fn absent(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, level: Option<&Level<'_, 't>>) {
        if item.at("required") == Some("true") && self.is_enabled(item, level) == Some(true) {
            self.missing(at, item);
        }
    }

    fn missing(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>) {
        let severity = if self.is_complete { Severity::Error } else { Severity::Warning };
        let link = link_of(item);
        let finding = REQUIRED
            .finding(severity)
            .says(format!("必答题 {link} 没有回答；请补上"), format!("the item {link} is required and has no answer; answer it"));
        self.walk.report(at, finding);
    }

    /// One item of the response.
    fn item(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, level: Option<&Level<'_, 't>>, enabled: Option<bool>) {
        if at.depth > DEPTH_MAX {
            return;
        }
        if at.node.at("text").is_some_and(|text| !text.is_empty() && Some(text) != item.at("text")) {
            let link = link_of(item);
            self.walk.error(
                at,
                &TEXT,
                format!("题目 {link} 的文字与问卷不同；请照问卷填写，或省略 text"),
                format!("the text of item {link} is not that of the form; copy it or leave text out"),
            );
        }
        let kind = item.at("type").unwrap_or("");
        let answers: Vec<NodeRef<'t>> = at.node.children().filter(|c| c.name() == "answer").collect();
        if enabled != Some(false) {
            self.counts(at, item, kind, answers.len());
        }
        let level = Level { up: level, item, answer: at.node };
        for (index, answer) in answers.iter().enumerate() {
            let frame = self.walk.step(at, *answer, index as u32);
            if kind == "group" || kind == "question" || kind == "display" {
                self.walk.error(
                    &frame,
                    &NESTING,
                    "分组与说明文字不能有回答；请删去 answer，把下级题目放在 item 中",
                    "a group or a display text has no answers; remove answer and put the items below into item",
                );
            } else {
                self.answer(&frame, item, kind, answers.len());
            }
            if kind != "group" {
                self.items(&frame, item, Some(&level));
            }
        }
        let has_items = items(at.node).next().is_some();
        if kind == "group" {
            if item.at("required") == Some("true") && !has_items {
                self.missing(at, item);
            }
            self.items(at, item, Some(&level));
        } else if has_items {
            self.walk.error(
                at,
                &NESTING,
                "只有分组的下级题目直接写在 item 中；题目的下级须写在其 answer 中",
                "only a group has items of its own; the items below a question stand in its answer",
            );
        }
    }

    /// How many answers there are.
    fn counts(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, kind: &str, answers: usize) {
        let link = || link_of(item);
        if item.at("required") == Some("true") && answers == 0 && !matches!(kind, "group" | "display") {
            self.missing(at, item);
        }
        if answers > 1 && item.at("repeats") != Some("true") {
            self.walk.error(
                at,
                &REPEATS,
                format!("题目 {} 只能有一个回答；请只保留一个", link()),
                format!("the item {} takes one answer; keep one", link()),
            );
        }
        let limit = |url| extension(item, url).and_then(|v| v.parse::<usize>().ok());
        if let Some(most) = limit(MAX_OCCURS).filter(|most| answers > *most) {
            self.walk.error(
                at,
                &REPEATS,
                format!("题目 {} 最多 {most} 个回答；请删去多余的", link()),
                format!("the item {} takes at most {most} answers; remove what is too much", link()),
            );
        }
        if let Some(least) = limit(MIN_OCCURS).filter(|least| answers < *least && kind != "group") {
            self.walk.error(
                at,
                &REQUIRED,
                format!("题目 {} 至少要有 {least} 个回答；请补上", link()),
                format!("the item {} takes at least {least} answers; supply them", link()),
            );
        }
    }
}
