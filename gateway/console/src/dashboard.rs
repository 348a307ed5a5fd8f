//! The first page: the year's figures against its target, live.

use hutong_paper::{Chart, Goal, Html, Lang, Series, Shape, Text, Value, html_chart, moment};
use serde_json::json;

use crate::context::{Context, address};
use crate::layout::{badge, basis, page};
use crate::view::{Dashboard, Freshness, Progress, Scope, ScopeFigures, Source};

pub(crate) fn dashboard(view: &Dashboard, context: &Context) -> Html {
    let title = context.t("基层检查、上级诊断", "Examined here, diagnosed there");
    page(context, title, |main| {
        main.node("div", &[("class", "page-head")], |head| {
            head.node("div", &[], |names| {
                names.leaf("p", &[("class", "kicker")], view.community.of(context.lang));
                names.leaf("h1", &[], title);
            });
            choices(head, view, context);
        });
        let events = address("/console/events", [("year", view.year.to_string().as_str()), ("scope", view.scope.code())]);
        main.node("div", &[("id", "live"), ("data-events", &events)], |live| {
            live.node("div", &[("class", "hero")], |hero| {
                target(hero, view, context);
                for figures in &view.figures {
                    scope(hero, figures, context);
                }
            });
            live.node("div", &[("class", "grid")], |grid| {
                grid.node("div", &[("class", "column")], |column| {
                    card(column, &trend(view), view, context, None);
                    let centres = progress(view, &view.centres, Text::new("按中心", "By centre"));
                    card(column, &centres, view, context, Some(("centre", &view.centres)));
                    let institutions = progress(view, &view.institutions, Text::new("按检查机构", "By examining institution"));
                    card(column, &institutions, view, context, Some(("institution", &view.institutions)));
                });
                grid.node("div", &[("class", "column")], |column| {
                    sources(column, view, context);
                    excluded(column, view, context);
                });
            });
            basis(live, &view.basis, Some(view.scope), context);
        });
    })
}

/// About as wide as a card on a common screen.
const CARD_WIDTH: f64 = 560.0;

/// What the page's script writes into the elements of these names (`data-live`).
pub(crate) fn live(view: &Dashboard, lang: Lang) -> serde_json::Value {
    let mut figures = serde_json::Map::new();
    for f in &view.figures {
        for (name, n) in [("cases", f.cases), ("persons", f.persons), ("today", f.cases_today)] {
            figures.insert(format!("{}.{name}", f.scope.code()), Value::Integer(n).shown(lang).into());
        }
    }
    if let Some((done, share)) = done(view) {
        figures.insert("target.done".to_owned(), Value::Integer(done).shown(lang).into());
        figures.insert("target.share".to_owned(), format!("{share:.1}%").into());
    }
    figures.insert("position".to_owned(), view.basis.journal_position.to_string().into());
    figures.insert("made".to_owned(), moment(view.basis.made_at_us).into());
    json!({ "position": view.basis.journal_position, "figures": figures })
}

fn choices(head: &mut Html, view: &Dashboard, context: &Context) {
    head.node("div", &[("class", "choices")], |choices| {
        choices.node("nav", &[("class", "segments"), ("aria-label", context.t("统计口径", "Scope"))], |nav| {
            for scope in [Scope::Img5, Scope::All4] {
                choice(nav, &context.with("scope", scope.code()), scope == view.scope, scope.code(), scope.text().of(context.lang));
            }
        });
        choices.node("nav", &[("class", "segments"), ("aria-label", context.t("年度", "Year"))], |nav| {
            for year in &view.years {
                let text = year.to_string();
                choice(nav, &context.with("year", &text), *year == view.year, &text, "");
            }
        });
    });
}

fn choice(nav: &mut Html, href: &str, chosen: bool, text: &str, title: &str) {
    let mut attributes = vec![("href", href)];
    if chosen {
        attributes.push(("aria-current", "true"));
    }
    if !title.is_empty() {
        attributes.push(("title", title));
    }
    nav.leaf("a", &attributes, text);
}

