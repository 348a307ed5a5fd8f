//! The list of cases behind a figure.

use hutong_paper::{Html, Value, moment};

use crate::context::{Context, encoded};
use crate::layout::{badge, basis, page};
use crate::view::{CaseList, CaseRow, CasesAsk, Counted, Scope};

pub(crate) fn cases(view: &CaseList, ask: &CasesAsk, context: &Context) -> Html {
    let title = context.t("病例", "Cases");
    page(context, title, |main| {
        main.node("div", &[("class", "page-head")], |head| {
            head.leaf("h1", &[], title);
            let total = Value::Integer(i64::try_from(view.total).unwrap_or(i64::MAX)).shown(context.lang);
            let what = if ask.excluded.is_some() { context.t("例未计入", "not counted") } else { context.t("例", "cases") };
            head.node("p", &[("class", "count")], |p| {
                p.leaf("strong", &[], &total);
                p.text(&format!(" {what}"));
            });
        });
        filters(main, view, ask, context);
        main.node("div", &[("class", "card")], |card| {
            if view.rows.is_empty() {
                let text = context.t("没有符合条件的病例。请放宽筛选条件。", "No case matches. Try fewer filters.");
                card.leaf("p", &[("class", "empty")], text);
            } else {
                table(card, &view.rows, context);
            }
        });
        if let Some(next) = &view.next {
            main.node("p", &[("class", "more")], |p| {
                let href = context.at(&context.path, Some(("after", next)));
                p.leaf("a", &[("class", "button"), ("href", &href), ("rel", "next")], context.t("下一页", "Next page"));
            });
        }
        basis(main, &view.basis, Some(ask.scope), context);
    })
}

fn filters(main: &mut Html, view: &CaseList, ask: &CasesAsk, context: &Context) {
    main.node("form", &[("class", "filters"), ("method", "get"), ("action", "/console/cases")], |form| {
        let scopes: Vec<(String, hutong_paper::Text)> =
            [Scope::Img5, Scope::All4].iter().map(|s| (s.code().to_owned(), hutong_paper::Text::same(s.code()))).collect();
        select(form, "scope", context.t("口径", "Scope"), &scopes, Some(ask.scope.code()), None, context);
        let all = Some(context.t("全部", "All"));
        select(form, "period", context.t("期间", "Period"), &view.periods, ask.period.as_deref(), None, context);
        select(form, "institution", context.t("检查机构", "Examined at"), &view.institutions, ask.institution.as_deref(), all, context);
        select(form, "centre", context.t("诊断中心", "Centre"), &view.centres, ask.centre.as_deref(), all, context);
        let counted = Some(context.t("已计入", "Counted"));
        select(form, "excluded", context.t("计数", "Counting"), &view.reasons, ask.excluded.as_deref(), counted, context);
        form.leaf("button", &[("type", "submit")], context.t("筛选", "Filter"));
    });
}

fn select(
    form: &mut Html,
    name: &'static str,
    label: &str,
    options: &[(String, hutong_paper::Text)],
    chosen: Option<&str>,
    none: Option<&str>,
    context: &Context,
) {
    form.node("label", &[], |l| {
        l.leaf("span", &[], label);
        l.node("select", &[("name", name)], |select| {
            if let Some(none) = none {
                select.leaf("option", &[("value", "")], none);
            }
            for (value, text) in options {
                let mut attributes = vec![("value", value.as_str())];
                if chosen == Some(value) {
                    attributes.push(("selected", ""));
                }
                select.leaf("option", &attributes, text.of(context.lang));
            }
        });
    });
}

fn table(card: &mut Html, rows: &[CaseRow], context: &Context) {
    let heads = [
        context.t("编号", "Number"),
        context.t("患者", "Patient"),
        context.t("项目", "Item"),
        context.t("检查机构", "Examined at"),
        context.t("诊断机构", "Read at"),
        context.t("首次报告", "First report"),
        context.t("计数", "Counting"),
    ];
    card.node("table", &[("class", "plain stack")], |table| {
        table.leaf("caption", &[("class", "unseen")], context.t("病例列表", "List of cases"));
        table.node("thead", &[], |head| {
            head.node("tr", &[], |tr| heads.iter().for_each(|h| tr.leaf("th", &[("scope", "col")], h)));
        });
        table.node("tbody", &[], |body| rows.iter().for_each(|r| row(body, r, &heads, context)));
    });
}

fn row(body: &mut Html, row: &CaseRow, heads: &[&str; 7], context: &Context) {
    let lang = context.lang;
    body.node("tr", &[], |tr| {
        tr.node("th", &[("scope", "row")], |th| {
            // with what the list was asked for: the way back leads to the same list
            let href = context.at(&format!("/console/cases/{}", encoded(&row.id)), None);
            th.leaf("a", &[("href", &href)], &row.number);
        });
        let item = format!("{}{}{}", row.centre.of(lang), context.dot(), row.item.of(lang));
        let reported = row.reported_us.map_or_else(|| "—".to_owned(), moment);
        let patient = patient(row, context);
        let cells = [patient.as_str(), &item, row.examined_at.of(lang), row.read_at.of(lang), &reported];
        for (label, text) in heads.iter().skip(1).zip(cells) {
            tr.leaf("td", &[("data-label", label)], text);
        }
        tr.node("td", &[("data-label", heads[6])], |td| counted(td, &row.counted, context));
    });
}

/// `张** 男 58 岁`.
pub(crate) fn patient(row: &CaseRow, context: &Context) -> String {
    let age = row.age.map_or_else(String::new, |age| format!(" {age}{}", context.t(" 岁", " y")));
    format!("{} {}{age}", row.patient.as_str(), row.sex.of(context.lang))
}

pub(crate) fn counted(html: &mut Html, counted: &Counted, context: &Context) {
    match counted {
        Counted::In { img5: true } => badge(html, "good", context.t("计入 IMG5、ALL4", "counts: IMG5, ALL4")),
        Counted::In { img5: false } => badge(html, "good", context.t("计入 ALL4", "counts: ALL4")),
        Counted::Out { reason } => badge(html, "plain", reason.of(context.lang)),
    }
}
