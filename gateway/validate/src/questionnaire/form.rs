//! A Questionnaire as responses need it, and its own rule beyond R4's invariants: what `enableWhen` may ask for.

use super::link_of;
use crate::place::Frame;
use crate::text::Rule;
use crate::walk::{DEPTH_MAX, Walk};
use hutong_fhir::{NodeId, NodeRef, Severity};
use std::collections::HashMap;

const ENABLE_WHEN: Rule = Rule { id: "fhir.questionnaire.enable_when", issue: "business-rule", hl7: 207 };

/// The items of a form.
pub(super) struct Form<'t> {
    pub(super) root: NodeRef<'t>,
    /// By linkId; the first where several have one.
    by_link: HashMap<&'t str, NodeRef<'t>>,
    /// What each item stands in: an item or the form.
    up: HashMap<NodeId, NodeRef<'t>>,
}

impl<'t> Form<'t> {
    pub(super) fn new(root: NodeRef<'t>) -> Form<'t> {
        let mut form = Form { root, by_link: HashMap::new(), up: HashMap::new() };
        let mut open = vec![root];
        while let Some(holder) = open.pop() {
            for item in items(holder) {
                form.up.insert(item.id(), holder);
                if let Some(link) = item.at("linkId") {
                    form.by_link.entry(link).or_insert(item);
                }
                open.push(item);
            }
        }
        form
    }

    pub(super) fn item(&self, link_id: &str) -> Option<NodeRef<'t>> {
        self.by_link.get(link_id).copied()
    }

    /// The item and what it stands in, from inside out, without the form itself.
    pub(super) fn chain(&self, item: NodeRef<'t>) -> impl Iterator<Item = NodeRef<'t>> + '_ {
        let form = self.root.id();
        std::iter::successors(Some(item), |i| self.up.get(&i.id()).copied()).take_while(move |i| i.id() != form)
    }

    /// The innermost item that both stand in (or are); `None` is the form.
    pub(super) fn common(&self, a: NodeRef<'t>, b: NodeRef<'t>) -> Option<NodeRef<'t>> {
        let of_b: Vec<NodeId> = self.chain(b).map(NodeRef::id).collect();
        self.chain(a).find(|i| of_b.contains(&i.id()))
    }
}

pub(super) fn items(holder: NodeRef<'_>) -> impl Iterator<Item = NodeRef<'_>> {
    holder.children().filter(|c| c.name() == "item")
}

/// The rules of a Questionnaire itself.
pub(super) fn check<'t>(walk: &mut Walk<'t>, at: &Frame<'_, 't>) {
    let form = Form::new(at.node);
    // items come in the order of the document, which is the order in which they are asked
    let mut asked: HashMap<NodeId, u32> = HashMap::new();
    number(at.node, &mut asked, 0);
    inside(walk, at, &form, &asked);
}

fn number(holder: NodeRef<'_>, asked: &mut HashMap<NodeId, u32>, depth: u32) {
    if depth > DEPTH_MAX {
        return;
    }
    for item in items(holder) {
        asked.insert(item.id(), u32::try_from(asked.len()).unwrap_or(u32::MAX));
        number(item, asked, depth + 1);
    }
}

fn inside<'t>(walk: &mut Walk<'t>, at: &Frame<'_, 't>, form: &Form<'t>, asked: &HashMap<NodeId, u32>) {
    if at.depth > DEPTH_MAX {
        return;
    }
    for (index, item) in items(at.node).enumerate() {
        let frame = walk.step(at, item, index as u32);
        for condition in item.children().filter(|c| c.name() == "enableWhen") {
            if let Some(question) = condition.at("question") {
                condition_points_back(walk, &frame, form, asked, question);
            }
        }
        inside(walk, &frame, form, asked);
    }
}

/// The question that an item depends on is another one, not inside it, and asked before.
fn condition_points_back<'t>(walk: &mut Walk<'t>, at: &Frame<'_, 't>, form: &Form<'t>, asked: &HashMap<NodeId, u32>, question: &str) {
    let item = at.node;
    let (severity, zh, en) = match form.item(question) {
        None => (
            Severity::Error,
            "问卷中没有 enableWhen.question 所指的题目",
            "the form has no question with the linkId in enableWhen.question",
        ),
        Some(target) if target.id() == item.id() => (Severity::Error, "题目的启用条件不能是它自己", "a question can not depend on itself"),
        Some(target) if form.chain(target).any(|i| i.id() == item.id()) => {
            (Severity::Error, "启用条件不能取决于本题目之内的题目", "a question can not depend on one inside itself")
        }
        Some(target) if asked.get(&target.id()) > asked.get(&item.id()) => {
            (Severity::Warning, "启用条件取决于后面的题目", "the question that this one depends on comes later")
        }
        Some(_) => return,
    };
    let link = link_of(item);
    let finding = ENABLE_WHEN
        .finding(severity)
        .says(format!("{zh}；请改正题目 {link} 的 enableWhen"), format!("{en}; correct enableWhen of the item {link}"));
    walk.report(at, finding);
}