/// How much of the target is done, and its part in percent.
fn done(view: &Dashboard) -> Option<(i64, f64)> {
    let target = view.target.as_ref().filter(|t| t.value > 0)?;
    let figures = view.figures.iter().find(|f| f.scope == view.scope)?;
    let done = if target.of_persons { figures.persons } else { figures.cases };
    Some((done, done as f64 / target.value as f64 * 100.0))
}

/// The headline: the target, how much of it is done, and whether that is as much as the calendar asks.
fn target(hero: &mut Html, view: &Dashboard, context: &Context) {
    let (Some(target), Some((done, share))) = (&view.target, done(view)) else { return };
    let unit = if target.of_persons { context.t("人", "persons") } else { context.t("人次", "cases") };
    hero.node("section", &[("class", "card target"), ("aria-labelledby", "target")], |card| {
        let heading = format!("{} {}", view.year, context.t("年度目标", "target of the year"));
        card.leaf("h2", &[("id", "target")], &heading);
        card.node("p", &[("class", "huge")], |p| {
            p.leaf("span", &[("data-live", "target.share")], &format!("{share:.1}%"));
        });
        bar(card, share, view.elapsed_percent, context);
        card.node("p", &[("class", "of")], |p| {
            p.leaf("strong", &[("data-live", "target.done")], &Value::Integer(done).shown(context.lang));
            p.text(&format!(" / {} {unit}", Value::Integer(target.value).shown(context.lang)));
        });
        card.node("p", &[("class", "pace")], |p| {
            let ahead = share - view.elapsed_percent;
            let (kind, word) = match ahead {
                a if a >= 0.0 => ("good", context.t("快于时序", "ahead of the calendar")),
                a if a > -5.0 => ("warn", context.t("略慢于时序", "just behind the calendar")),
                _ => ("bad", context.t("慢于时序", "behind the calendar")),
            };
            badge(p, kind, word);
            p.text(&format!(" {} {:.1}% · {}", context.t("时序进度", "calendar"), view.elapsed_percent, target.from.of(context.lang)));
        });
    });
}

/// A bar with a mark where the calendar stands. An SVG, because a strict policy of content allows no style attributes.
fn bar(card: &mut Html, share: f64, elapsed: f64, context: &Context) {
    let (width, mark) = (share.clamp(0.0, 100.0).to_string(), elapsed.clamp(0.0, 99.5).to_string());
    let size = [("class", "meter"), ("viewBox", "0 0 100 6"), ("preserveAspectRatio", "none"), ("role", "img")];
    card.node("svg", &size, |svg| {
        svg.leaf("title", &[], &format!("{share:.1}% · {} {elapsed:.1}%", context.t("时序进度", "calendar")));
        svg.leaf("rect", &[("class", "track"), ("width", "100"), ("height", "6")], "");
        svg.leaf("rect", &[("class", "s0"), ("width", &width), ("height", "6")], "");
        svg.leaf("rect", &[("class", "s4"), ("x", &mark), ("width", "0.500"), ("height", "6")], "");
    });
}

fn scope(hero: &mut Html, figures: &ScopeFigures, context: &Context) {
    let code = figures.scope.code();
    hero.node("section", &[("class", "card scope"), ("aria-label", code)], |card| {
        card.node("h2", &[], |h| {
            h.leaf("span", &[("class", "code")], code);
            h.text(figures.scope.text().of(context.lang));
        });
        card.node("dl", &[("class", "pair")], |list| {
            let all = [
                ("cases", figures.cases, context.t("人次", "cases")),
                ("persons", figures.persons, context.t("人数", "persons")),
                ("today", figures.cases_today, context.t("今日人次", "cases today")),
            ];
            for (name, n, label) in all {
                list.node("div", &[], |one| {
                    one.leaf("dt", &[], label);
                    one.leaf("dd", &[("data-live", &format!("{code}.{name}"))], &Value::Integer(n).shown(context.lang));
                });
            }
        });
    });
}

