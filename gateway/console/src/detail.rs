//! One case: what happened when and where, why it counts or not, and the messages that say so.

use hutong_paper::{Html, Value, moment};

use crate::cases::{counted, patient};
use crate::context::Context;
use crate::layout::{basis, page};
use crate::view::{Case, Message};

pub(crate) fn case(view: &Case, context: &Context) -> Html {
    let title = format!("{} {}", context.t("病例", "Case"), view.row.number);
    page(context, &title, |main| {
        main.node("nav", &[("class", "crumbs"), ("aria-label", context.t("位置", "Where"))], |nav| {
            nav.leaf("a", &[("href", &context.at("/console/cases", None))], context.t("返回病例列表", "Back to the cases"));
        });
        main.node("div", &[("class", "page-head")], |head| {
            head.leaf("h1", &[], &title);
            head.node("p", &[], |p| counted(p, &view.row.counted, context));
        });
        main.node("div", &[("class", "grid")], |grid| {
            grid.node("section", &[("class", "card"), ("aria-labelledby", "facts")], |card| facts(card, view, context));
            grid.node("section", &[("class", "card"), ("aria-labelledby", "steps")], |card| steps(card, view, context));
            grid.node("section", &[("class", "card whole"), ("aria-labelledby", "messages")], |card| messages(card, view, context));
        });
        basis(main, &view.basis, None, context);
    })
}

fn facts(card: &mut Html, view: &Case, context: &Context) {
    let (row, lang) = (&view.row, context.lang);
    card.leaf("h2", &[("id", "facts"), ("class", "card-title")], context.t("概况", "Facts"));
    card.node("dl", &[("class", "facts")], |list| {
        let mut pair = |label: &str, value: &str| {
            list.node("div", &[], |div| {
                div.leaf("dt", &[], label);
                div.leaf("dd", &[], value);
            });
        };
        pair(context.t("患者", "Patient"), &patient(row, context));
        pair(context.t("项目", "Item"), &format!("{}{}{}", row.centre.of(lang), context.dot(), row.item.of(lang)));
        pair(context.t("检查机构", "Examined at"), row.examined_at.of(lang));
        pair(context.t("诊断机构", "Read at"), row.read_at.of(lang));
        for (label, value) in &view.facts {
            pair(label.of(lang), &value.shown(lang));
        }
        pair(context.t("判定", "Decision"), view.decided_by.of(lang));
    });
    if !view.adjustments.is_empty() {
        card.leaf("h3", &[], context.t("事后调整", "Later adjustments"));
        card.node("ul", &[("class", "notes")], |list| {
            for (day, text) in &view.adjustments {
                list.leaf("li", &[], &format!("{} {}", Value::Date(*day).shown(lang), text.of(lang)));
            }
        });
    }
}

fn steps(card: &mut Html, view: &Case, context: &Context) {
    card.leaf("h2", &[("id", "steps"), ("class", "card-title")], context.t("经过", "What happened"));
    card.node("ol", &[("class", "steps")], |list| {
        for step in &view.steps {
            list.node("li", &[], |li| {
                li.leaf("span", &[("class", "when")], &moment(step.at_us));
                li.leaf("strong", &[], step.what.of(context.lang));
                li.leaf("span", &[("class", "who")], step.who.of(context.lang));
                li.leaf("a", &[("href", &format!("#entry-{}", step.entry))], &format!("#{}", step.entry));
            });
        }
    });
}

fn messages(card: &mut Html, view: &Case, context: &Context) {
    card.leaf(
        "h2",
        &[("id", "messages"), ("class", "card-title")],
        context.t("原始消息（患者信息已遮蔽）", "Messages (patient data hidden)"),
    );
    for message in &view.messages {
        one(card, message, context);
    }
}

fn one(card: &mut Html, message: &Message, context: &Context) {
    card.node("details", &[("class", "message"), ("id", &format!("entry-{}", message.entry))], |details| {
        details.node("summary", &[], |summary| {
            summary.leaf("strong", &[], &message.kind);
            summary.text(&format!(" {} {}", message.source.of(context.lang), moment(message.at_us)));
            summary.leaf("span", &[("class", "code")], &format!("#{}", message.entry));
        });
        details.node("p", &[("class", "footnote")], |p| {
            p.text(&format!("{} {}{}SHA-256 ", context.t("控制号", "control id"), message.control_id, context.t("，", ", ")));
            p.leaf("code", &[], &message.sha256);
        });
        let name = context.t("消息内容", "Text of the message");
        details.leaf("pre", &[("tabindex", "0"), ("role", "region"), ("aria-label", name)], &message.text);
    });
}