/// A chart with the rows behind it, as links to their cases.
fn card(grid: &mut Html, chart: &Chart, view: &Dashboard, context: &Context, links: Option<(&str, &[Progress])>) {
    grid.node("section", &[("class", "card")], |card| {
        html_chart(card, chart, CARD_WIDTH, context.lang);
        let Some(links) = links else { return };
        card.node("details", &[], |details| {
            details.leaf("summary", &[], context.t("数据与病例", "Figures and cases"));
            figures(details, view, links, context);
        });
    });
}

fn figures(html: &mut Html, view: &Dashboard, (key, rows): (&str, &[Progress]), context: &Context) {
    html.node("table", &[("class", "plain")], |table| {
        table.node("thead", &[], |head| {
            head.node("tr", &[], |tr| {
                tr.leaf("th", &[("scope", "col")], context.t("名称", "Name"));
                tr.leaf("th", &[("scope", "col"), ("class", "right")], context.t("人次", "Cases"));
                tr.leaf("th", &[("scope", "col"), ("class", "right")], context.t("人数", "Persons"));
                tr.leaf("th", &[("scope", "col"), ("class", "right")], context.t("目标", "Target"));
            });
        });
        table.node("tbody", &[], |body| {
            for row in rows {
                body.node("tr", &[], |tr| {
                    tr.node("th", &[("scope", "row")], |th| {
                        th.leaf("a", &[("href", &cases(view, key, &row.id))], row.name.of(context.lang));
                    });
                    let target = row.target.map_or(Value::Empty, Value::Integer);
                    for value in [Value::Integer(row.cases), Value::Integer(row.persons), target] {
                        tr.leaf("td", &[("class", "right")], &value.shown(context.lang));
                    }
                });
            }
        });
    });
}

/// The cases behind a figure of this page.
fn cases(view: &Dashboard, key: &str, value: &str) -> String {
    address("/console/cases", [("scope", view.scope.code()), ("period", view.year.to_string().as_str()), (key, value)])
}

fn trend(view: &Dashboard) -> Chart {
    let month = |m: u8| Text::new(format!("{m}月"), MONTHS.get(usize::from(m).wrapping_sub(1)).copied().unwrap_or_default());
    let chosen = |m: &crate::view::Month| if view.scope == Scope::Img5 { m.img5 } else { m.all4 };
    let of = |name: Text, value: &dyn Fn(&crate::view::Month) -> Option<i64>| Series {
        name,
        values: view.months.iter().map(|m| value(m).map(|n| n as f64)).collect(),
    };
    let mut series = vec![of(Text::new(format!("{} 年", view.year), view.year.to_string()), &|m| Some(chosen(m)))];
    if view.months.iter().any(|m| m.last_year.is_some()) {
        let last = view.year - 1;
        series.push(of(Text::new(format!("{last} 年"), last.to_string()), &|m| m.last_year));
    }
    let total: i64 = view.months.iter().map(chosen).fold(0, i64::saturating_add);
    let total = Value::Integer(total).shown(Lang::Zh);
    let code = view.scope.code();
    Chart {
        title: Text::new(format!("按月 · {code} 人次"), format!("By month · {code} cases")),
        summary: Text::new(
            format!("{} 年 {} 个月共 {total} 人次", view.year, view.months.len()),
            format!("{total} cases in {} months of {}", view.months.len(), view.year),
        ),
        unit: Text::default(),
        shape: Shape::Bars { categories: view.months.iter().map(|m| month(m.month)).collect(), series },
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn progress(view: &Dashboard, rows: &[Progress], title: Text) -> Chart {
    let code = view.scope.code();
    let behind = rows.iter().filter(|r| r.target.is_some_and(|t| (r.cases as f64) < t as f64 * view.elapsed_percent / 100.0)).count();
    let goals = rows.iter().map(|r| Goal { label: r.name.clone(), value: r.cases as f64, target: r.target.map(|t| t as f64) }).collect();
    Chart {
        title: Text::new(format!("{} · {code} 人次", title.zh), format!("{} · {code} cases", title.en)),
        summary: Text::new(
            format!("{} 个中有 {behind} 个慢于时序进度 {:.1}%", rows.len(), view.elapsed_percent),
            format!("{behind} of {} are behind the calendar ({:.1}%)", rows.len(), view.elapsed_percent),
        ),
        unit: Text::default(),
        shape: Shape::Progress(goals),
    }
}

fn excluded(grid: &mut Html, view: &Dashboard, context: &Context) {
    let total: i64 = view.excluded.iter().map(|e| e.cases).fold(0, i64::saturating_add);
    let total = Value::Integer(total).shown(Lang::Zh);
    let chart = Chart {
        title: Text::new("未计入的病例", "Cases not counted"),
        summary: Text::new(format!("共 {total} 例未计入，原因见各行"), format!("{total} cases are not counted, by reason")),
        unit: Text::new("例", "cases"),
        shape: Shape::Progress(view.excluded.iter().map(|e| Goal { label: e.name.clone(), value: e.cases as f64, target: None }).collect()),
    };
    grid.node("section", &[("class", "card")], |card| {
        html_chart(card, &chart, CARD_WIDTH, context.lang);
        card.node("details", &[], |details| {
            details.leaf("summary", &[], context.t("病例", "Cases"));
            details.node("ul", &[("class", "links")], |list| {
                for reason in &view.excluded {
                    let href = cases(view, "excluded", &reason.code);
                    list.node("li", &[], |li| li.leaf("a", &[("href", &href)], reason.name.of(context.lang)));
                }
            });
        });
    });
}

fn sources(grid: &mut Html, view: &Dashboard, context: &Context) {
    grid.node("section", &[("class", "card"), ("aria-labelledby", "sources")], |card| {
        card.leaf("h2", &[("id", "sources"), ("class", "card-title")], context.t("数据新鲜度", "Freshness of data"));
        card.node("table", &[("class", "plain")], |table| {
            table.node("thead", &[], |head| {
                head.node("tr", &[], |tr| {
                    tr.leaf("th", &[("scope", "col")], context.t("机构", "Institution"));
                    tr.leaf("th", &[("scope", "col")], context.t("最后消息", "Last message"));
                    tr.leaf("th", &[("scope", "col"), ("class", "right")], context.t("今日", "Today"));
                    tr.leaf("th", &[("scope", "col"), ("class", "right")], context.t("退回", "Rejected"));
                });
            });
            table.node("tbody", &[], |body| view.sources.iter().for_each(|s| source(body, s, view, context)));
        });
    });
}

fn source(body: &mut Html, source: &Source, view: &Dashboard, context: &Context) {
    body.node("tr", &[], |tr| {
        tr.leaf("th", &[("scope", "row")], source.institution.of(context.lang));
        tr.node("td", &[], |td| {
            let (kind, word) = match source.state {
                Freshness::Fresh => ("good", context.t("正常", "fresh")),
                Freshness::Late => ("warn", context.t("延迟", "late")),
                Freshness::Silent => ("bad", context.t("中断", "silent")),
            };
            badge(td, kind, word);
            let age = source.last_message_us.map(|at| (view.basis.made_at_us.saturating_sub(at) / 1_000_000).max(0));
            let age = age.map_or_else(String::new, |s| {
                let text = Value::Duration(s).shown(context.lang);
                if context.lang == Lang::Zh { format!(" {text}前") } else { format!(" {text} ago") }
            });
            td.leaf("span", &[("class", "age")], &age);
        });
        for n in [source.messages_today, source.rejected_today] {
            tr.leaf("td", &[("class", "right")], &Value::Integer(n).shown(context.lang));
        }
    });
}
